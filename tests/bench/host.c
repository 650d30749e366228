// Networks of the host layer, measured:
//     host networks DIR COUNT      prints lines "WHAT NANOSECONDS", COUNT of each
//     host through DIR SECONDS     bytes a second of TCP between two ports, through their groups
//     host bare SECONDS            the same over one pair of veth, without anything else
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/host/faults.h"
#include "src/host/firewall.h"
#include "src/host/network.h"

#define NET STR("bench")

enum { NANOSECONDS = 1000 * 1000 * 1000, PORT = 9000, CHUNK_BYTES = 1 << 20, COUNT_MAX = 200 };

struct bench {
    const char *mode, *dir;
    int64_t amount;
    struct runtime *runtime;
    struct host *host;
    struct arena arena;
    char problem[HOST_PROBLEM_BYTES];
};

static int64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NANOSECONDS + t.tv_nsec;
}

static void
must(struct bench *b, int code)
{
    if (code == OK)
        return;
    fprintf(stderr, "host: %s: %s\n", code_name(code), b->problem);
    exit(1);
}

static void
tell(const char *what, int64_t begun_ns)
{
    printf("%s %lld\n", what, (long long)(now_ns() - begun_ns));
}

static void
apply(struct bench *b, const struct buf *rules)
{
    must(b, network_rules(b->host, NET, buf_str(rules), b->problem));
}

static struct buf
rules_new(struct bench *b)
{
    struct buf rules;
    buf_init(&rules, &b->arena, 0);
    return rules;
}

static void
group_set(struct bench *b, struct buf *rules, int port)
{
    struct firewall_rule r[] = {
        {.protocol = 6, .from = port, .to = port, .cidr = STR("0.0.0.0/0")},
        {.is_egress = true, .cidr = STR("0.0.0.0/0")},
    };
    firewall_group_set(STR("sg-1"), r, COUNT_OF(r), rules);
}

// A network with what every one has, ready for its first port.
static void
network_make(struct bench *b, struct str name)
{
    struct buf rules = rules_new(b);
    must(b, network_start(b->host, name, b->problem));
    must(b, network_address_add(b->host, name, STR("10.0.0.1/16"), b->problem));
    firewall_begin(&rules);
    must(b, network_rules(b->host, name, buf_str(&rules), b->problem));
}

static struct network_fds
port_make(struct bench *b, int number)
{
    const struct str group = STR("sg-1");
    struct network_fds fds;
    struct buf rules = rules_new(b);
    struct str address = arena_print(&b->arena, "10.0.%d.%d", 1 + number / 200, 4 + number % 200);
    struct network_port port = {
        .name = arena_print(&b->arena, "p%d", number),
        .address = arena_print(&b->arena, STR_FMT "/16", STR_ARG(address)),
        .gateway = STR("10.0.0.1"),
        .mac = arena_print(&b->arena, "0a:00:00:00:%02x:%02x", number / 200, number % 200),
    };
    must(b, network_port_add(b->host, NET, &port, &fds, b->problem));
    firewall_port_add(port.name, address, &group, 1, &rules);
    apply(b, &rules);
    return fds;
}

static void
measure_networks(struct bench *b)
{
    for (int64_t i = 0; i < b->amount; i++) {
        int64_t begun_ns = now_ns();
        network_make(b, STR("other"));
        tell("network", begun_ns);
        must(b, network_stop(b->host, STR("other"), b->problem));
    }
}

static void
measure_rules(struct bench *b)
{
    for (int64_t i = 0; i < b->amount; i++) {
        struct buf change = rules_new(b), cut = rules_new(b), heal = rules_new(b);
        int64_t begun_ns = now_ns();
        group_set(b, &change, 80 + (int)i);
        apply(b, &change);
        tell("group", begun_ns);
        begun_ns = now_ns();
        faults_begin(&cut);
        faults_cut(STR("10.0.1.0/24"), &cut);
        apply(b, &cut);
        tell("cut", begun_ns);
        faults_begin(&heal);
        apply(b, &heal);
    }
}

