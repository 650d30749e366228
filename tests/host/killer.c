// Preloaded under c10m: kills it at the n-th step of what it does with this machine.
// SPDX-License-Identifier: Apache-2.0

// Environment:
//   KILLER_GO    steps count once this file is there
//   KILLER_STEP  N: SIGKILL before step N/2 when N is even, after it when it is odd; absent: never
//   KILLER_LOG   gets the name of each step, a line of LINE_BYTES each; a later process counts on
// A step is a program started, a connection to a shim or holder, a descriptor sent, a folder made,
// a file renamed or removed, or the sync of a commit.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// What it stands before are libc's calls, whose parameters have names of libc's own.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

enum { LINE_BYTES = 12 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

// The number of this step.
static long
note(const char *name)
{
    char line[LINE_BYTES + 1];
    struct stat status;
    const char *path = getenv("KILLER_LOG");
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    snprintf(line, sizeof(line), "%-*s\n", LINE_BYTES - 1, name);
    if (fd < 0 || fstat(fd, &status) != 0 || write(fd, line, LINE_BYTES) != LINE_BYTES)
        _exit(99);
    close(fd);
    return status.st_size / LINE_BYTES;
}

static long
number_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtol(text, NULL, 10) : -1;
}

// The number of this step; -1: it does not count.
static long
step_begin(const char *name)
{
    const char *go = getenv("KILLER_GO");
    struct stat status;
    if (go == NULL || stat(go, &status) != 0)
        return -1;
    pthread_mutex_lock(&mutex);
    long number = note(name);
    pthread_mutex_unlock(&mutex);
    if (number * 2 == number_of("KILLER_STEP"))
        kill(getpid(), SIGKILL);
    return number;
}

static void
step_end(long number)
{
    if (number >= 0 && number * 2 + 1 == number_of("KILLER_STEP"))
        kill(getpid(), SIGKILL);
}

// The next one of that name: libc's, or a sanitizer's. ISO C has no cast to a function's pointer.
#define NEXT(type, name)                                                                           \
    type next;                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, name)

int
posix_spawn(pid_t *restrict pid, const char *restrict path,
            const posix_spawn_file_actions_t *restrict actions,
            const posix_spawnattr_t *restrict attributes, char *const args[restrict],
            char *const env[restrict])
{
    NEXT(__typeof__(&posix_spawn), "posix_spawn");
    long step = step_begin("spawn");
    int result = next(pid, path, actions, attributes, args, env);
    step_end(step);
    return result;
}

int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
    NEXT(__typeof__(&connect), "connect");
    long step = address->sa_family == AF_UNIX ? step_begin("connect") : -1;
    int result = next(fd, address, len);
    step_end(step);
    return result;
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(__typeof__(&sendmsg), "sendmsg");
    long step = message->msg_controllen > 0 ? step_begin("send") : -1;
    ssize_t result = next(fd, message, flags);
    step_end(step);
    return result;
}

int
mkdir(const char *path, mode_t mode)
{
    NEXT(__typeof__(&mkdir), "mkdir");
    struct stat status;
    long step = lstat(path, &status) != 0 ? step_begin("mkdir") : -1; // most are there already
    int result = next(path, mode);
    step_end(step);
    return result;
}

int
rename(const char *from, const char *to)
{
    NEXT(__typeof__(&rename), "rename");
    long step = step_begin("rename");
    int result = next(from, to);
    step_end(step);
    return result;
}

int
unlinkat(int dir_fd, const char *path, int flags)
{
    NEXT(__typeof__(&unlinkat), "unlinkat");
    long step = step_begin("remove");
    int result = next(dir_fd, path, flags);
    step_end(step);
    return result;
}

int
fdatasync(int fd)
{
    NEXT(__typeof__(&fdatasync), "fdatasync");
    long step = step_begin("commit");
    int result = next(fd);
    step_end(step);
    return result;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
