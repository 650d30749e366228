// c10m supervise: keeps `c10m serve` running.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DELAY_MS_MIN = 100,
    DELAY_MS_MAX = 10 * 1000,
    SETTLED_S = 60, // a child that lived so long begins with the shortest delay again
    ARGUMENTS_MAX = 64,
};

struct supervisor {
    struct log log;
    char **argv;
    sigset_t signals; // blocked; taken by sigwaitinfo
    sigset_t signals_before;
    pid_t child;
    int ready_fd; // the child writes to the other end when it listens
    int delay_ms;
    bool is_stopping;
    bool has_listened; // any child
};

// systemd names the process that it passes sockets to; they are open in its child too.
static void
take_over_sockets(pid_t parent)
{
    const char *meant_for = getenv("LISTEN_PID");
    char text[16];
    int64_t pid;
    if (meant_for == NULL || str_to_int64(str_of(meant_for), &pid) != OK || pid != parent)
        return;
    snprintf(text, sizeof(text), "%d", (int)getpid());
    setenv("LISTEN_PID", text, true);
}

// In the child. Should the supervisor be killed, the kernel ends the child: PDEATHSIG survives the
// exec.
_Noreturn static void
exec_serve(const struct supervisor *s, int ready_fd, pid_t parent)
{
    char fd_text[16];
    const char *argv[ARGUMENTS_MAX + 6] = {"c10m", "serve", "--ready-fd", fd_text};
    size_t count = 4;
    for (char **arg = s->argv; *arg != NULL && count < ARGUMENTS_MAX; arg++)
        argv[count++] = *arg;
    snprintf(fd_text, sizeof(fd_text), "%d", ready_fd);
    fcntl(ready_fd, F_SETFD, 0);
    take_over_sockets(parent);
    sigprocmask(SIG_SETMASK, &s->signals_before, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent) // else the parent died before the prctl
        execv("/proc/self/exe", (char **)argv);
    _exit(EXIT_BAD_START);
}

static int
start_child(struct supervisor *s)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return E_IO;
    s->child = fork();
    if (s->child == 0)
        exec_serve(s, ends[1], parent);
    close(ends[1]);
    s->ready_fd = ends[0];
    if (s->child > 0)
        return OK;
    close(ends[0]);
    return E_IO;
}

// The number of a signal, or 0 after the time. 0 ms: no limit.
static int
next_signal(const struct supervisor *s, int ms)
{
    struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    for (;;) {
        int number =
            ms > 0 ? sigtimedwait(&s->signals, NULL, &limit) : sigwaitinfo(&s->signals, NULL);
        if (number > 0)
            return number;
        if (errno == EAGAIN)
            return 0;
    }
}

static void
end_child(struct supervisor *s)
{
    char byte;
    if (read(s->ready_fd, &byte, 1) == 1)
        s->has_listened = true;
    close(s->ready_fd);
    s->child = 0;
}

// Waits until the child has ended, and hands signals on to it meanwhile.
static int
watch_child(struct supervisor *s)
{
    int status = 0;
    bool is_settled = false;
    for (;;) {
        int number = next_signal(s, is_settled || s->is_stopping ? 0 : SETTLED_S * 1000);
        if (number == SIGCHLD && waitpid(s->child, &status, WNOHANG) == s->child)
            break;
        if (number == SIGTERM || number == SIGINT) {
            s->is_stopping = true;
            kill(s->child, SIGTERM);
        } else if (number == 0) {
            is_settled = true;
            s->delay_ms = DELAY_MS_MIN;
        }
    }
    end_child(s);
    return status;
}

static bool
is_bad_start(int status)
{
    return WIFEXITED(status) &&
           (WEXITSTATUS(status) == EXIT_BAD_START || WEXITSTATUS(status) == EXIT_USAGE);
}

// False when a signal says to end instead.
static bool
pause_before_restart(struct supervisor *s, int status)
{
    log_event(&s->log, LOG_WARN, "restarting", "%s=%d delay_ms=%d",
              WIFSIGNALED(status) ? "signal" : "status",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), s->delay_ms);
    int number;
    do
        number = next_signal(s, s->delay_ms);
    while (number == SIGCHLD);
    s->delay_ms = s->delay_ms * 2 < DELAY_MS_MAX ? s->delay_ms * 2 : DELAY_MS_MAX;
    return number == 0;
}

static void
block_signals(struct supervisor *s)
{
    sigemptyset(&s->signals);
    sigaddset(&s->signals, SIGTERM);
    sigaddset(&s->signals, SIGINT);
    sigaddset(&s->signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s->signals, &s->signals_before);
}

int
supervise(const struct options *options, char **argv)
{
    struct supervisor s = {
        .log = {.fd = STDERR_FILENO, .level_min = options->cloud.log_level},
        .argv = argv,
        .delay_ms = DELAY_MS_MIN,
    };
    if (options->ready_fd >= 0) {
        fprintf(stderr, "c10m: --ready-fd is for c10m serve\n");
        return EXIT_USAGE;
    }
    block_signals(&s);
    for (;;) {
        if (start_child(&s) != OK) {
            fprintf(stderr, "c10m: cannot start a process: %s\n", strerror(errno));
            return EXIT_BAD_START;
        }
        int status = watch_child(&s);
        if (s.is_stopping || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
            return 0;
        if (!s.has_listened && is_bad_start(status))
            return WEXITSTATUS(status);
        if (!pause_before_restart(&s, status))
            return 0;
    }
}
