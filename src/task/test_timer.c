// Tests of timers.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/task/fiber.h"

enum { TIMERS = 300 };

struct alarm {
    struct timer timer;
    struct fixture *x;
    int64_t deadline_ns;
    bool is_wanted;
};

struct fixture {
    struct runtime *rt;
    struct alarm alarms[TIMERS];
    struct timer again;
    int64_t last_ns;
    int fired;
    int wanted;
};

static void
with_runtime(int (*fn)(void *))
{
    struct fixture *x = calloc(1, sizeof(*x));
    assert_non_null(x);
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = 1}, &x->rt), OK);
    assert_int_equal(runtime_call(x->rt, fn, x), OK);
    runtime_free(x->rt);
    free(x);
}

static void
alarm_fired(void *arg)
{
    struct alarm *a = arg;
    struct fixture *x = a->x;
    assert_true(a->is_wanted);
    assert_null(fiber_self());
    assert_true(clock_mono_ns(x->rt) >= a->deadline_ns);
    assert_true(a->deadline_ns >= x->last_ns);
    x->last_ns = a->deadline_ns;
    a->is_wanted = false; // once only
    x->fired++;
}

static void
alarm_arm(struct alarm *a, int64_t deadline_ns)
{
    a->x->wanted += !a->is_wanted;
    a->is_wanted = true;
    a->deadline_ns = deadline_ns;
    timer_arm(&a->timer, deadline_ns);
}

static void
alarm_disarm(struct alarm *a)
{
    a->x->wanted -= a->is_wanted;
    a->is_wanted = false;
    timer_disarm(&a->timer);
}

// A fixed sequence of armings, changes and disarmings against the plain truth in the alarms.
static int
run_order(void *arg)
{
    struct fixture *x = arg;
    uint32_t seed = 1;
    int64_t now_ns = clock_mono_ns(x->rt);
    for (int i = 0; i < TIMERS; i++) {
        x->alarms[i].x = x;
        timer_init(&x->alarms[i].timer, loop_current(), alarm_fired, &x->alarms[i]);
    }
    for (int step = 0; step < 5000; step++) {
        seed = seed * 1664525 + 1013904223;
        struct alarm *a = &x->alarms[(seed >> 8) % TIMERS];
        if (seed >> 30 == 0)
            alarm_disarm(a);
        else
            alarm_arm(a, now_ns + (seed >> 12) % 3000000);
    }
    while (x->fired < x->wanted)
        assert_int_equal(fiber_sleep_until(deadline_in_ms(x->rt, 1)), OK);
    for (int i = 0; i < TIMERS; i++)
        assert_int_equal(x->alarms[i].timer.heap_index, 0);
    assert_true(x->fired > TIMERS / 2);
    return OK;
}

static void
timers_fire_once_in_order_and_never_early(void **state)
{
    with_runtime(run_order);
}

static void
fire_again(void *arg)
{
    struct fixture *x = arg;
    x->fired++;
    timer_arm(&x->again, 1); // long past
}

static int
run_again(void *arg)
{
    struct fixture *x = arg;
    timer_init(&x->again, loop_current(), fire_again, x);
    timer_arm(&x->again, 1);
    while (x->fired < 100)
        fiber_yield(); // others still run
    timer_disarm(&x->again);
    timer_disarm(&x->again);
    return OK;
}

static void
a_timer_that_arms_itself_does_not_stop_the_loop(void **state)
{
    with_runtime(run_again);
}

static int
run_never(void *arg)
{
    struct fixture *x = arg;
    timer_init(&x->again, loop_current(), fire_again, x);
    timer_arm(&x->again, 1);
    timer_arm(&x->again, DEADLINE_NEVER);
    assert_int_equal(x->again.heap_index, 0);
    assert_int_equal(fiber_sleep_until(deadline_in_ms(x->rt, 1)), OK);
    assert_int_equal(x->fired, 0);
    return OK;
}

static void
never_is_not_armed(void **state)
{
    with_runtime(run_never);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_once_in_order_and_never_early),
        cmocka_unit_test(a_timer_that_arms_itself_does_not_stop_the_loop),
        cmocka_unit_test(never_is_not_armed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
