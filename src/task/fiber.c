// Fibers: starting, parking, waking, ending.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/fiber.h"

#include <stdlib.h>

#include "src/task/runtime_state.h"

static void
fiber_ready(struct fiber *f)
{
    STAILQ_INSERT_TAIL(&f->loop->ready, f, ready_link);
}

// Ends a park for another reason than a wake; on the fiber's loop.
static void
fiber_unpark(struct fiber *f, int result)
{
    int parked = FIBER_PARKED;
    if (!atomic_compare_exchange_strong(&f->state, &parked, FIBER_RUNNING))
        return; // a wake was first
    f->park_result = result;
    fiber_ready(f);
}

static void
fiber_deadline_passed(void *arg)
{
    fiber_unpark(arg, E_TIMEOUT);
}

static void
fiber_main(void *arg)
{
    struct fiber *f = arg;
    f->fn(f->arg);
    f->is_done = true;
    context_leave(&f->context, &f->loop->context);
}

static struct fiber *
fiber_new(struct loop *loop)
{
    struct fiber *f = calloc(1, sizeof(*f));
    CHECK(f);
    f->loop = loop;
    timer_init(&f->deadline, loop, fiber_deadline_passed, f);
    return f;
}

// From the free ones if there is one; in no list.
static struct fiber *
fiber_take(struct loop *loop)
{
    struct fiber *f = TAILQ_FIRST(&loop->fibers_free);
    if (!f)
        return fiber_new(loop);
    TAILQ_REMOVE(&loop->fibers_free, f, link);
    return f;
}

static void
fibers_live_add(struct loop *loop, int delta)
{
    size_t live = atomic_load_explicit(&loop->fibers_live, memory_order_relaxed);
    live += (size_t)delta;
    atomic_store_explicit(&loop->fibers_live, live, memory_order_relaxed);
    if (live > atomic_load_explicit(&loop->fibers_live_max, memory_order_relaxed))
        atomic_store_explicit(&loop->fibers_live_max, live, memory_order_relaxed);
}

static void
fiber_end(struct fiber *f)
{
    struct loop *loop = f->loop;
    CHECK(f->deadline.heap_index == 0);
    context_fini(&f->context);
    stack_put(&loop->stacks, f->stack);
    f->stack = NULL;
    TAILQ_REMOVE(&loop->fibers, f, link);
    TAILQ_INSERT_HEAD(&loop->fibers_free, f, link);
    fibers_live_add(loop, -1);
}

static void
fiber_run(struct fiber *f)
{
    struct loop *loop = f->loop;
    // Only this thread writes it, so no locked instruction is needed.
    uint64_t switches = atomic_load_explicit(&loop->switches, memory_order_relaxed);
    atomic_store_explicit(&loop->switches, switches + 1, memory_order_relaxed);
    loop->running = f;
    context_switch(&loop->context, &f->context);
    loop->running = NULL;
    if (f->is_done)
        fiber_end(f);
}

static void
deferred_run(struct loop *loop)
{
    int64_t began_ns = clock_mono_ns(loop->rt);
    do {
        struct fiber *f = STAILQ_FIRST(&loop->deferred);
        STAILQ_REMOVE_HEAD(&loop->deferred, ready_link);
        fiber_run(f);
    } while (!STAILQ_EMPTY(&loop->deferred) && clock_mono_ns(loop->rt) - began_ns < LOOP_SLICE_NS);
}

void
fibers_run(struct loop *loop)
{
    for (int n = LOOP_FIBERS_PER_TURN_MAX; n > 0 && !STAILQ_EMPTY(&loop->ready); n--) {
        struct fiber *f = STAILQ_FIRST(&loop->ready);
        STAILQ_REMOVE_HEAD(&loop->ready, ready_link);
        fiber_run(f);
    }
    if (!STAILQ_EMPTY(&loop->deferred))
        deferred_run(loop);
}

void
fibers_cancel(struct loop *loop)
{
    for (struct fiber *f = TAILQ_FIRST(&loop->fibers); f; f = TAILQ_NEXT(f, link))
        fiber_cancel(f);
}

void
fibers_fini(struct loop *loop)
{
    CHECK(TAILQ_EMPTY(&loop->fibers));
    for (struct fiber *f; (f = TAILQ_FIRST(&loop->fibers_free));) {
        TAILQ_REMOVE(&loop->fibers_free, f, link);
        free(f);
    }
}

