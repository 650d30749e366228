// One-shot timers of a loop: a binary heap of pointers.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/timer.h"

#include <stdlib.h>

#include "src/task/loop.h"

enum { TIMERS_FIRST_CAPACITY = 64 };

static void
heap_set(struct loop *loop, size_t i, struct timer *t)
{
    loop->timers[i] = t;
    t->heap_index = i;
}

static void
heap_up(struct loop *loop, size_t i)
{
    struct timer *t = loop->timers[i];
    for (; i > 1 && loop->timers[i / 2]->deadline_ns > t->deadline_ns; i /= 2)
        heap_set(loop, i, loop->timers[i / 2]);
    heap_set(loop, i, t);
}

static void
heap_down(struct loop *loop, size_t i)
{
    struct timer *t = loop->timers[i];
    for (size_t child; (child = 2 * i) <= loop->timer_count; i = child) {
        if (child < loop->timer_count &&
            loop->timers[child + 1]->deadline_ns < loop->timers[child]->deadline_ns)
            child++;
        if (loop->timers[child]->deadline_ns >= t->deadline_ns)
            break;
        heap_set(loop, i, loop->timers[child]);
    }
    heap_set(loop, i, t);
}

static void
heap_grow(struct loop *loop)
{
    // Index 0 is not used: it says that a timer is not armed.
    if (loop->timer_count + 1 < loop->timer_capacity)
        return;
    loop->timer_capacity = loop->timer_capacity ? 2 * loop->timer_capacity : TIMERS_FIRST_CAPACITY;
    loop->timers = realloc(loop->timers, loop->timer_capacity * sizeof(*loop->timers));
    CHECK(loop->timers);
}

int64_t
timers_next(const struct loop *loop)
{
    return loop->timer_count > 0 ? loop->timers[1]->deadline_ns : DEADLINE_NEVER;
}

void
timers_fire(struct loop *loop, int64_t now_ns)
{
    // A timer that is armed again with a deadline in the past gets its turn, but not the loop.
    for (size_t n = loop->timer_count; n > 0 && timers_next(loop) <= now_ns; n--) {
        struct timer *t = loop->timers[1];
        timer_disarm(t);
        t->fn(t->arg);
    }
}

void
timer_init(struct timer *t, struct loop *loop, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){.loop = loop, .fn = fn, .arg = arg};
}

void
timer_arm(struct timer *t, int64_t deadline_ns)
{
    timer_disarm(t);
    if (deadline_ns == DEADLINE_NEVER)
        return;
    struct loop *loop = t->loop;
    heap_grow(loop);
    t->deadline_ns = deadline_ns;
    heap_set(loop, ++loop->timer_count, t);
    heap_up(loop, t->heap_index);
}

void
timer_disarm(struct timer *t)
{
    if (t->heap_index == 0)
        return;
    struct loop *loop = t->loop;
    size_t i = t->heap_index;
    struct timer *last = loop->timers[loop->timer_count--];
    t->heap_index = 0;
    if (last == t)
        return;
    heap_set(loop, i, last);
    heap_up(loop, i);
    heap_down(loop, last->heap_index);
}
