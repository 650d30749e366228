// Fibers: straight-line code that waits without holding a thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/runtime.h"

// A fiber has a stack of its own (FIBER_STACK_BYTES; more under ASan) below a guard page, and stays
// on the loop that started it. The switch is Boost.Context's.
enum { FIBER_STACK_BYTES = 64 * 1024 };

typedef void fiber_fn(void *arg);

// Starts fn(arg) in a fiber of the calling loop; it runs after the current callback or fiber
// yields. E_LIMIT when the loop already has its maximum of fibers, or the system no more memory.
// The name (static storage) shows in /_c10m/tasks. *out (may be NULL) is valid until fn returns.
MUST_USE int fiber_start(struct loop *loop, const char *name, fiber_fn *fn, void *arg,
                         struct fiber **out);

// The running fiber; NULL outside of fibers.
struct fiber *fiber_self(void);
struct loop *fiber_loop(const struct fiber *f);

// Whether a wait ends early when the fiber is cancelled. Waits whose outcome must be known, such as
// that of a commit, are not cancellable.
enum fiber_wait { FIBER_CANCELLABLE, FIBER_UNCANCELLABLE };

// Waits until fiber_wake, the deadline (monotonic ns) or, if cancellable, fiber_cancel: OK,
// E_TIMEOUT, E_CANCELLED. A wake that came before the call is consumed by it. Wakes may be
// spurious: wait in a loop over the condition.
MUST_USE int fiber_park(int64_t deadline_ns, enum fiber_wait wait);
// From any thread. The fiber may have seen what the caller did before, gone on and ended: a late
// wake is harmless, since fibers are used again but not freed while the runtime lives, and at most
// spurious for the next one. So threads that wake fibers end before runtime_free.
void fiber_wake(struct fiber *f);
// Makes the current and every later cancellable wait return E_CANCELLED. On the fiber's own loop.
void fiber_cancel(struct fiber *f);

// Lets others run; goes on in the same turn of the loop.
void fiber_yield(void);
// Lets all that is ready go first, and the sockets be looked at: goes on in a later turn of the
// loop, after those that were deferred before. In a turn they have a slice of time together, so
// that work that can wait (a new request) does not keep waiting what cannot (the health page).
void fiber_defer(void);
// Whether now is a time for it: others are deferred, or this turn has gone on for a slice.
bool fiber_should_defer(void);
// E_CANCELLED or OK.
MUST_USE int fiber_sleep_until(int64_t deadline_ns);

// Runs fn(arg) on a thread of the blocking pool with the calling fiber parked, uncancellable.
// Outside of a fiber it simply calls fn. For blocking libraries and long computations.
void pool_run(struct runtime *rt, void (*fn)(void *arg), void *arg);

// For /_c10m/tasks and tests.
struct fiber_stats {
    size_t live;
    size_t live_max;
    size_t stacks;         // mapped, live or pooled
    size_t stack_used_max; // bytes; debug builds only, else 0
    uint64_t switches;
};
void fiber_stats_get(struct runtime *rt, struct fiber_stats *out);
