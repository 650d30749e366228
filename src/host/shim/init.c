// Process 1 of a guest, and the command that it runs.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
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

// A guest may trace whoever is its root's, process 1 too, and would have what rights that has: it
// gives up its own before the command begins.
static pid_t
command_start(const struct spec *s, int report_fd)
{
    int begin[2];
    char none;
    if (pipe2(begin, O_CLOEXEC) != 0)
        report(report_fd, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(begin[1]);
        (void)!read(begin[0], &none, 1);
        setsid();
        command_exec(s, report_fd);
    }
    if (pid < 0)
        report(report_fd, "fork");
    if (!privileges_drop_init(s))
        report(report_fd, "the rights of process 1");
    close(begin[0]);
    close(begin[1]);
    return pid;
}

// Unlike the command this process is never executed anew: what the shim has open must go. -1 is
// none.
static void
descriptors_keep(int *const keep[], size_t count)
{
    enum { FIRST = 512 };
    for (size_t i = 0; i < count; i++)
        if (*keep[i] >= 0)
            *keep[i] = fcntl(*keep[i], F_DUPFD_CLOEXEC, FIRST);
    syscall(SYS_close_range, 3U, FIRST - 1U, 0U);
    syscall(SYS_close_range, FIRST + (unsigned)count, ~0U, 0U);
}

// Where the command of a held guest is told what to run with, its answer goes.
static int
order_wait(struct spec *s, int report_fd, int order_fd, int shelf_fd)
{
    const char *what;
    if (order_fd < 0)
        return report_fd;
    close(report_fd);
    if (!order_take(order_fd, shelf_fd, s, &what))
        report(order_fd, what);
    if (shelf_fd >= 0)
        close(shelf_fd);
    return order_fd;
}

void
init_run(const struct spec *spec, int report_fd, int order_fd, int shelf_fd)
{
    static struct spec own; // what an order adds
    struct spec *s = &own;
    int *const keep[] = {&report_fd, &order_fd, &shelf_fd};
    own = *spec;
    sigset_t all;
    int status = 0, signal_number;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    descriptors_keep(keep, sizeof(keep) / sizeof(keep[0]));
    // Now it has nothing to hide, and /proc/1 is its own again.
    prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
    time_begin();
    report_fd = order_wait(s, report_fd, order_fd, shelf_fd);
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
