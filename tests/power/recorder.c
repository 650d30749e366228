// Preloaded under a program: writes down, in order, what it does to the files below one folder, and
// can kill it at the n-th step.
// SPDX-License-Identifier: Apache-2.0

// Environment:
//   RECORD_ROOT  the folder, absolute
//   RECORD_LOG   where the record goes; absent: none
//   RECORD_KILL  N: SIGKILL before step N/2 when N is even, after it when it is odd
//   RECORD_COUNT a file that gets the number of steps at a clean end
// A step is a write, sync, rename, unlink, truncation, creation or mkdir. A line of text that
// the program writes to descriptor RECORD_MARK_FD is recorded too: what it has told others by then.
//
// The record is a list of: uint32 kind, uint32 path length, uint64 inode, int64 offset, uint64
// length, then the path, and the bytes. tests/power/images.py reads it.

// Both names of a call are wanted, so neither may stand for the other.
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// What it stands before are libc's calls, whose parameters have names of libc's own.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

enum { MARK_FD = 9, FDS_MAX = 4096 };

enum kind {
    KIND_WRITE,    // inode, offset, bytes
    KIND_SYNC,     // inode
    KIND_SYNC_DIR, // path
    KIND_CREATE,   // path, inode
    KIND_RENAME,   // path; the bytes are the new one
    KIND_UNLINK,   // path
    KIND_TRUNCATE, // inode, offset: the new size
    KIND_MKDIR,    // path
    KIND_RMDIR,    // path
    KIND_MARK,     // bytes
    KIND_LINK,     // path; the bytes are the new one
};

struct record {
    uint32_t kind, path_len;
    uint64_t inode;
    int64_t offset;
    uint64_t len;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_len;
static int log_fd = -1;
static long kill_at = -1, steps;
// What a descriptor below the root is; NULL: not ours.
static char *paths[FDS_MAX];
static bool are_dirs[FDS_MAX];

// -- beginning and end

static void
begin(void)
{
    const char *from = getenv("RECORD_ROOT"), *log = getenv("RECORD_LOG");
    const char *number = getenv("RECORD_KILL");
    if (!from || root_len > 0)
        return;
    root_len = (size_t)snprintf(root, sizeof(root), "%s", from);
    if (log)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0600);
    if (number)
        kill_at = strtol(number, NULL, 10);
}

__attribute__((destructor)) static void
end(void)
{
    const char *count = getenv("RECORD_COUNT");
    if (!count || root_len == 0)
        return;
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", steps);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, count, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)!syscall(SYS_write, fd, text, len);
    (void)syscall(SYS_close, fd);
}

// -- the record

static void
put(const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        long n = syscall(SYS_write, log_fd, (const char *)bytes + done, len - done);
        if (n <= 0)
            abort();
        done += (size_t)n;
    }
}

static void
record(enum kind kind, const char *path, uint64_t inode, int64_t offset, const void *bytes,
       size_t len)
{
    if (log_fd < 0)
        return;
    const char *below = path ? path + root_len : "";
    struct record r = {kind, (uint32_t)strlen(below), inode, offset, len};
    put(&r, sizeof(r));
    put(below, r.path_len);
    if (bytes)
        put(bytes, len);
}

