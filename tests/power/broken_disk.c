// Preloaded under a program: a disk that begins to fail when a test says so.
// SPDX-License-Identifier: Apache-2.0

// Environment:
//   BROKEN_ROOT  the folder, absolute: files below it are on that disk
//   BROKEN_WHEN  a file; while it is there, its first letter says what fails with EIO: 's' syncs,
//                'r' reads
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// What it stands before are libc's calls, whose parameters have names of libc's own.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

static bool
is_told(char what)
{
    const char *when = getenv("BROKEN_WHEN");
    char letter = 0;
    int fd = when ? (int)syscall(SYS_openat, AT_FDCWD, when, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool is_read = syscall(SYS_read, fd, &letter, 1) == 1;
    (void)syscall(SYS_close, fd);
    return is_read && letter == what;
}

static bool
is_on_disk(int fd)
{
    const char *root = getenv("BROKEN_ROOT");
    char link[64], path[PATH_MAX];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (root == NULL)
        return false;
    ssize_t len = readlink(link, path, sizeof(path));
    return len > (ssize_t)strlen(root) && strncmp(path, root, strlen(root)) == 0;
}

static bool
fails(int fd, char what)
{
    if (!is_told(what) || !is_on_disk(fd))
        return false;
    errno = EIO;
    return true;
}

int
fsync(int fd)
{
    return fails(fd, 's') ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
    return fails(fd, 's') ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t
pread(int fd, void *bytes, size_t len, off_t offset)
{
    return fails(fd, 'r') ? -1 : syscall(SYS_pread64, fd, bytes, len, offset);
}

ssize_t
pread64(int fd, void *bytes, size_t len, off64_t offset)
{
    return fails(fd, 'r') ? -1 : syscall(SYS_pread64, fd, bytes, len, offset);
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
