// Starting programs of the host's.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// Above every number that a child gets its descriptors as, so that none is overwritten before it is
// copied.
enum { FDS_FIRST = 3, FDS_PARKED_FROM = 64 };

struct job {
    const struct spawn *spawn;
    int code;
    int error;
};

static int
start(const struct spawn *s, const int *parked, pid_t *pid)
{
    char path[32];
    char *args[SPAWN_ARGS_MAX + 2] = {(char *)s->name}, *const env[] = {NULL};
    for (size_t i = 0; s->args != NULL && s->args[i] != NULL; i++) {
        CHECK(i < SPAWN_ARGS_MAX);
        args[i + 1] = (char *)s->args[i];
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    for (int fd = 0; fd < FDS_FIRST; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    for (size_t i = 0; i < s->fd_count; i++)
        posix_spawn_file_actions_adddup2(&actions, parked[i], FDS_FIRST + (int)i);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", parked[s->fd_count]);
    int error = posix_spawn(pid, path, &actions, &attributes, args, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void
spawn_and_wait(void *arg)
{
    struct job *job = arg;
    const struct spawn *s = job->spawn;
    int parked[SPAWN_FDS_MAX + 1], status = 0;
    pid_t pid = 0;
    for (size_t i = 0; i <= s->fd_count; i++)
        parked[i] =
            fcntl(i < s->fd_count ? s->fds[i] : s->program_fd, F_DUPFD_CLOEXEC, FDS_PARKED_FROM);
    job->error = start(s, parked, &pid);
    for (size_t i = 0; i <= s->fd_count; i++)
        if (parked[i] >= 0)
            close(parked[i]);
    if (job->error == 0 && waitpid(pid, &status, 0) != pid)
        job->error = errno;
    job->code = job->error == 0 && status == 0 ? OK : E_IO;
}

int
spawn_detached(struct runtime *rt, const struct spawn *spawn)
{
    struct job job = {.spawn = spawn};
    CHECK(spawn->fd_count <= SPAWN_FDS_MAX);
    pool_run(rt, spawn_and_wait, &job);
    errno = job.error;
    return job.code;
}

int
spawn_program_new(struct str bytes, int *out)
{
    char path[32];
    int fd = memfd_create("c10m-program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    // All guests' shims run these bytes, and every guest may open its own by /proc/1/exe.
    if (fd < 0 || write(fd, bytes.ptr, bytes.len) != (ssize_t)bytes.len || fchmod(fd, 0500) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        if (fd >= 0)
            close(fd);
        return E_IO;
    }
    // What is open for writing cannot be executed.
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *out = open(path, O_RDONLY | O_CLOEXEC);
    close(fd);
    return *out < 0 ? E_IO : OK;
}
