// Mounts as descriptors: made, cloned and hung up by the newer calls of the kernel.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

static bool
configure(int context, const char *const *options)
{
    for (; *options != NULL; options += 2) {
        bool is_flag = *options[1] == '\0';
        if (syscall(SYS_fsconfig, context, is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
                    options[0], is_flag ? NULL : options[1], 0) != 0)
            return false;
    }
    return syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0;
}

int
mount_new(const char *type, const char *const *options)
{
    int fd = -1, context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0)
        return -1;
    if (configure(context, options))
        fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                          MOUNT_ATTR_NOSUID * (strcmp(type, "overlay") != 0));
    int error = errno;
    close(context);
    errno = error;
    return fd;
}

// As many files as would be a page each: every one costs the kernel memory too.
int
mount_memory(uint64_t bytes, const char *mode)
{
    enum { PAGE_BYTES = 4096, FILES_MIN = 256 };
    char size[32], files[32];
    unsigned long long pages = bytes / PAGE_BYTES;
    snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
    snprintf(files, sizeof(files), "%llu", pages < FILES_MIN ? FILES_MIN : pages);
    const char *const options[] = {"size", size, "nr_inodes", files, "mode", mode, NULL};
    return mount_new("tmpfs", options);
}

int
mount_clone(const char *path, bool is_recursive)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (is_recursive)
        flags |= AT_RECURSIVE;
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, flags);
}

bool
mount_attach(int fd, const char *at)
{
    return syscall(SYS_move_mount, fd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

bool
folder_make(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = part; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return false;
    }
    return mkdir(part, 0755) == 0 || errno == EEXIST;
}
