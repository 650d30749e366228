// Reads and makes files of mode 0600.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int
check(int fd, const char *path, size_t *bytes, char *problem, size_t problem_size)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > PRIVATE_FILE_BYTES_MAX) {
        snprintf(problem, problem_size, "%s is not a file of at most %d bytes", path,
                 PRIVATE_FILE_BYTES_MAX);
        return E_INVALID;
    }
    if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        snprintf(problem, problem_size, "others may use %s, which holds a secret: chmod 600 it",
                 path);
        return E_INVALID;
    }
    *bytes = (size_t)st.st_size;
    return OK;
}

static int
fail(const char *verb, const char *path, char *problem, size_t problem_size)
{
    int error = errno;
    snprintf(problem, problem_size, "cannot %s %s: %s", verb, path, strerror(error));
    return error == ENOENT ? E_NOT_FOUND : error == EEXIST ? E_EXISTS : E_IO;
}

static int
write_new(const char *path, struct str text)
{
    int fd CLEANUP(close_fd) = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return E_IO;
    bool is_written = write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    return is_written ? OK : E_IO;
}

int
private_file_read(struct arena *arena, const char *path, struct str *out, char *problem,
                  size_t problem_size)
{
    size_t bytes, len = 0;
    int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail("read", path, problem, problem_size);
    TRY(check(fd, path, &bytes, problem, problem_size));
    char *text = arena_alloc_bytes(arena, bytes);
    while (len < bytes) {
        ssize_t n = read(fd, text + len, bytes - len);
        if (n < 0)
            return fail("read", path, problem, problem_size);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out = (struct str){text, len};
    return OK;
}

int
private_file_add(const char *path, struct str text, char *problem, size_t problem_size)
{
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof(temporary), "%s.new", path);
    errno = ENAMETOOLONG;
    if (len < 0 || (size_t)len >= sizeof(temporary))
        return fail("make", path, problem, problem_size);
    unlink(temporary); // of a start that was cut short
    int code = write_new(temporary, text);
    if (code == OK && link(temporary, path) != 0)
        code = E_IO;
    if (code != OK)
        code = fail("make", path, problem, problem_size);
    unlink(temporary);
    return code;
}
