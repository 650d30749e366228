// Reading and making the file of the root key.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/seal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
seal_file_fail(struct seal_file *f, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->problem, f->problem_size, format, args);
    va_end(args);
    return f->code = code;
}

static int
fail_errno(struct seal_file *f, const char *what)
{
    int code = errno == ENOENT ? E_NOT_FOUND : errno == ENOSPC ? E_FULL : E_IO;
    return seal_file_fail(f, code, "cannot %s the root key %s: %s", what, f->path, strerror(errno));
}

static int
check_file(struct seal_file *f, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(f, "read");
    if (!S_ISREG(st.st_mode))
        return seal_file_fail(f, E_INVALID, "the root key %s is not a file", f->path);
    if ((st.st_mode & 077) != 0)
        return seal_file_fail(f, E_INVALID,
                              "the root key %s may be used by others (mode %03o): chmod 600 it",
                              f->path, (unsigned)st.st_mode & 0777);
    if (st.st_size != ROOT_KEY_BYTES)
        return seal_file_fail(f, E_INVALID, "the root key %s has %lld bytes, and must have %d",
                              f->path, (long long)st.st_size, ROOT_KEY_BYTES);
    return OK;
}

static void
read_file(void *arg)
{
    struct seal_file *f = arg;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // it may turn out to be a pipe
    if (fd < 0) {
        f->code = fail_errno(f, "read");
        return;
    }
    f->code = check_file(f, fd);
    if (f->code == OK && read(fd, f->key, ROOT_KEY_BYTES) != ROOT_KEY_BYTES)
        f->code = fail_errno(f, "read");
    close(fd);
}

static int
write_synced(const char *path, const uint8_t *key)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return E_IO;
    // The umask may have taken more; a file left by a start that was cut short has its own mode.
    bool is_written =
        fchmod(fd, 0600) == 0 && write(fd, key, ROOT_KEY_BYTES) == ROOT_KEY_BYTES && fsync(fd) == 0;
    return close(fd) == 0 && is_written ? OK : E_IO;
}

static int
sync_parent(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    int failed = fsync(fd);
    close(fd);
    return failed ? E_IO : OK;
}

static void
make_file(void *arg)
{
    struct seal_file *f = arg;
    char path_new[PATH_MAX];
    f->code = OK;
    if ((size_t)snprintf(path_new, sizeof path_new, "%s.new", f->path) >= sizeof path_new)
        seal_file_fail(f, E_INVALID, "the name of the root key is too long");
    else if (write_synced(path_new, f->key) != OK || rename(path_new, f->path) != 0 ||
             sync_parent(f->path) != OK)
        fail_errno(f, "write");
}

void
seal_file_read(struct seal_file *f, uint8_t key[ROOT_KEY_BYTES])
{
    pool_run(f->runtime, read_file, f);
    memcpy(key, f->key, ROOT_KEY_BYTES);
    explicit_bzero(f->key, sizeof f->key);
}

void
seal_file_make_here(struct seal_file *f, const uint8_t key[ROOT_KEY_BYTES])
{
    memcpy(f->key, key, ROOT_KEY_BYTES);
    make_file(f);
    explicit_bzero(f->key, sizeof f->key);
}

void
seal_file_make(struct seal_file *f, const uint8_t key[ROOT_KEY_BYTES])
{
    memcpy(f->key, key, ROOT_KEY_BYTES);
    pool_run(f->runtime, make_file, f);
    explicit_bzero(f->key, sizeof f->key);
}
