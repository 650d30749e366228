// What the tools that measure the host layer share: a host in a folder, a network, ports.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "src/base/buf.h"
#include "src/host/network.h"

#define BENCH_NET STR("bench")

enum { BENCH_NS_PER_SECOND = 1000 * 1000 * 1000, BENCH_COUNT_MAX = 250 };

struct bench {
    const char *dir;
    int64_t amount; // of repetitions, or seconds: the tool's last argument
    struct runtime *runtime;
    struct host *host;
    struct arena arena;
    char problem[HOST_PROBLEM_BYTES];
};

// A way to call a tool: MODE DIR AMOUNT. `run` runs in a fiber, with the bench as its argument.
struct bench_mode {
    const char *name;
    int (*run)(void *arg);
};
// The tool's main. Ends the program when something fails, with a sentence.
int bench_main(int argc, char **argv, const struct bench_mode *modes, size_t count);

int64_t bench_now_ns(void);
void bench_must(struct bench *b, int code);
// Prints "WHAT NANOSECONDS", since then.
void bench_tell(const char *what, int64_t begun_ns);

struct buf bench_rules(struct bench *b);
void bench_apply(struct bench *b, const struct buf *rules);
// The group that all ports are in: one port of TCP from everywhere, and everything out.
void bench_group_set(struct buf *rules, int tcp_port);
// A network with what every one has, ready for its first port.
void bench_network_make(struct bench *b, struct str name);
// The port of that number in the network BENCH_NET, whose address is bench_address.
struct network_fds bench_port_make(struct bench *b, int number);
struct str bench_address(struct bench *b, int number);
// A child in the port's namespaces: 0 there, as of fork.
pid_t bench_fork_in(const struct network_fds *fds);
