// A guest's disk: a file system in a file, by a loop device.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

enum { TRIES = 100, NAME_MAX_BYTES = 32, SPARES = 8, SPARE_BYTES = 64 * 1024 };

// The device goes when nobody has it open or mounted any more, whoever ends first and however.
static int
loop_take(int file_fd, int control_fd, char name[NAME_MAX_BYTES])
{
    struct loop_config config = {.fd = (uint32_t)file_fd, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
    int number = ioctl(control_fd, LOOP_CTL_GET_FREE);
    if (number < 0)
        return -1;
    snprintf(name, NAME_MAX_BYTES, "/dev/loop%d", number);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0)
        return fd;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

// Others look for a free one too, and may be first.
static int
loop_open(int file_fd, char name[NAME_MAX_BYTES])
{
    int fd = -1, control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    for (int i = 0; control_fd >= 0 && fd < 0 && i < TRIES; i++) {
        fd = loop_take(file_fd, control_fd, name);
        if (fd < 0 && errno != EBUSY)
            break;
    }
    int error = errno;
    if (control_fd >= 0)
        close(control_fd);
    errno = error;
    return fd;
}

// Mounting an overlay makes files, for which a guest has left no room when its disk is full: then
// it could never start again. So some room is kept, and given only while it starts.
static void
spare_give(int disk_fd)
{
    char name[NAME_MAX_BYTES];
    for (int i = 0; i < SPARES; i++) {
        snprintf(name, sizeof(name), "spare-%d", i);
        (void)unlinkat(disk_fd, name, 0);
    }
}

int
disk_open(const char *path, const char **what)
{
    char name[NAME_MAX_BYTES];
    // What is deleted in it takes no room outside either.
    const char *const options[] = {"source", name, "discard", "", NULL};
    *what = path;
    int file_fd = open(path, O_RDWR | O_CLOEXEC);
    if (file_fd < 0)
        return -1;
    *what = "a loop device";
    int loop_fd = loop_open(file_fd, name);
    close(file_fd);
    if (loop_fd < 0)
        return -1;
    *what = "the file system of the disk";
    int fd = mount_new("ext4", options);
    int error = errno;
    close(loop_fd);
    errno = error;
    if (fd >= 0)
        spare_give(fd);
    return fd;
}

void
disk_spare_keep(int disk_fd)
{
    char name[NAME_MAX_BYTES];
    for (int i = 0; i < SPARES; i++) {
        snprintf(name, sizeof(name), "spare-%d", i);
        int fd = openat(disk_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0 && i == 0)
            (void)posix_fallocate(fd, 0, SPARE_BYTES);
        if (fd >= 0)
            close(fd);
    }
}
