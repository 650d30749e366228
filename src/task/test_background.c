// Tests of the fibers in the background: they start, are woken, and end before they are freed.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/background.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
// cmocka needs the two above first.
#include <cmocka.h>

enum { FIBERS = 50 };

struct work {
    struct runtime *runtime;
    struct background *background;
    atomic_int wanted; // that many wakes
    atomic_int done;
    atomic_int ended;
};

static int
setup(void **state)
{
    struct work *w = calloc(1, sizeof(*w));
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = 2}, &w->runtime), OK);
    w->background = background_new(w->runtime);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct work *w = *state;
    runtime_free(w->runtime);
    free(w);
    return 0;
}

// Does one piece for each wake, and misses none.
static void
worker(struct background_job *job, void *arg)
{
    struct work *w = arg;
    struct lot_ticket ticket;
    int code;
    do {
        background_enter(job, &ticket);
        int wanted = atomic_load(&w->wanted);
        while (atomic_load(&w->done) < wanted)
            atomic_fetch_add(&w->done, 1);
        code = background_wait(job, &ticket, DEADLINE_NEVER);
    } while (code != E_CANCELLED);
    atomic_fetch_add(&w->ended, 1);
}

static int
done_wait(void *arg)
{
    struct work *w = arg;
    while (atomic_load(&w->done) < atomic_load(&w->wanted))
        fiber_yield();
    return OK;
}

static void
no_wake_is_missed(void **state)
{
    struct work *w = *state;
    background_start(w->background, "worker", worker, w);
    for (int i = 0; i < 1000; i++) {
        atomic_fetch_add(&w->wanted, 1);
        background_wake(w->background, "worker");
        assert_int_equal(runtime_call(w->runtime, done_wait, w), OK);
    }
    background_stop(w->background);
    background_free(w->background);
    assert_int_equal(w->ended, 1);
}

static void
all_have_ended_when_it_is_freed(void **state)
{
    struct work *w = *state;
    for (int i = 0; i < FIBERS; i++)
        background_start(w->background, "worker", worker, w);
    background_stop(w->background);
    background_free(w->background);
    // Those that had not begun were not run.
    assert_in_range(w->ended, 0, FIBERS);
}

static void
nothing_need_have_been_started(void **state)
{
    struct work *w = *state;
    background_stop(w->background);
    background_free(w->background);
}

static void
short_job(struct background_job *job, void *arg)
{
    struct work *w = arg;
    atomic_fetch_add(&w->done, 1);
}

static void
more_fibers_than_a_loop_has_start_later(void **state)
{
    struct work *w = calloc(1, sizeof(*w));
    struct runtime_options options = {.loops = 1, .fibers_max = 4};
    assert_int_equal(runtime_new(&options, &w->runtime), OK);
    w->background = background_new(w->runtime);
    atomic_store(&w->wanted, 16);
    for (int i = 0; i < 16; i++)
        background_start(w->background, "short", short_job, w);
    // This takes a fiber, too.
    while (runtime_call(w->runtime, done_wait, w) == E_LIMIT)
        ;
    assert_int_equal(w->done, 16);
    background_stop(w->background);
    background_free(w->background);
    runtime_free(w->runtime);
    free(w);
}

// Finds something in each of its first looks, so that the other has work, too.
static void
finder(struct background_job *job, void *arg)
{
    struct work *w = arg;
    struct lot_ticket ticket;
    int code;
    do {
        background_enter(job, &ticket);
        if (atomic_load(&w->done) < atomic_load(&w->wanted)) {
            atomic_fetch_add(&w->done, 1);
            background_worked(job);
        }
        code = background_wait(job, &ticket, DEADLINE_NEVER);
    } while (code != E_CANCELLED);
}

static int
settle(void *arg)
{
    struct work *w = arg;
    return background_settle(w->background, DEADLINE_NEVER);
}

static void
settled_when_nobody_finds_anything(void **state)
{
    struct work *w = *state;
    assert_int_equal(runtime_call(w->runtime, settle, w), OK); // there is nobody
    background_start(w->background, "finder", finder, w);
    background_start(w->background, "other finder", finder, w);
    for (int wanted = 10; wanted <= 100; wanted += 10) {
        atomic_store(&w->wanted, wanted);
        assert_int_equal(runtime_call(w->runtime, settle, w), OK);
        assert_in_range(w->done, wanted, wanted + 1);
    }
    background_stop(w->background);
    background_free(w->background);
}

static void
restless(struct background_job *job, void *arg)
{
    struct lot_ticket ticket;
    int code;
    do {
        background_enter(job, &ticket);
        background_worked(job);
        code = background_wait(job, &ticket, DEADLINE_NEVER);
    } while (code != E_CANCELLED);
}

static int
settle_soon(void *arg)
{
    struct work *w = arg;
    return background_settle(w->background, deadline_in_ms(w->runtime, 50));
}

static void
aloof(struct background_job *job, void *arg)
{
    const struct work *w = arg;
    int code = OK;
    background_stand_apart(job);
    while (code == OK && !background_is_stopping(job))
        code = fiber_sleep_until(deadline_in_ms(w->runtime, 5));
}

static void
who_stands_apart_is_not_waited_for(void **state)
{
    struct work *w = *state;
    background_start(w->background, "finder", finder, w);
    background_start(w->background, "aloof", aloof, w);
    atomic_store(&w->wanted, 10);
    assert_int_equal(runtime_call(w->runtime, settle, w), OK);
    assert_in_range(w->done, 10, 11);
    background_stop(w->background);
    background_free(w->background);
}

static void
settling_ends_at_its_deadline(void **state)
{
    struct work *w = *state;
    background_start(w->background, "restless", restless, w);
    assert_int_equal(runtime_call(w->runtime, settle_soon, w), E_TIMEOUT);
    background_stop(w->background);
    background_free(w->background);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_wake_is_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(all_have_ended_when_it_is_freed, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_need_have_been_started, setup, teardown),
        cmocka_unit_test_setup_teardown(settled_when_nobody_finds_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(who_stands_apart_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(settling_ends_at_its_deadline, setup, teardown),
        cmocka_unit_test(more_fibers_than_a_loop_has_start_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
