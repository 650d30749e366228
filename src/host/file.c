// Small files that are read and written whole.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/buf.h"

enum { PIECE_BYTES = 16 * 1024 };

static int
write_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(fd, bytes.ptr, bytes.len);
        if (done <= 0)
            return errno == ENOSPC ? E_FULL : E_IO;
        bytes = str_slice(bytes, (size_t)done, bytes.len);
    }
    return OK;
}

int
file_replace(const char *path, struct str bytes, unsigned mode)
{
    char fresh[PATH_MAX];
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    (void)unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return errno == ENOSPC ? E_FULL : E_IO;
    int code = write_all(fd, bytes);
    if (code == OK && (fchmod(fd, mode) != 0 || fdatasync(fd) != 0))
        code = E_IO;
    close(fd);
    if (code == OK && rename(fresh, path) != 0)
        code = E_IO;
    return code;
}

int
file_read(const char *path, size_t limit, struct arena *arena, struct str *out)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : E_IO;
    int code = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? OK : E_IO;
    if (code == OK && (size_t)status.st_size > limit)
        code = E_LIMIT;
    if (code == OK) {
        char *bytes = arena_alloc_bytes(arena, (size_t)status.st_size + 1);
        ssize_t got = pread(fd, bytes, (size_t)status.st_size, 0);
        *out = (struct str){bytes, got > 0 ? (size_t)got : 0};
        code = got < 0 ? E_IO : OK;
    }
    close(fd);
    return code;
}

int
file_stream(const char *path, size_t limit, struct arena *arena, struct str *out)
{
    struct buf text;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : E_IO;
    buf_init(&text, arena, PIECE_BYTES);
    do {
        got = read(fd, buf_reserve(&text, PIECE_BYTES), PIECE_BYTES);
        text.len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && text.len <= limit);
    close(fd);
    *out = buf_str(&text);
    return got < 0 ? E_IO : text.len > limit ? E_LIMIT : OK;
}
