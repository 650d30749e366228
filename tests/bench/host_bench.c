// What the tools that measure the host layer share: a host in a folder, a network, ports.
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/host_bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "src/host/firewall.h"
#include "src/host/image.h"

enum { PORTS_PER_ROW = 200 };

int64_t
bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * BENCH_NS_PER_SECOND + t.tv_nsec;
}

void
bench_must(struct bench *b, int code)
{
    if (code == OK)
        return;
    fprintf(stderr, "bench: %s: %s\n", code_name(code), b->problem);
    exit(1);
}

void
bench_tell(const char *what, int64_t begun_ns)
{
    printf("%s %lld\n", what, (long long)(bench_now_ns() - begun_ns));
}

struct buf
bench_rules(struct bench *b)
{
    struct buf rules;
    buf_init(&rules, &b->arena, 0);
    return rules;
}

void
bench_apply(struct bench *b, const struct buf *rules)
{
    bench_must(b, network_rules(b->host, BENCH_NET, buf_str(rules), b->problem));
}

void
bench_group_set(struct buf *rules, int tcp_port)
{
    struct firewall_rule r[] = {
        {.protocol = 6, .from = tcp_port, .to = tcp_port, .cidr = STR("0.0.0.0/0")},
        {.is_egress = true, .cidr = STR("0.0.0.0/0")},
    };
    firewall_group_set(STR("sg-1"), r, COUNT_OF(r), rules);
}

void
bench_network_make(struct bench *b, struct str name)
{
    struct buf rules = bench_rules(b);
    bench_must(b, network_start(b->host, name, b->problem));
    bench_must(b, network_address_add(b->host, name, STR("10.0.0.1/16"), b->problem));
    firewall_begin(&rules);
    bench_must(b, network_rules(b->host, name, buf_str(&rules), b->problem));
}

struct str
bench_address(struct bench *b, int number)
{
    return arena_print(&b->arena, "10.0.%d.%d", 1 + number / PORTS_PER_ROW,
                       4 + number % PORTS_PER_ROW);
}

struct network_fds
bench_port_make(struct bench *b, int number)
{
    const struct str group = STR("sg-1");
    struct network_fds fds;
    struct buf rules = bench_rules(b);
    struct str address = bench_address(b, number);
    struct network_port port = {
        .name = arena_print(&b->arena, "p%d", number),
        .address = arena_print(&b->arena, STR_FMT "/16", STR_ARG(address)),
        .gateway = STR("10.0.0.1"),
        .mac = arena_print(&b->arena, "0a:00:00:00:%02x:%02x", number / PORTS_PER_ROW,
                           number % PORTS_PER_ROW),
    };
    bench_must(b, network_port_add(b->host, BENCH_NET, &port, &fds, b->problem));
    firewall_port_add(port.name, address, &group, 1, &rules);
    bench_apply(b, &rules);
    return fds;
}

pid_t
bench_fork_in(const struct network_fds *fds)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0 && ((fds->user_fd > 0 && setns(fds->user_fd, CLONE_NEWUSER) != 0) ||
                     setns(fds->net_fd, CLONE_NEWNET) != 0))
        _exit(1);
    return pid;
}

static const struct bench_mode *
mode_find(const struct bench_mode *modes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(str_of(modes[i].name), str_of(name)))
            return &modes[i];
    return NULL;
}

int
bench_main(int argc, char **argv, const struct bench_mode *modes, size_t count)
{
    struct bench b = {0};
    struct log log = {.fd = STDERR_FILENO, .level_min = LOG_ERROR};
    struct runtime_options options = {.loops = 1};
    const struct bench_mode *mode = argc == 4 ? mode_find(modes, count, argv[1]) : NULL;
    if (mode == NULL || str_to_int64(str_of(argv[3]), &b.amount) != OK || b.amount < 1 ||
        b.amount > BENCH_COUNT_MAX) {
        fprintf(stderr, "usage: %s MODE DIR NUMBER (see its source)\n", argv[0]);
        return 2;
    }
    b.dir = argv[2];
    arena_init(&b.arena);
    bench_must(&b, runtime_new(&options, &b.runtime));
    struct host_options ho = {.runtime = b.runtime, .log = &log, .dir = b.dir};
    bench_must(&b, host_new(&ho, &b.host, b.problem, sizeof(b.problem)));
    // Needs more of a stack than fibers have.
    bench_must(&b, image_default_make(b.host, b.problem, sizeof(b.problem)));
    bench_must(&b, runtime_call(b.runtime, mode->run, &b));
    host_free(b.host);
    runtime_free(b.runtime);
    arena_fini(&b.arena);
    return 0;
}
