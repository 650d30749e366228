// Copies of folders.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/tree.h"

enum { DEPTH_MAX = 64, PIECE_BYTES = 1 << 30 };

struct job {
    const struct tree_clone *copy;
    int code;
};

static int
failed(void)
{
    return errno == ENOSPC || errno == EDQUOT ? E_FULL : E_IO;
}

static int
owner_set(const struct tree_clone *c, int dir_fd, const char *name)
{
    if (c->uid < 0)
        return OK;
    return fchownat(dir_fd, name, (uid_t)c->uid, (gid_t)c->gid, AT_SYMLINK_NOFOLLOW) == 0 ? OK
                                                                                          : E_IO;
}

// Where the file system can, both share their blocks.
static int
bytes_copy(int in, int out, off_t size)
{
    while (size > 0) {
        ssize_t done = copy_file_range(in, NULL, out, NULL, PIECE_BYTES, 0);
        if (done <= 0)
            return done == 0 ? OK : failed();
        size -= done;
    }
    return OK;
}

static int
file_copy(int from, int to, const char *name, const struct stat *status)
{
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     status->st_mode & 0777);
    int code = in >= 0 && out >= 0 ? bytes_copy(in, out, status->st_size) : failed();
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return code;
}

static int
link_copy(int from, int to, const char *name)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(from, name, target, sizeof(target) - 1);
    if (len < 0)
        return failed();
    target[len] = '\0';
    return symlinkat(target, to, name) == 0 ? OK : failed();
}

static int folder_copy(const struct tree_clone *c, int from, int to, int depth);

static int
entry_copy(const struct tree_clone *c, int from, int to, const char *name, int depth)
{
    struct stat status;
    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return failed();
    if (S_ISREG(status.st_mode))
        TRY(file_copy(from, to, name, &status));
    else if (S_ISLNK(status.st_mode))
        TRY(link_copy(from, to, name));
    else if (!S_ISDIR(status.st_mode))
        return OK;
    if (!S_ISDIR(status.st_mode))
        return owner_set(c, to, name);
    if (mkdirat(to, name, status.st_mode & 0777) != 0)
        return failed();
    int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int code = in >= 0 && out >= 0 ? folder_copy(c, in, out, depth + 1) : failed();
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return code == OK ? owner_set(c, to, name) : code;
}

static int
folder_copy(const struct tree_clone *c, int from, int to, int depth)
{
    int code = depth < DEPTH_MAX ? OK : E_IO;
    int own = dup(from);
    DIR *d = own < 0 ? NULL : fdopendir(own);
    if (d == NULL)
        return failed();
    for (struct dirent *e; code == OK && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            code = entry_copy(c, from, to, e->d_name, depth);
    closedir(d);
    return code;
}

static int
root_copy(const struct tree_clone *c)
{
    struct stat status;
    if (stat(c->from, &status) != 0 || mkdir(c->to, status.st_mode & 0777) != 0)
        return failed();
    int in = open(c->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int out = open(c->to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int code = in >= 0 && out >= 0 ? folder_copy(c, in, out, 0) : failed();
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return code == OK ? owner_set(c, AT_FDCWD, c->to) : code;
}

static void
copy_all(void *arg)
{
    struct job *job = arg;
    job->code = root_copy(job->copy);
}

int
tree_clone(struct runtime *rt, const struct tree_clone *copy)
{
    struct job job = {.copy = copy};
    pool_run(rt, copy_all, &job);
    return job.code;
}

struct sync {
    const char *dir;
    int code;
};

static void
sync_all(void *arg)
{
    struct sync *s = arg;
    int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->code = fd >= 0 && syncfs(fd) == 0 ? OK : E_IO;
    if (fd >= 0)
        close(fd);
}

int
tree_sync(struct runtime *rt, const char *dir)
{
    struct sync s = {.dir = dir};
    pool_run(rt, sync_all, &s);
    return s.code;
}
