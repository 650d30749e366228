// Process 1 of a guest, and the command that it runs.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

static void
report(int fd, const char *what)
{
    dprintf(fd, "%s: %s", what, strerror(errno));
    _exit(127);
}

void
command_exec(const struct spec *s, int report_fd)
{
    const char *what;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir(s->cwd) != 0)
        report(report_fd, s->cwd);
    if (!limits_set(s, &what) || !privileges_drop(s, &what))
        report(report_fd, what);
    execve(s->args[0], (char *const *)s->args, (char *const *)s->env);
    report(report_fd, s->args[0]);
    __builtin_unreachable();
}

// The guest's monotonic clocks begin at zero, as those of a machine that has just started.
static void
time_begin(void)
{
    struct timespec mono, boot;
    char text[128];
    if (unshare(CLONE_NEWTIME) != 0)
        return; // an old kernel: the guest sees the host's
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    snprintf(text, sizeof(text), "monotonic -%lld 0\nboottime -%lld 0\n", (long long)mono.tv_sec,
             (long long)boot.tv_sec);
    (void)file_write("/proc/self/timens_offsets", text);
}

static pid_t
command_start(const struct spec *s, int report_fd)
{
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        command_exec(s, report_fd);
    }
    if (pid < 0)
        report(report_fd, "fork");
    return pid;
}

void
init_run(const struct spec *s, int report_fd)
{
    sigset_t all;
    int status = 0, signal_number;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    // Unlike the command this process is never executed anew: what the shim has open must go.
    syscall(SYS_close_range, 3U, (unsigned)report_fd - 1, 0U);
    syscall(SYS_close_range, (unsigned)report_fd + 1, ~0U, 0U);
    // Now it has nothing to hide, and /proc/1 is its own again.
    prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
    time_begin();
    pid_t command = command_start(s, report_fd);
    close(report_fd);
    for (;;) {
        sigwait(&all, &signal_number);
        if (signal_number != SIGCHLD) {
            kill(command, signal_number);
            continue;
        }
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == command)
                _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}
