// The inside of a loop, for the files of src/task only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "src/task/context.h"
#include "src/task/fiber.h"
#include "src/task/pool.h"
#include "src/task/random_cache.h"
#include "src/task/stack.h"
#include "src/task/timer.h"

// A file descriptor that the loop watches. Embedded in its owner, touched on its loop only.
struct source {
    int fd; // -1 once deleted
    bool is_queued;
    // Events of epoll; 0 when it was queued by source_queue.
    void (*on_events)(struct source *s, unsigned events);
    void (*on_deleted)(struct source *s); // nothing refers to it any more
    TAILQ_ENTRY(source) link;             // in loop->queued or loop->deleted
};
TAILQ_HEAD(source_list, source);

// events: EPOLLIN and so on, with EPOLLET or without. E_IO: errno says why.
MUST_USE int source_add(struct loop *loop, struct source *s, unsigned events);
void source_change(struct loop *loop, struct source *s, unsigned events);
// Calls on_events in the next turn of the loop.
void source_queue(struct loop *loop, struct source *s);
// Closes the descriptor. The memory is in use until on_deleted: a batch of events may name it.
void source_del(struct loop *loop, struct source *s);
// The same for a descriptor that stays open.
void source_forget(struct loop *loop, struct source *s);

// RUNNING: runs, or is queued to run. PARKED: waits. NOTIFIED: runs, and holds a wake that its next
// park consumes. Only PARKED -> RUNNING or NOTIFIED queues the fiber, and that by whoever made the
// step, so it is queued at most once and no wake is lost.
enum fiber_state { FIBER_RUNNING, FIBER_PARKED, FIBER_NOTIFIED };

struct fiber {
    struct context context;
    struct loop *loop; // for ever
    const char *name;
    fiber_fn *fn;
    void *arg;
    void *stack;
    struct timer deadline;
    STAILQ_ENTRY(fiber) ready_link; // in loop->ready or inbox->woken
    TAILQ_ENTRY(fiber) link;        // in loop->fibers or loop->fibers_free
    atomic_int state;
    int park_result; // why the park ended, unless by a wake
    enum fiber_wait wait;
    bool is_cancelled;
    bool is_done;
};
STAILQ_HEAD(fiber_queue, fiber);
TAILQ_HEAD(fiber_list, fiber);

struct post {
    void (*fn)(void *arg);
    void *arg;
    STAILQ_ENTRY(post) link;
};
STAILQ_HEAD(post_queue, post);

// What other threads hand to the loop.
struct inbox {
    pthread_mutex_t mutex;
    struct post_queue posts;
    struct fiber_queue woken;
    bool is_loop_asleep;  // or about to: then, and only then, its eventfd must be written to
    atomic_bool has_mail; // so that a busy loop need not lock to see that there is nothing
};

struct loop {
    struct runtime *rt;
    int index;
    pthread_t thread;
    int epoll_fd;
    struct source wake_up; // the eventfd
    struct inbox inbox;
    struct source_list queued;
    struct source_list deleted;
    struct timer **timers; // a binary heap from index 1
    size_t timer_count;
    size_t timer_capacity;
    struct context context; // of the thread's own stack
    struct fiber *running;
    struct fiber_queue ready;
    struct fiber_queue deferred; // see fiber_defer
    int64_t turn_began_ns;       // when this turn had looked at its sockets; monotonic
    struct fiber_list fibers;
    // Never given back while the runtime lives, see fiber_wake.
    struct fiber_list fibers_free;
    struct stack_pool stacks;
    struct random_cache random;
    bool is_stopping; // cancels its fibers, and those that still start
    bool is_ending;   // returns as soon as there are no fibers
    bool is_drained;  // as last told to the runtime
    // Written by the loop only, read by any thread.
    atomic_size_t fibers_live;
    atomic_size_t fibers_live_max;
    atomic_uint_fast64_t switches;
    atomic_uint_fast64_t turns;
};

// A loop runs at most this many fibers before it looks at its sockets again.
enum { LOOP_FIBERS_PER_TURN_MAX = 64 };
// And gives this long to those that are deferred.
enum { LOOP_SLICE_NS = 2 * 1000 * 1000 };

MUST_USE int loop_new(struct runtime *rt, int index, struct loop **out);
// After its thread was joined; all threads that wake its fibers have ended too.
void loop_free(struct loop *loop);
void *loop_run(void *arg); // the thread's function; its argument is the loop

// Ends a delivery: the caller has locked the inbox, this unlocks it and wakes the loop if it
// sleeps.
void inbox_deliver(struct loop *loop);

// The earliest deadline, or DEADLINE_NEVER.
int64_t timers_next(const struct loop *loop);
void timers_fire(struct loop *loop, int64_t now_ns);

// Runs what is ready, at most LOOP_FIBERS_PER_TURN_MAX of them, then of those that are deferred at
// least one, and as many as fit into LOOP_SLICE_NS.
void fibers_run(struct loop *loop);
void fibers_cancel(struct loop *loop);
// Frees the fibers' memory.
void fibers_fini(struct loop *loop);
