// A simulated machine: processes, threads, time, randomness and a network in one thread, from one
// seed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// The twin of the operating system. A program that links this library with the linker's --wrap (see
// meson.build) runs the real loops, pools, committers and services, and every call with which they
// touch the outside (threads, locks, clocks, random bytes, sockets, memory) ends here. One real
// thread runs all of it, and the seed decides who goes on at every point where a thread could wait,
// so that the same seed gives the same trace, byte for byte. docs/internals/simulation.md says how
// to use it.
//
// There is one simulation at a time: the calls that are wrapped have no argument that could name
// one. Everything here is called from simulated threads, but for sim_begin, sim_run and sim_end.

struct sim_process; // what a kill ends: threads, memory, descriptors
struct sim_thread;

struct sim_options {
    uint64_t seed;
    int trace_fd; // -1: the trace is only hashed
};

void sim_begin(const struct sim_options *options);
// Runs fn(arg) in a process of its own, which is never killed, and everything that it starts, until
// fn returns. Aborts when nothing can ever go on.
void sim_run(void (*fn)(void *arg), void *arg);

struct sim_totals {
    int64_t elapsed_ns; // virtual
    uint64_t steps;     // decisions of the scheduler
    uint64_t trace_lines;
    uint64_t trace_hash;
};
// Ends every process that is left.
void sim_end(struct sim_totals *out);

// One line of the trace, with the time before it.
void sim_trace(const char *format, ...) PRINTF(1, 2);
int64_t sim_now_ns(void);
uint64_t sim_steps(void); // decisions of the scheduler so far
void sim_sleep_ns(int64_t ns);
// Waits until somebody wakes `what`, or the deadline: then false.
bool sim_wait(const void *what, int64_t deadline_ns);
void sim_wake_all(const void *what);
// Lets others run.
void sim_yield(void);
// 0 .. n - 1, from the seed, for faults and workloads; n > 0.
uint64_t sim_random(uint64_t n);
// True once in n times.
bool sim_chance(uint64_t n);

// Starts fn(arg) as the main thread of a new process; the process ends when it returns. The name
// (static storage) shows in the trace.
struct sim_process *sim_process_start(const char *name, void (*fn)(void *arg), void *arg);
// kill -9: its threads stop where they are, its connections end, its memory is gone. From one of
// its own threads it does not return. Nothing happens when it has ended.
void sim_process_kill(struct sim_process *p);
// SIGSTOP and, after so long, SIGCONT.
void sim_process_pause(struct sim_process *p, int64_t ns);
bool sim_process_is_alive(const struct sim_process *p);
// Allocations that it did not free before it ended by itself.
size_t sim_process_leaks(const struct sim_process *p);
// Waits until it has ended; false at the deadline.
bool sim_process_wait(struct sim_process *p, int64_t deadline_ns);
// Forgets one that has ended.
void sim_process_free(struct sim_process *p);
// The process of the calling thread.
struct sim_process *sim_process_self(void);
// Runs fn(arg) when p ends in whatever way, while its memory is still there; the last one first. In
// no process: it must not wait.
struct sim_hook {
    void (*fn)(void *arg);
    void *arg;
    struct sim_hook *next;
};
void sim_process_on_end(struct sim_process *p, struct sim_hook *hook);

// Between these, what the calling thread allocates belongs to no process and outlives them all, and
// it is not interrupted: for what stands for a disk or another machine. They nest.
void sim_outside_begin(void);
void sim_outside_end(void);

// How the network behaves. Connections keep their order, as TCP does.
struct sim_network {
    int64_t delay_ns_max;  // of most pieces
    int64_t stall_ns_max;  // of one piece in 64; 0: none
    uint64_t reset_one_in; // writes that end in a reset; 0: none
    size_t window_bytes;   // that a connection holds before the writer must wait
};
void sim_network_set(const struct sim_network *network);

// A descriptor whose lines go into the trace under that name (static storage): for logs.
int sim_log_open(const char *name);
