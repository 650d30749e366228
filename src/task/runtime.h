// The event loops, the blocking pool, the clocks and the randomness of one c10m.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// Everything that a program takes from the outside world (time, random bytes, sockets, scheduling)
// comes through src/task, so that a simulated runtime can stand in for all of it. Nothing outside
// this folder calls the operating system for them; `./dev lint` checks that.
struct runtime;
struct loop; // one epoll loop, one thread
struct fiber;

struct runtime_options {
    int loops;         // event loops, 1..RUNTIME_LOOPS_MAX; 0: one per core
    int pool_threads;  // upper limit of the blocking pool; 0: RUNTIME_POOL_DEFAULT
    size_t fibers_max; // per loop, live at once; 0: RUNTIME_FIBERS_DEFAULT
};

enum { RUNTIME_LOOPS_MAX = 64, RUNTIME_POOL_DEFAULT = 8, RUNTIME_FIBERS_DEFAULT = 20000 };

// Starts the loop threads. E_IO when the operating system refuses.
MUST_USE int runtime_new(const struct runtime_options *options, struct runtime **out);
// Cancels what still waits, joins the threads. Call it from outside the loops. NULL is accepted.
void runtime_free(struct runtime *rt);

int runtime_loop_count(const struct runtime *rt);
struct loop *runtime_loop(struct runtime *rt, int index);
struct runtime *loop_runtime(struct loop *loop);
int loop_index(const struct loop *loop);
// The loop that runs the calling thread; NULL outside of the loops.
struct loop *loop_current(void);

// Runs fn(arg) on the loop's own thread, outside of any fiber, soon. From any thread.
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

// Runs fn(arg) in a fiber of loop 0 and blocks the calling thread until it has returned. Never from
// a loop's thread. Its result, or E_LIMIT when the loop has no room for a fiber. For main, tests
// and command-line tools.
int runtime_call(struct runtime *rt, int (*fn)(void *arg), void *arg);

// The three clocks. Service: what a user schedules follows it; it can be moved. Wall: judges
// signatures. Monotonic: deadlines, leases, transactions.
int64_t clock_service_ms(const struct runtime *rt);
int64_t clock_wall_ms(const struct runtime *rt);
int64_t clock_mono_ns(const struct runtime *rt);
// How long the calling thread has run on a processor; not the time that it was kept off it.
int64_t clock_thread_ns(const struct runtime *rt);
// Moves the service clock by delta (either way), or to that far from the wall clock, for this
// process's life; persistence is the caller's (src/store/service_clock.h).
void clock_service_move(struct runtime *rt, int64_t delta_ms);
void clock_service_set(struct runtime *rt, int64_t offset_ms);

#define DEADLINE_NEVER INT64_MAX
// Monotonic time ms from now.
int64_t deadline_in_ms(const struct runtime *rt, int64_t ms);

// Random bytes fit for secrets.
void random_bytes(struct runtime *rt, void *out, size_t len);
uint64_t random_u64(struct runtime *rt);
enum { UUID_BYTES = 36 };
// A version 4 UUID in lower case, without a zero.
void random_uuid(struct runtime *rt, char out[UUID_BYTES]);