static int
networks_main(void *arg)
{
    struct bench *b = arg;
    network_make(b, NET); // an ordinary user's first makes the namespace that the others share
    measure_networks(b);
    struct buf rules = rules_new(b);
    group_set(b, &rules, 80);
    apply(b, &rules);
    for (int64_t i = 0; i < b->amount; i++) {
        int64_t begun_ns = now_ns();
        struct network_fds fds = port_make(b, (int)i);
        tell("port", begun_ns);
        network_fds_close(&fds);
    }
    measure_rules(b);
    must(b, network_stop(b->host, NET, b->problem));
    return OK;
}

// -- throughput

static int
receive(void)
{
    static char bytes[CHUNK_BYTES];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1) != 0)
        return 1;
    int connection = accept(fd, NULL, NULL);
    int64_t begun_ns = now_ns(), total = 0;
    for (ssize_t got; (got = recv(connection, bytes, sizeof(bytes), 0)) > 0;)
        total += got;
    printf("%.0f\n", (double)total * NANOSECONDS / (double)(now_ns() - begun_ns));
    fflush(stdout);
    return 0;
}

static int
send_for(const char *address, int64_t seconds)
{
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
    int64_t end_ns = now_ns() + seconds * NANOSECONDS;
    while (fd >= 0 && now_ns() < end_ns)
        if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0)
            return 1;
    return fd < 0;
}

// In a child: within the port's namespaces.
static pid_t
in_port(const struct network_fds *fds, const char *send_to, int64_t seconds)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if ((fds->user_fd > 0 && setns(fds->user_fd, CLONE_NEWUSER) != 0) ||
        setns(fds->net_fd, CLONE_NEWNET) != 0)
        _exit(1);
    _exit(send_to != NULL ? send_for(send_to, seconds) : receive());
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
    network_make(b, NET);
    struct buf rules = rules_new(b);
    group_set(b, &rules, PORT);
    apply(b, &rules);
    struct network_fds one = port_make(b, 0), two = port_make(b, 1);
    pid_t receiver = in_port(&one, NULL, 0), sender = in_port(&two, "10.0.1.4", b->amount);
    int code = await(sender, receiver);
    must(b, network_stop(b->host, NET, b->problem));
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

// Two namespaces with one pair of links between, made by ip.
static int
bare(int64_t seconds)
{
    char command[160], ready;
    int up[2];
    if (!become_root() || pipe2(up, O_CLOEXEC) != 0)
        return 1;
    pid_t receiver = fork();
    if (receiver == 0) {
        if (unshare(CLONE_NEWNET) != 0 || write(up[1], "", 1) != 1)
            _exit(1);
        while (!shell("ip addr add 10.0.1.4/24 dev bench-b 2>/dev/null"))
            usleep(1000);
        _exit(shell("ip link set bench-b up") ? receive() : 1);
    }
    if (read(up[0], &ready, 1) != 1)
        return 1;
    snprintf(command, sizeof(command),
             "ip link add bench-a type veth peer name bench-b netns %d && ip addr add 10.0.1.5/24 "
             "dev bench-a && "
             "ip link set bench-a up",
             receiver);
    if (!shell(command))
        return 1;
    pid_t sender = fork();
    if (sender == 0)
        _exit(send_for("10.0.1.4", seconds));
    return await(sender, receiver) == OK ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct bench b = {.mode = argc > 1 ? argv[1] : ""};
    struct log log = {.fd = STDERR_FILENO, .level_min = LOG_ERROR};
    struct runtime_options options = {.loops = 1};
    if (argc != (str_eq(str_of(b.mode), STR("bare")) ? 3 : 4) ||
        str_to_int64(str_of(argv[argc - 1]), &b.amount) != OK || b.amount < 1 ||
        b.amount > COUNT_MAX) {
        fprintf(stderr, "usage: host networks|through DIR NUMBER, host bare NUMBER\n");
        return 2;
    }
    if (argc == 3)
        return bare(b.amount);
    arena_init(&b.arena);
    must(&b, runtime_new(&options, &b.runtime));
    struct host_options ho = {.runtime = b.runtime, .log = &log, .dir = argv[2]};
    must(&b, host_new(&ho, &b.host, b.problem, sizeof(b.problem)));
    bool is_networks = str_eq(str_of(b.mode), STR("networks"));
    must(&b, runtime_call(b.runtime, is_networks ? networks_main : through_main, &b));
    host_free(b.host);
    runtime_free(b.runtime);
    arena_fini(&b.arena);
    return 0;
}
