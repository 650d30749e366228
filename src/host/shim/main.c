// Starts a guest from its specification and stays beside it.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

static void
fail(const char *what)
{
    dprintf(REPORT_FD, "failed %s: %s\n", what, strerror(errno));
    exit(1);
}

// One shim per sandbox, for as long as it lives: the lock goes with it.
static void
directory_enter(const struct spec *s)
{
    if (chdir(s->dir) != 0)
        fail(s->dir);
    int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
        fail("lock");
    unlink("exit");
}

static void
guest_run(const struct spec *s)
{
    struct control *control;
    const char *what;
    char why[256];
    int console[2], order_fd = -1;
    if (pipe2(console, O_CLOEXEC) != 0)
        fail("the console");
    // The kernel makes its namespaces while we make the rest.
    struct birth *birth = guest_begin(s, console[1]);
    if (birth == NULL)
        fail("the guest's parent");
    if (!control_open(s, console[0], &control, &what))
        fail(what);
    if (!cgroups_make(s, &what))
        fail(what);
    // The guest's root may open what it writes to by name, as /dev/console.
    if (s->ids.count > 1 && fchown(console[1], s->ids.outside, s->ids.outside) != 0)
        fail("the console");
    pid_t guest = guest_start(birth, &order_fd, why, sizeof(why));
    close(console[1]);
    if (guest == 0) {
        dprintf(REPORT_FD, "failed %s\n", why);
    } else {
        dprintf(REPORT_FD, "running %d\n", (int)guest);
        close(REPORT_FD);
        control_serve(control, guest, order_fd);
    }
    cgroups_remove(s);
    unlink("control");
}

int
main(void)
{
    struct spec spec;
    const char *why;
    umask(022);
    prctl(PR_SET_NAME, "c10m-shim");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) != 0 || fcntl(SPEC_FD, F_SETFD, FD_CLOEXEC) != 0)
        return 2;
    if (!spec_read(SPEC_FD, &spec, &why)) {
        dprintf(REPORT_FD, "failed %s: not understood\n", why);
        return 1;
    }
    close(SPEC_FD);
    // Nobody's child: whoever started us may end.
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid > 0)
        _exit(0);
    setsid();
    directory_enter(&spec);
    guest_run(&spec);
    return 0;
}
