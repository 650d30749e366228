// Networks of the host layer, measured:
//     host networks DIR COUNT      prints lines "WHAT NANOSECONDS", COUNT of each
//     host through DIR SECONDS     bytes a second of TCP between two ports, through their groups
//     host bare SECONDS            the same over one pair of veth, without anything else
//     host routed SECONDS          the same over two pairs with plain routing between
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/host/faults.h"
#include "tests/bench/host_bench.h"

enum { PORT = 9000, CHUNK_BYTES = 1 << 20 };

static void
measure_networks(struct bench *b)
{
    for (int64_t i = 0; i < b->amount; i++) {
        // A holder has its lock a little longer than it answers.
        struct str name = arena_print(&b->arena, "other-%d", (int)i);
        int64_t begun_ns = bench_now_ns();
        bench_network_make(b, name);
        bench_tell("network", begun_ns);
        bench_must(b, network_stop(b->host, name, b->problem));
    }
}

static void
measure_rules(struct bench *b)
{
    for (int64_t i = 0; i < b->amount; i++) {
        struct buf change = bench_rules(b), cut = bench_rules(b), heal = bench_rules(b);
        int64_t begun_ns = bench_now_ns();
        bench_group_set(&change, 80 + (int)i);
        bench_apply(b, &change);
        bench_tell("group", begun_ns);
        begun_ns = bench_now_ns();
        faults_begin(&cut);
        faults_cut(STR("10.0.1.0/24"), &cut);
        bench_apply(b, &cut);
        bench_tell("cut", begun_ns);
        faults_begin(&heal);
        bench_apply(b, &heal);
    }
}

static int
networks_main(void *arg)
{
    struct bench *b = arg;
    bench_network_make(
        b, BENCH_NET); // an ordinary user's first makes the namespace that the others share
    measure_networks(b);
    struct buf rules = bench_rules(b);
    bench_group_set(&rules, 80);
    bench_apply(b, &rules);
    for (int64_t i = 0; i < b->amount; i++) {
        int64_t begun_ns = bench_now_ns();
        struct network_fds fds = bench_port_make(b, (int)i);
        bench_tell("port", begun_ns);
        network_fds_close(&fds);
    }
    measure_rules(b);
    bench_must(b, network_stop(b->host, BENCH_NET, b->problem));
    return OK;
}

// -- throughput

// The scheduler's choice of cores would decide more than the path does.
static void
pin(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sysconf(_SC_NPROCESSORS_ONLN) > core)
        (void)sched_setaffinity(0, sizeof(cores), &cores);
}

static int
receive(void)
{
    pin(1);
    static char bytes[CHUNK_BYTES];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1) != 0)
        return 1;
    int connection = accept(fd, NULL, NULL);
    int64_t begun_ns = bench_now_ns(), total = 0;
    for (ssize_t got; (got = recv(connection, bytes, sizeof(bytes), 0)) > 0;)
        total += got;
    printf("%.0f\n", (double)total * BENCH_NS_PER_SECOND / (double)(bench_now_ns() - begun_ns));
    fflush(stdout);
    return 0;
}

static int
send_for(const char *address, int64_t seconds)
{
    pin(0);
    static char bytes[CHUNK_BYTES];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = -1;
    inet_pton(AF_INET, address, &to.sin_addr);
    for (int tries = 0; tries < 5000; tries++) { // until the other listens
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
            break;
        close(fd);
        fd = -1;
        usleep(1000);
    }
    int64_t end_ns = bench_now_ns() + seconds * BENCH_NS_PER_SECOND;
    while (fd >= 0 && bench_now_ns() < end_ns)
        if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0)
            return 1;
    return fd < 0;
}

static int
await(pid_t a, pid_t b)
{
    int status_a = 1, status_b = 1;
    if (waitpid(a, &status_a, 0) == a && status_a != 0)
        kill(b, SIGKILL);
    waitpid(b, &status_b, 0);
    return status_a == 0 && status_b == 0 ? OK : E_IO;
}

