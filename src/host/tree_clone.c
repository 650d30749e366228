// Copies of folders.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "src/host/tree.h"

enum { DEPTH_MAX = 64, PIECE_BYTES = 1 << 30, ATTRIBUTE_BYTES_MAX = 4096 };

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
    if (c->keeps || c->uid < 0)
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

// The attributes that overlayfs keeps for users.
static int
attributes_copy(int in, int out)
{
    char names[ATTRIBUTE_BYTES_MAX], value[ATTRIBUTE_BYTES_MAX];
    ssize_t len = flistxattr(in, names, sizeof(names));
    if (len < 0)
        return errno == ENOTSUP ? OK : failed();
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        if (strncmp(name, "user.", 5) != 0)
            continue;
        ssize_t size = fgetxattr(in, name, value, sizeof(value));
        if (size < 0 || fsetxattr(out, name, value, (size_t)size, 0) != 0)
            return failed();
    }
    return OK;
}

// Changing the owner takes bits from the mode, so that comes after it.
static int
look_copy(const struct tree_clone *c, int in, int out, const struct stat *status)
{
    const struct timespec times[] = {status->st_atim, status->st_mtim};
    if (!c->keeps)
        return OK;
    TRY(attributes_copy(in, out));
    bool is_done = (geteuid() != 0 || fchown(out, status->st_uid, status->st_gid) == 0) &&
                   fchmod(out, status->st_mode & 07777) == 0 && futimens(out, times) == 0;
    return is_done ? OK : failed();
}

static int
file_copy(const struct tree_clone *c, int from, int to, const char *name, const struct stat *status)
{
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     status->st_mode & 0777);
    int code = in >= 0 && out >= 0 ? bytes_copy(in, out, status->st_size) : failed();
    if (code == OK)
        code = look_copy(c, in, out, status);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return code;
}

// What overlayfs has in place of what was removed: a device that is none. Anybody may make it.
static int
mark_copy(int to, const char *name)
{
    return mknodat(to, name, S_IFCHR, 0) == 0 ? OK : failed();
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
static int subfolder_copy(const struct tree_clone *c, int from, int to, const char *name,
                          const struct stat *status, int depth);

static int
entry_copy(const struct tree_clone *c, int from, int to, const char *name, int depth)
{
    struct stat status;
    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return failed();
    if (S_ISREG(status.st_mode))
        TRY(file_copy(c, from, to, name, &status));
    else if (S_ISLNK(status.st_mode))
        TRY(link_copy(from, to, name));
    else if (S_ISCHR(status.st_mode) && status.st_rdev == 0 && c->keeps)
        return mark_copy(to, name);
    else if (!S_ISDIR(status.st_mode))
        return OK;
    if (S_ISLNK(status.st_mode) && c->keeps && geteuid() == 0 &&
        fchownat(to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
        return failed();
    if (!S_ISDIR(status.st_mode))
        return owner_set(c, to, name);
    return subfolder_copy(c, from, to, name, &status, depth);
}

static int
subfolder_copy(const struct tree_clone *c, int from, int to, const char *name,
               const struct stat *status, int depth)
{
    if (mkdirat(to, name, 0700 | (status->st_mode & 0777)) != 0)
        return failed();
    int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int code = in >= 0 && out >= 0 ? folder_copy(c, in, out, depth + 1) : failed();
    if (code == OK)
        code = look_copy(c, in, out, status);
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
    if (code == OK)
        code = look_copy(c, in, out, &status);
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

struct one_file {
    const char *from, *to;
    int code;
};

static void
one_copy(void *arg)
{
    struct one_file *f = arg;
    struct stat status;
    const struct tree_clone plain = {.uid = -1};
    int in = open(f->from, O_RDONLY | O_CLOEXEC);
    int out = open(f->to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    f->code = in >= 0 && out >= 0 && fstat(in, &status) == 0 ? OK : failed();
    if (f->code == OK)
        f->code = bytes_copy(in, out, status.st_size);
    if (f->code == OK)
        f->code = look_copy(&plain, in, out, &status);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
}

int
tree_clone_file(struct runtime *rt, const char *from, const char *to)
{
    struct one_file f = {.from = from, .to = to};
    pool_run(rt, one_copy, &f);
    return f.code;
}

// Owners of everything in a folder: `ids` more than they are, or all `uid` when that is none below
// 0.
struct shift {
    const char *dir;
    int64_t ids, uid;
    int code;
};

static int folder_shift(const struct shift *s, int dir_fd, int depth);

static int64_t
id_shifted(const struct shift *s, uint32_t id)
{
    return s->uid >= 0 ? s->uid : (int64_t)id + s->ids;
}

static int
entry_shift(const struct shift *s, int dir_fd, const char *name, int depth)
{
    struct stat status;
    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return E_IO;
    int64_t uid = id_shifted(s, status.st_uid), gid = id_shifted(s, status.st_gid);
    if (uid < 0)
        return OK; // by another of its names it was shifted before
    bool is_so = uid == status.st_uid && gid == status.st_gid;
    if (!is_so && fchownat(dir_fd, name, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW) != 0)
        return E_IO;
    if (S_ISLNK(status.st_mode))
        return OK;
    if (!is_so && fchmodat(dir_fd, name, status.st_mode & 07777, 0) != 0)
        return E_IO;
    if (!S_ISDIR(status.st_mode))
        return OK;
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int code = fd >= 0 ? folder_shift(s, fd, depth + 1) : E_IO;
    if (fd >= 0)
        close(fd);
    return code;
}

static int
folder_shift(const struct shift *s, int dir_fd, int depth)
{
    int own = depth < DEPTH_MAX ? dup(dir_fd) : -1, code = OK;
    DIR *d = own < 0 ? NULL : fdopendir(own);
    if (d == NULL)
        return E_IO;
    for (struct dirent *e; code == OK && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            code = entry_shift(s, dir_fd, e->d_name, depth);
    closedir(d);
    return code;
}

static void
shift_all(void *arg)
{
    struct shift *s = arg;
    s->code = entry_shift(s, AT_FDCWD, s->dir, 0);
}

int
tree_unshift(struct runtime *rt, const char *dir, int64_t first_id)
{
    struct shift s = {.dir = dir, .ids = -first_id, .uid = -1};
    pool_run(rt, shift_all, &s);
    return s.code;
}

int
tree_own(struct runtime *rt, const char *dir, int64_t uid)
{
    struct shift s = {.dir = dir, .uid = uid};
    pool_run(rt, shift_all, &s);
    return s.code;
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