static void
die_if(long at)
{
    if (at != kill_at)
        return;
    (void)kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

// Around a step: the lock makes the order of the record that of the calls.
static void
step_begin(void)
{
    pthread_mutex_lock(&mutex);
    die_if(2 * steps);
}

static void
step_end(void)
{
    die_if(2 * steps + 1);
    steps++;
    int saved = errno;
    pthread_mutex_unlock(&mutex);
    errno = saved;
}

// -- which file

// Absolute, when it is below the root.
static bool
is_below(const char *path, char out[PATH_MAX])
{
    begin();
    if (root_len == 0)
        return false;
    if (path[0] == '/')
        snprintf(out, PATH_MAX, "%s", path);
    else {
        char here[PATH_MAX / 2];
        if (!getcwd(here, sizeof(here)))
            return false;
        snprintf(out, PATH_MAX, "%s/%.2000s", here, path);
    }
    return strncmp(out, root, root_len) == 0 && (out[root_len] == '/' || out[root_len] == 0);
}

static bool
is_below_at(int dir, const char *path, char out[PATH_MAX])
{
    if (dir == AT_FDCWD || path[0] == '/')
        return is_below(path, out);
    if (dir < 0 || dir >= FDS_MAX || !paths[dir])
        return false;
    snprintf(out, PATH_MAX, "%.2000s/%.2000s", paths[dir], path);
    return true;
}

static uint64_t
inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static bool
is_ours(int fd)
{
    return fd >= 0 && fd < FDS_MAX && paths[fd];
}

static void
note_fd(int fd, const char *path)
{
    struct stat st;
    if (fd < 0 || fd >= FDS_MAX)
        return;
    free(paths[fd]);
    paths[fd] = strdup(path);
    are_dirs[fd] = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

// -- the calls

static int
open_noted(int dir, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    if (!is_below_at(dir, path, full))
        return (int)syscall(SYS_openat, dir, path, flags, mode);
    bool may_create = flags & O_CREAT;
    bool is_new = may_create && access(full, F_OK) != 0;
    bool is_cut = !is_new && (flags & O_TRUNC);
    if (is_new || is_cut)
        step_begin();
    else
        pthread_mutex_lock(&mutex);
    int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
    int saved = errno;
    if (fd >= 0) {
        note_fd(fd, full);
        if (is_new)
            record(KIND_CREATE, full, inode_of(fd), 0, NULL, 0);
        else if (is_cut)
            record(KIND_TRUNCATE, full, inode_of(fd), 0, NULL, 0);
    }
    errno = saved;
    if (is_new || is_cut)
        step_end();
    else
        pthread_mutex_unlock(&mutex);
    errno = saved;
    return fd;
}

static mode_t
mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_noted(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_noted(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_noted(dir, path, flags, mode);
}

int
openat64(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_noted(dir, path, flags | O_LARGEFILE, mode);
}

int
close(int fd)
{
    pthread_mutex_lock(&mutex);
    if (is_ours(fd)) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    pthread_mutex_unlock(&mutex);
    return (int)syscall(SYS_close, fd);
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
    if (fd == MARK_FD) {
        pthread_mutex_lock(&mutex);
        record(KIND_MARK, NULL, 0, 0, bytes, len);
        ssize_t n = syscall(SYS_write, fd, bytes, len);
        pthread_mutex_unlock(&mutex);
        return n;
    }
    if (!is_ours(fd))
        return syscall(SYS_write, fd, bytes, len);
    step_begin();
    int64_t offset = lseek(fd, 0, SEEK_CUR);
    if (fcntl(fd, F_GETFL) & O_APPEND)
        offset = lseek(fd, 0, SEEK_END);
    ssize_t n = syscall(SYS_write, fd, bytes, len);
    if (n > 0)
        record(KIND_WRITE, paths[fd], inode_of(fd), offset, bytes, (size_t)n);
    step_end();
    return n;
}

static ssize_t
pwrite_noted(int fd, const void *bytes, size_t len, int64_t offset)
{
    if (!is_ours(fd))
        return syscall(SYS_pwrite64, fd, bytes, len, offset);
    step_begin();
    ssize_t n = syscall(SYS_pwrite64, fd, bytes, len, offset);
    if (n > 0)
        record(KIND_WRITE, paths[fd], inode_of(fd), offset, bytes, (size_t)n);
    step_end();
    return n;
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return pwrite_noted(fd, bytes, len, offset);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    return pwrite_noted(fd, bytes, len, offset);
}

// One part at a time: a short write is legal.
ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    if (!is_ours(fd))
        return syscall(SYS_writev, fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len > 0)
            return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

static int
sync_noted(int fd, long call)
{
    if (!is_ours(fd))
        return (int)syscall(call, fd);
    step_begin();
    int code = (int)syscall(call, fd);
    if (code == 0)
        record(are_dirs[fd] ? KIND_SYNC_DIR : KIND_SYNC, paths[fd], inode_of(fd), 0, NULL, 0);
    step_end();
    return code;
}

int
fsync(int fd)
{
    return sync_noted(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
    return sync_noted(fd, SYS_fdatasync);
}

static int
truncate_noted(int fd, int64_t size)
{
    if (!is_ours(fd))
        return (int)syscall(SYS_ftruncate, fd, size);
    step_begin();
    int code = (int)syscall(SYS_ftruncate, fd, size);
    if (code == 0)
        record(KIND_TRUNCATE, paths[fd], inode_of(fd), size, NULL, 0);
    step_end();
    return code;
}

int
ftruncate(int fd, off_t size)
{
    return truncate_noted(fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
    return truncate_noted(fd, size);
}

static int
rename_noted(int from_dir, const char *from, int to_dir, const char *to)
{
    char a[PATH_MAX], b[PATH_MAX];
    if (!is_below_at(from_dir, from, a) || !is_below_at(to_dir, to, b))
        return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
    step_begin();
    int code = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
    if (code == 0)
        record(KIND_RENAME, a, 0, 0, b + root_len, strlen(b) - root_len);
    step_end();
    return code;
}

int
rename(const char *from, const char *to)
{
    return rename_noted(AT_FDCWD, from, AT_FDCWD, to);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return rename_noted(from_dir, from, to_dir, to);
}

static int
unlink_noted(int dir, const char *path, int flags)
{
    char full[PATH_MAX];
    if (!is_below_at(dir, path, full))
        return (int)syscall(SYS_unlinkat, dir, path, flags);
    step_begin();
    int code = (int)syscall(SYS_unlinkat, dir, path, flags);
    if (code == 0)
        record(flags & AT_REMOVEDIR ? KIND_RMDIR : KIND_UNLINK, full, 0, 0, NULL, 0);
    step_end();
    return code;
}

int
unlink(const char *path)
{
    return unlink_noted(AT_FDCWD, path, 0);
}

int
unlinkat(int dir, const char *path, int flags)
{
    return unlink_noted(dir, path, flags);
}

int
rmdir(const char *path)
{
    return unlink_noted(AT_FDCWD, path, AT_REMOVEDIR);
}

static int
mkdir_noted(int dir, const char *path, mode_t mode)
{
    char full[PATH_MAX];
    if (!is_below_at(dir, path, full))
        return (int)syscall(SYS_mkdirat, dir, path, mode);
    step_begin();
    int code = (int)syscall(SYS_mkdirat, dir, path, mode);
    if (code == 0)
        record(KIND_MKDIR, full, 0, 0, NULL, 0);
    step_end();
    return code;
}

int
mkdir(const char *path, mode_t mode)
{
    return mkdir_noted(AT_FDCWD, path, mode);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
    return mkdir_noted(dir, path, mode);
}

// Checkpoints of the engine link files that never change again.
int
link(const char *from, const char *to)
{
    char a[PATH_MAX], b[PATH_MAX];
    if (!is_below(from, a) || !is_below(to, b))
        return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    step_begin();
    int code = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (code == 0)
        record(KIND_LINK, a, 0, 0, b + root_len, strlen(b) - root_len);
    step_end();
    return code;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
