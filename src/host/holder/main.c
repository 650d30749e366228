// Starts as a network's holder and stays until it is told to end.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "src/host/holder/elastic.h"

enum { EVENTS_MAX = 64 };

static void
fail(const char *what)
{
    dprintf(REPORT_FD, "failed %s: %s\n", what, strerror(errno));
    exit(1);
}

bool
watch(struct holder *h, struct watcher *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    return epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, w->fd, &e) == 0;
}

// One holder per network: the lock goes with it.
static void
directory_enter(void)
{
    if (fchdir(DIR_FD) != 0)
        fail("the network's folder");
    close(DIR_FD);
    int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
        fail("lock");
}

static _Noreturn void
serve(struct holder *h)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(h->epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct watcher *w = events[i].data.ptr;
            w->fn(w, events[i].events);
        }
        connections_free(h);
        talks_free(h);
        elastics_free(h);
        queues_free(h);
    }
}

int
main(void)
{
    struct holder h = {0};
    const char *what;
    bool is_root = geteuid() == 0;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_NAME, "c10m-net");
    if (fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) != 0)
        return 2;
    h.user_fd = fcntl(USER_FD, F_SETFD, FD_CLOEXEC) == 0 ? USER_FD : -1;
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid > 0)
        _exit(0);
    setsid();
    directory_enter();
    h.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (h.epoll_fd < 0)
        fail("epoll");
    if (!namespaces_make(&h, is_root, &what))
        fail(what);
    // c10m opens what we hold through /proc.
    prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
    if (!control_open(&h, &what))
        fail(what);
    dprintf(REPORT_FD, "running %d\n", (int)getpid());
    close(REPORT_FD);
    serve(&h);
}
