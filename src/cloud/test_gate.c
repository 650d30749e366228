// Who waits at the gate, for how long, and who is sent away.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { CALLS = 8 };

struct fixture {
    struct runtime *rt;
    struct gate gate;
    struct budget budget;
    int work_ms;      // what a call that has passed keeps the loop busy for
    bool is_kept_off; // or off the processor
    int started, passed, shed;
    int order[CALLS]; // who was sent away or passed, as it came: positive or negative
    int ended;
    int others; // turns of a fiber that does not wait at the gate
};

static void
keep_busy(struct fixture *f, int ms)
{
    int64_t end_ns = clock_thread_ns(f->rt) + ms * INT64_C(1000000);
    if (f->is_kept_off)
        usleep((unsigned)ms * 1000);
    while (!f->is_kept_off && clock_thread_ns(f->rt) < end_ns)
        ;
}

static void
call(void *arg)
{
    struct fixture *f = arg;
    int number = ++f->started;
    bool has_passed = gate_pass(&f->gate, f->rt, &f->budget, 0) == OK;
    f->order[f->ended++] = has_passed ? number : -number;
    if (!has_passed) {
        f->shed++;
        return;
    }
    f->passed++;
    keep_busy(f, f->work_ms);
    budget_give(&f->budget, 0);
}

static void
start_calls(struct fixture *f)
{
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(fiber_start(loop_current(), "call", call, f, NULL), OK);
}

static int
wait_for_calls(void *arg)
{
    struct fixture *f = arg;
    start_calls(f);
    while (f->ended < CALLS) {
        f->others++;
        fiber_yield();
    }
    return OK;
}

static void
run(struct fixture *f, int (*fn)(void *arg))
{
    struct runtime_options options = {.loops = 1};
    assert_int_equal(runtime_new(&options, &f->rt), OK);
    TAILQ_INIT(&f->gate.waiting);
    assert_int_equal(runtime_call(f->rt, fn, f), OK);
    runtime_free(f->rt);
    assert_int_equal(f->budget.requests, 0);
    assert_int_equal(f->passed + f->shed, CALLS);
    assert_int_equal(f->gate.shed, f->shed);
    assert_true(TAILQ_EMPTY(&f->gate.waiting));
}

// Each call takes more than a slice: the others wait for later turns, in order, and somebody who
// is no new call has its turn between any two.
static void
test_order(void **state)
{
    struct fixture f = {.budget = {.requests_max = 100, .bytes_max = SIZE_MAX}, .work_ms = 3};
    run(&f, wait_for_calls);
    assert_int_equal(f.shed, 0);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(f.order[i], i + 1);
    assert_true(f.others >= CALLS - 1);
}

// What a queue that stays costs is not a wait for all: those who came first go away.
static void
test_too_old(void **state)
{
    struct fixture f = {.budget = {.requests_max = 100, .bytes_max = SIZE_MAX},
                        .work_ms = GATE_BUSY_AFTER_MS + GATE_BUSY_WAIT_MS_MAX};
    run(&f, wait_for_calls);
    assert_int_equal(f.order[0], 1);
    assert_in_range(f.passed, 1, 3);
    assert_true(f.shed >= CALLS - 3);
}

// A machine that is busy with something else is no reason to send anybody away.
static void
test_kept_off(void **state)
{
    struct fixture f = {.budget = {.requests_max = 100, .bytes_max = SIZE_MAX},
                        .is_kept_off = true,
                        .work_ms = (GATE_BUSY_AFTER_MS + 2 * GATE_BUSY_WAIT_MS_MAX) / CALLS};
    run(&f, wait_for_calls);
    assert_int_equal(f.shed, 0);
}

// With room for three, the three that came last are served, and those before them sent away.
static void
test_budget(void **state)
{
    struct fixture f = {.budget = {.requests_max = 3, .bytes_max = SIZE_MAX}, .work_ms = 3};
    run(&f, wait_for_calls);
    assert_int_equal(f.passed, 4); // the first was through before the others came
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(f.order[i], i == 0 || i >= CALLS - 3 ? i + 1 : -(i + 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_too_old),
        cmocka_unit_test(test_kept_off),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
