// Attempts to use up what the host has.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/hostile/hostile.h"

enum { MIB = 1 << 20, PIDS_TRIED = 4000, SOCKETS_TRIED = 20000, FILES_TRIED = 400 * 1000 };

// A number that processes share.
static volatile long *
counter_new(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? NULL : page;
}

static enum outcome
at_most(long got, long limit, const char *unit)
{
    say("got %ld %s of %ld ", got, unit, limit);
    return got > limit ? SUCCEEDED : STOPPED;
}

// Touches it page by page, as long as it gets some; SIGBUS and SIGKILL end it too.
static void
touch(char *area, long mib_max, volatile long *mib)
{
    for (long i = 0; i < mib_max; i++) {
        memset(area + i * MIB, 'x', MIB);
        ++*mib;
    }
    _exit(0);
}

// Of memory that is shared, so that what one had is not free again when it is killed.
static enum outcome
memory_of(int processes)
{
    long limit = told_number("HOSTILE_MEMORY") / MIB, all = 0;
    volatile long *mib = counter_new();
    size_t bytes = (size_t)(limit * 2 * MIB);
    char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED || mib == NULL)
        return failed(-1);
    for (int i = 0; i < processes; i++)
        if (fork() == 0)
            touch(area + bytes / (size_t)processes * (size_t)i, limit * 2 / processes, mib + i);
    while (wait(NULL) > 0)
        continue;
    for (int i = 0; i < processes; i++)
        all += mib[i];
    return at_most(all, limit, "MiB");
}

static enum outcome
memory(void)
{
    return memory_of(1);
}

static enum outcome
memory_together(void)
{
    return *told("HOSTILE_GROUPS") ? memory_of(4) : UNLIMITED;
}

// Of a folder that is kept in memory; who writes may be killed for it.
static long
fill(const char *path, long limit_mib)
{
    static char bytes[MIB];
    volatile long *mib = counter_new();
    if (mib == NULL)
        return -1;
    if (fork() == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        memset(bytes, 'x', sizeof(bytes));
        while (fd >= 0 && *mib <= limit_mib && write(fd, bytes, sizeof(bytes)) == sizeof(bytes))
            ++*mib;
        _exit(0);
    }
    wait(NULL);
    return *mib;
}

static enum outcome
memory_in_files(void)
{
    static const char *const paths[] = {"/tmp/fill", "/dev/shm/fill", "/run/fill", "/dev/fill",
                                        "/sys/fill"};
    long limit = told_number("HOSTILE_MEMORY") / MIB, all = 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        long got = fill(paths[i], limit);
        all += got;
        unlink(paths[i]);
        if (got > limit)
            return at_most(got, limit, paths[i]);
    }
    say("got %ld MiB in five folders ", all);
    return STOPPED;
}

static enum outcome
processes(void)
{
    signal(SIGTERM, SIG_IGN);
    volatile long *made = counter_new();
    pid_t pid = made == NULL ? -1 : fork();
    if (pid == 0) {
        setpgid(0, 0);
        for (pid_t next; *made < PIDS_TRIED && (next = fork()) >= 0; ++*made)
            if (next == 0)
                for (;;)
                    pause();
        _exit(0);
    }
    if (pid < 0)
        return SUCCEEDED;
    waitpid(pid, NULL, 0);
    kill(-pid, SIGKILL);
    return at_most(*made, told_number("HOSTILE_PIDS"), "processes");
}

static enum outcome
sockets(void)
{
    long made = 0;
    while (made < SOCKETS_TRIED && socket(AF_INET, SOCK_DGRAM, 0) >= 0)
        made++;
    return at_most(made, told_number("HOSTILE_FILES"), "sockets");
}

static enum outcome
disk(void)
{
    long limit = told_number("HOSTILE_DISK") / MIB;
    if (limit == 0)
        return UNLIMITED;
    long got = fill("/srv/fill", limit + 16);
    got += fill("/usr/fill", limit + 16) + fill("/var/tmp/fill", limit + 16);
    unlink("/srv/fill");
    unlink("/usr/fill");
    unlink("/var/tmp/fill");
    return at_most(got, limit, "MiB");
}

static enum outcome
inodes(void)
{
    char path[64];
    long made = 0, limit = told_number("HOSTILE_INODES");
    if (limit == 0)
        return UNLIMITED;
    for (; made <= limit && made < FILES_TRIED; made++) {
        snprintf(path, sizeof(path), "/srv/empty-%ld", made);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            break;
        close(fd);
    }
    for (long i = 0; i < made; i++) {
        snprintf(path, sizeof(path), "/srv/empty-%ld", i);
        unlink(path);
    }
    return at_most(made, limit, "files");
}

// The test looks at how much of it was kept.
static enum outcome
console(void)
{
    char line[4096];
    memset(line, '.', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 1024; i++)
        if (write(STDOUT_FILENO, line, sizeof(line)) < 0)
            return failed(-1);
    say("said 4 MiB ");
    return STOPPED;
}

// As many flows as the network could keep in mind: then a new connection must be possible still.
static enum outcome
flows(void)
{
    enum { SENDERS = 6, PORTS = 65000 };
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
    long sent = 0;
    inet_pton(AF_INET, told("HOSTILE_PEER"), &to.sin_addr);
    for (int i = 0; i < SENDERS; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        for (int port = 1; port < PORTS; port++) {
            to.sin_port = htons((uint16_t)port);
            sent += sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1;
        }
        close(fd);
    }
    say("%ld flows ", sent);
    to.sin_port = htons(80);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_reached = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    return is_reached ? STOPPED : SUCCEEDED;
}

// The first one would push out what the others say.
static const struct attempt all[] = {
    {"the host's disk, by its console", "the shim keeps the last part only", console, false, false},
    {"memory", "control group memory; else RLIMIT_AS of each process", memory, false, false},
    {"memory, by several processes",
     "control group memory; not limited without one, which c10m reports", memory_together, false,
     false},
    {"memory, by files in memory",
     "each such file system is a part of the guest's memory, and counted by its control group",
     memory_in_files, false, false},
    {"processes", "control group pids; else RLIMIT_NPROC, counted for its user namespace",
     processes, false, false},
    {"sockets and descriptors", "RLIMIT_NOFILE, times processes", sockets, false, false},
    {"disk",
     "a file system of its own in a file of that size; an ordinary user has none, which c10m "
     "reports",
     disk, true, false},
    {"inodes", "the same file system, made with so many", inodes, true, false},
    {"connections that the network keeps in mind",
     "each network has a table of its own, where new ones push out those that were never answered",
     flows, false, true},
};
const struct attempts exhaust = ATTEMPTS("Use up what the host has", all);
