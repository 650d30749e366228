// Folders with all that is in them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct removal {
    const char *dir;
    int code;
};

// What a guest has made may be deeper than any path is long, or than a stack: folders are not
// entered one from the other, but moved up into the one that goes, where their turn comes later.
struct emptying {
    int top_fd;
    dev_t device;
    unsigned long moved; // in the names of what was moved up
};

// Not even its owner may read some folders: the work folder of an overlay holds one.
static int
folder_open(int dir_fd, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir_fd, name, flags);
    struct stat status;
    bool can_retry = fd < 0 && errno == EACCES &&
                     fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                     S_ISDIR(status.st_mode) && fchmodat(dir_fd, name, 0700, 0) == 0;
    return can_retry ? openat(dir_fd, name, flags) : fd;
}

// A file, or a folder that is empty.
static bool
entry_remove(int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT ||
           unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

static bool
entry_move_up(struct emptying *e, int dir_fd, const char *name)
{
    char up[40];
    snprintf(up, sizeof(up), ".moved-%lu", e->moved++);
    // Moving a folder writes to it.
    (void)fchmodat(dir_fd, name, 0700, 0);
    return renameat2(dir_fd, name, e->top_fd, up, RENAME_NOREPLACE) == 0 || errno == EEXIST;
}

static bool
is_self_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// One walk over a folder, whose folders give up what they hold to the top. Of the top itself there
// may be something left for the next walk.
static bool
folder_walk(struct emptying *e, int dir_fd, bool *has_more)
{
    bool is_top = dir_fd == e->top_fd, is_done = true;
    struct stat status;
    if (fstat(dir_fd, &status) != 0 || status.st_dev != e->device)
        return false; // something was mounted there
    int own = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = own < 0 ? NULL : fdopendir(own);
    if (d == NULL)
        return false;
    for (struct dirent *entry; is_done && (entry = readdir(d)) != NULL;) {
        if (is_self_or_parent(entry->d_name) || entry_remove(dir_fd, entry->d_name))
            continue;
        *has_more = true;
        if (!is_top) {
            is_done = entry_move_up(e, dir_fd, entry->d_name);
            continue;
        }
        int fd = folder_open(dir_fd, entry->d_name);
        is_done = fd >= 0 && folder_walk(e, fd, has_more);
        if (fd >= 0)
            close(fd);
        (void)entry_remove(dir_fd, entry->d_name);
    }
    closedir(d);
    return is_done;
}

static void
remove_all(void *arg)
{
    struct removal *r = arg;
    struct emptying e = {.top_fd = folder_open(AT_FDCWD, r->dir)};
    struct stat status = {0};
    bool has_more = true, is_done = e.top_fd < 0 || fstat(e.top_fd, &status) == 0;
    e.device = status.st_dev;
    while (e.top_fd >= 0 && has_more && is_done) {
        has_more = false;
        is_done = folder_walk(&e, e.top_fd, &has_more);
    }
    if (e.top_fd >= 0)
        close(e.top_fd);
    r->code = is_done && entry_remove(AT_FDCWD, r->dir) ? OK : E_IO;
}

int
tree_remove(struct runtime *rt, const char *dir)
{
    struct removal r = {.dir = dir};
    pool_run(rt, remove_all, &r);
    return r.code;
}

int
tree_make(const char *dir, unsigned mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", dir);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        if (mkdir(path, mode) != 0 && errno != EEXIST)
            return errno == ENOSPC ? E_FULL : E_IO;
    }
    return mkdir(path, mode) == 0 || errno == EEXIST ? OK : errno == ENOSPC ? E_FULL : E_IO;
}