static int
through_main(void *arg)
{
    struct bench *b = arg;
    bench_network_make(b, BENCH_NET);
    struct buf rules = bench_rules(b);
    bench_group_set(&rules, PORT);
    bench_apply(b, &rules);
    struct network_fds one = bench_port_make(b, 0), two = bench_port_make(b, 1);
    pid_t receiver = bench_fork_in(&one);
    if (receiver == 0)
        _exit(receive());
    pid_t sender = bench_fork_in(&two);
    if (sender == 0)
        _exit(send_for("10.0.1.4", b->amount));
    int code = await(sender, receiver);
    bench_must(b, network_stop(b->host, BENCH_NET, b->problem));
    return code;
}

// What the programs that it starts need in order to keep their rights.
static bool
become_root(void)
{
    char map[32];
    int len = snprintf(map, sizeof(map), "0 %u 1", geteuid());
    if (geteuid() == 0)
        return unshare(CLONE_NEWNET) == 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    bool is_mapped = fd >= 0 && write(fd, map, (size_t)len) == len;
    if (fd >= 0)
        close(fd);
    return is_mapped;
}

// A command of the shell's; whether it succeeded.
static bool
shell(const char *command)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

// One end of the measured path, in a namespace of its own.
static pid_t
end_start(const char *setup, int64_t seconds, int up)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (unshare(CLONE_NEWNET) != 0 || write(up, "", 1) != 1)
        _exit(1);
    while (!shell(setup)) // until its link is there
        usleep(1000);
    _exit(seconds == 0 ? receive() : send_for("10.0.1.4", seconds));
}

struct path {
    const char *receiver, *sender; // what sets up their ends
    const char *links;             // a format, of the receiver's and the sender's process ids
};

#define END(address) "ip addr replace " address "/24 dev eth0 2>/dev/null && ip link set eth0 up"

// Between two namespaces, over links that ip makes.
static int
along(const struct path *p, int64_t seconds)
{
    char command[512], ready;
    int up[2];
    if (!become_root() || pipe2(up, O_CLOEXEC) != 0)
        return 1;
    pid_t receiver = end_start(p->receiver, 0, up[1]);
    pid_t sender = end_start(p->sender, seconds, up[1]);
    for (int i = 0; i < 2; i++)
        if (read(up[0], &ready, 1) != 1)
            return 1;
    snprintf(command, sizeof(command), p->links, receiver, sender);
    if (!shell(command)) {
        kill(receiver, SIGKILL);
        kill(sender, SIGKILL);
    }
    return await(sender, receiver) == OK ? 0 : 1;
}

// One pair of links, and nothing else.
static const struct path bare = {END("10.0.1.4"), END("10.0.1.5"),
                                 "ip link add eth0 netns %d type veth peer name eth0 netns %d"};
// The way that packets go through a network of ours, without its rules.
static const struct path routed = {
    END("10.0.1.4") " && ip route replace default via 10.0.1.1",
    END("10.0.2.4") " && ip route replace default via 10.0.2.1",
    "echo 1 > /proc/sys/net/ipv4/ip_forward && "
    "ip link add one type veth peer name eth0 netns %d && ip addr add 10.0.1.1/24 dev one && "
    "ip link set one up && "
    "ip link add two type veth peer name eth0 netns %d && ip addr add 10.0.2.1/24 dev two && "
    "ip link set two up"};

int
main(int argc, char **argv)
{
    static const struct bench_mode modes[] = {{"networks", networks_main},
                                              {"through", through_main}};
    int64_t seconds;
    if (argc == 3 && str_to_int64(str_of(argv[2]), &seconds) == OK && seconds > 0) {
        if (str_eq(str_of(argv[1]), STR("bare")))
            return along(&bare, seconds);
        if (str_eq(str_of(argv[1]), STR("routed")))
            return along(&routed, seconds);
    }
    return bench_main(argc, argv, modes, COUNT_OF(modes));
}
