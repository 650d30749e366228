// The inside of the simulated machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/queue.h>

#include "src/task/context.h"
#include "src/task/sim/sim.h"

struct loop;

enum sim_thread_state { SIM_READY, SIM_WAITING, SIM_ENDED };

struct sim_thread {
    struct context context;
    struct sim_process *process;
    unsigned id; // its place in sim->threads, and its pthread_t, from 1
    char name[16];
    void *stack;
    void *(*fn)(void *arg);
    void *arg;
    enum sim_thread_state state;
    const void *waits_for; // compared only; NULL: nothing but the deadline
    int64_t deadline_ns;
    bool has_timed_out;
    int saved_errno;
    struct loop *loop; // that it runs
};

struct sim_process {
    const char *name;
    unsigned id;
    void (*fn)(void *arg);
    void *arg;
    struct sim_hook *hooks;
    int64_t paused_until_ns;
    bool is_ended;
    size_t leaks;
};

enum { SIM_THREADS_MAX = 256 };

struct sim_random_state {
    uint64_t x[4];
};

struct sim {
    int trace_fd;
    int64_t now_ns;
    uint64_t steps, trace_lines, trace_hash;
    // One for each use, so that a change of one leaves the others alone.
    struct sim_random_state schedule_random, network_random, bytes_random, fault_random;
    struct context context; // of the real thread's own stack, which is the scheduler's
    struct sim_thread *threads[SIM_THREADS_MAX];
    unsigned thread_count; // highest used + 1
    unsigned processes;    // ever started
    struct sim_thread *running;
    struct sim_process *doomed; // by one of its own threads
    int outside_depth;
};

// NULL while nothing is simulated: then wrapped calls go to the system.
extern struct sim *sim;

uint64_t sim_random_next(struct sim_random_state *r);
uint64_t sim_random_below(struct sim_random_state *r, uint64_t n);
void sim_random_seed(struct sim_random_state *r, uint64_t seed);

struct sim_thread *sim_thread_start(struct sim_process *p, const char *name, void *(*fn)(void *arg),
                                    void *arg);
void sim_thread_free(struct sim_thread *t); // that is not the running one
void sim_wake_one(const void *what);
// At a point where a thread could lose its processor: now and then it does.
void sim_preempt(void);
// False: outside of a simulation, or on the scheduler's own stack.
bool sim_is_inside(void);

// -- memory.c
void *sim_real_calloc(size_t count, size_t size);
void sim_real_free(void *ptr);
// Frees what the process holds; returns how many allocations that were.
size_t sim_memory_release(struct sim_process *p);
size_t sim_memory_count(const struct sim_process *p);
void sim_memory_fini(void);
void *sim_stack_new(void);
void sim_stack_free(void *stack);
enum { SIM_STACK_BYTES = 512 * 1024 };

// -- descriptor.c
void sim_descriptors_close(struct sim_process *p);
void sim_descriptors_fini(void);

// -- network.c
void sim_network_deliver(void);    // what is due
int64_t sim_network_next_ns(void); // INT64_MAX: nothing is under way