int
fiber_start(struct loop *loop, const char *name, fiber_fn *fn, void *arg, struct fiber **out)
{
    CHECK(loop == loop_current());
    if (atomic_load_explicit(&loop->fibers_live, memory_order_relaxed) >= loop->rt->fibers_max)
        return E_LIMIT;
    void *stack = stack_take(&loop->stacks);
    if (!stack)
        return E_LIMIT;
    struct fiber *f = fiber_take(loop);
    f->name = name;
    f->fn = fn;
    f->arg = arg;
    f->stack = stack;
    f->is_cancelled = loop->is_stopping;
    f->is_done = false;
    atomic_store_explicit(&f->state, FIBER_RUNNING, memory_order_relaxed);
    context_init(&f->context, stack, STACK_BYTES, fiber_main, f);
    TAILQ_INSERT_HEAD(&loop->fibers, f, link);
    fibers_live_add(loop, 1);
    fiber_ready(f);
    if (out)
        *out = f;
    return OK;
}

struct fiber *
fiber_self(void)
{
    struct loop *loop = loop_current();
    return loop ? loop->running : NULL;
}

struct loop *
fiber_loop(const struct fiber *f)
{
    return f->loop;
}

int
fiber_park(int64_t deadline_ns, enum fiber_wait wait)
{
    struct fiber *f = fiber_self();
    CHECK(f);
    if (f->is_cancelled && wait == FIBER_CANCELLABLE)
        return E_CANCELLED;
    f->park_result = OK;
    f->wait = wait;
    timer_arm(&f->deadline, deadline_ns);
    int running = FIBER_RUNNING;
    // Another thread may wake it from here on; it only lands in the inbox, which this thread reads
    // later.
    if (atomic_compare_exchange_strong(&f->state, &running, FIBER_PARKED))
        context_switch(&f->context, &f->loop->context);
    timer_disarm(&f->deadline);
    // Also sees a wake that came after the deadline made the fiber ready.
    int state = atomic_exchange(&f->state, FIBER_RUNNING);
    return state == FIBER_NOTIFIED ? OK : f->park_result;
}

void
fiber_wake(struct fiber *f)
{
    // Always a write, so that what the waker wrote before is seen by the park that consumes the
    // wake.
    if (atomic_exchange(&f->state, FIBER_NOTIFIED) != FIBER_PARKED)
        return;
    struct loop *loop = f->loop;
    if (loop == loop_current()) {
        fiber_ready(f);
        return;
    }
    pthread_mutex_lock(&loop->inbox.mutex);
    STAILQ_INSERT_TAIL(&loop->inbox.woken, f, ready_link);
    inbox_deliver(loop);
}

void
fiber_cancel(struct fiber *f)
{
    CHECK(f->loop == loop_current());
    f->is_cancelled = true;
    if (f->wait == FIBER_CANCELLABLE)
        fiber_unpark(f, E_CANCELLED);
}

void
fiber_yield(void)
{
    struct fiber *f = fiber_self();
    CHECK(f);
    fiber_ready(f);
    context_switch(&f->context, &f->loop->context);
}

bool
fiber_should_defer(void)
{
    struct loop *loop = loop_current();
    return !STAILQ_EMPTY(&loop->deferred) ||
           clock_mono_ns(loop->rt) - loop->turn_began_ns >= LOOP_SLICE_NS;
}

void
fiber_defer(void)
{
    struct fiber *f = fiber_self();
    CHECK(f);
    STAILQ_INSERT_TAIL(&f->loop->deferred, f, ready_link);
    context_switch(&f->context, &f->loop->context);
}

int
fiber_sleep_until(int64_t deadline_ns)
{
    int code;
    do {
        code = fiber_park(deadline_ns, FIBER_CANCELLABLE);
    } while (code == OK);
    return code == E_TIMEOUT ? OK : code;
}

void
fiber_stats_get(struct runtime *rt, struct fiber_stats *out)
{
    *out = (struct fiber_stats){0};
    for (int i = 0; i < rt->loop_count; i++) {
        struct loop *loop = rt->loops[i];
        size_t used_max = atomic_load_explicit(&loop->stacks.used_max, memory_order_relaxed);
        out->live += atomic_load_explicit(&loop->fibers_live, memory_order_relaxed);
        out->live_max += atomic_load_explicit(&loop->fibers_live_max, memory_order_relaxed);
        out->stacks += atomic_load_explicit(&loop->stacks.mapped, memory_order_relaxed);
        out->switches += atomic_load_explicit(&loop->switches, memory_order_relaxed);
        if (used_max > out->stack_used_max)
            out->stack_used_max = used_max;
    }
}
