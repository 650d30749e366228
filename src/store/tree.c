// Copying directories, for backups and restoring.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20, DEPTH_MAX = 16 };

static int
fail(struct tree_copy *t, const char *what, const char *path)
{
    int error = errno;
    snprintf(t->problem, t->problem_size, "cannot %s %s: %s", what, path, strerror(error));
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return E_FULL;
    case EEXIST:
        return E_EXISTS;
    case ENOENT:
        return E_NOT_FOUND;
    default:
        return E_IO;
    }
}

static int
join(struct tree_copy *t, const char *dir, const char *name, char out[PATH_MAX])
{
    if ((size_t)snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX)
        return OK;
    errno = ENAMETOOLONG;
    return fail(t, "copy", name);
}

static int
copy_bytes(struct tree_copy *t, int in, int out, const char *to)
{
    for (;;) {
        ssize_t n = copy_file_range(in, NULL, out, NULL, COPY_BYTES, 0);
        if (n == 0)
            return fsync(out) == 0 ? OK : fail(t, "sync", to);
        if (n < 0)
            return fail(t, "write", to);
        t->bytes += (uint64_t)n;
    }
}

static int
file_copy(struct tree_copy *t, const char *from, const char *to, mode_t mode)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return errno == ENOENT ? OK : fail(t, "open", from);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    int code = out < 0 ? fail(t, "make", to) : copy_bytes(t, in, out, to);
    if (out >= 0)
        close(out);
    close(in);
    t->files += code == OK;
    return code;
}

static int
file_put(struct tree_copy *t, const char *from, const char *to, const struct stat *st)
{
    if (!t->may_link || link(from, to) != 0) {
        if (t->may_link && errno == ENOENT)
            return OK;
        return file_copy(t, from, to, st->st_mode);
    }
    t->files++;
    t->bytes += (uint64_t)st->st_size;
    return OK;
}

static bool
is_skipped(const struct tree_copy *t, const char *name, int depth)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return true;
    for (const char *const *s = t->skip; depth == 0 && s != NULL && *s != NULL; s++)
        if (strcmp(name, *s) == 0)
            return true;
    return false;
}

static int dir_copy(struct tree_copy *t, const char *from, const char *to, int depth);

static int
entry_copy(struct tree_copy *t, const char *from, const char *to, int depth)
{
    struct stat st;
    if (lstat(from, &st) != 0)
        return errno == ENOENT ? OK : fail(t, "look at", from);
    if (S_ISREG(st.st_mode))
        return file_put(t, from, to, &st);
    if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
        return dir_copy(t, from, to, depth + 1);
    snprintf(t->problem, t->problem_size, "%s is neither a file nor a directory", from);
    return E_INVALID;
}

static int
dir_sync(struct tree_copy *t, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(t, "open", path);
    int code = fsync(fd) == 0 ? OK : fail(t, "sync", path);
    close(fd);
    return code;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as directories are, at most DEPTH_MAX.
static int
dir_copy(struct tree_copy *t, const char *from, const char *to, int depth)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];
    DIR *d = opendir(from);
    if (d == NULL)
        return fail(t, "open", from);
    int code = mkdir(to, 0700) == 0 || errno == EEXIST ? OK : fail(t, "make", to);
    for (const struct dirent *e; code == OK && (e = readdir(d)) != NULL;) {
        if (is_skipped(t, e->d_name, depth))
            continue;
        code = join(t, from, e->d_name, from_path);
        if (code == OK)
            code = join(t, to, e->d_name, to_path);
        if (code == OK)
            code = entry_copy(t, from_path, to_path, depth);
    }
    closedir(d);
    return code == OK ? dir_sync(t, to) : code;
}

int
tree_copy_file(struct tree_copy *t)
{
    struct stat st;
    t->files = t->bytes = 0;
    if (lstat(t->from, &st) != 0)
        return fail(t, "look at", t->from);
    return file_copy(t, t->from, t->to, st.st_mode);
}

int
tree_copy(struct tree_copy *t)
{
    t->files = t->bytes = 0;
    return dir_copy(t, t->from, t->to, 0);
}
