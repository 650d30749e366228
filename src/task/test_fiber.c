// Tests of fibers: switching, waking from everywhere, deadlines, cancelling, limits.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/fiber.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FAR_MS = 20000 }; // a deadline that only a broken test reaches

struct fixture {
    struct runtime *rt;
    struct fiber *a;
    struct fiber *b;
    int count;
    atomic_int ended;
    atomic_int shared;
};

static void
with_runtime(struct fixture *x, const struct runtime_options *options, int (*fn)(void *))
{
    assert_int_equal(runtime_new(options, &x->rt), OK);
    assert_int_equal(runtime_call(x->rt, fn, x), OK);
    runtime_free(x->rt);
}

static int64_t
far(const struct fixture *x)
{
    return deadline_in_ms(x->rt, FAR_MS);
}

// Yields until the value is there.
static void
await_int(atomic_int *value, int wanted)
{
    while (atomic_load(value) < wanted)
        fiber_yield();
}

enum { PING_PONGS = 10000 };

// Waits until the other has moved the ball on. In a loop: wakes may be spurious.
static void
await_ball(struct fixture *x, int wanted)
{
    while (atomic_load(&x->shared) < wanted)
        assert_int_equal(fiber_park(far(x), FIBER_CANCELLABLE), OK);
}

static void
ping(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < PING_PONGS; i++) {
        atomic_fetch_add(&x->shared, 1);
        fiber_wake(x->b);
        await_ball(x, 2 * i + 2);
    }
    atomic_fetch_add(&x->ended, 1);
}

static void
pong(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < PING_PONGS; i++) {
        await_ball(x, 2 * i + 1);
        x->count++;
        atomic_fetch_add(&x->shared, 1);
        fiber_wake(x->a);
    }
    atomic_fetch_add(&x->ended, 1);
}

static int
run_ping_pong(void *arg)
{
    struct fixture *x = arg;
    assert_int_equal(fiber_start(loop_current(), "ping", ping, x, &x->a), OK);
    assert_int_equal(fiber_start(loop_current(), "pong", pong, x, &x->b), OK);
    await_int(&x->ended, 2);
    assert_int_equal(x->count, PING_PONGS);
    return OK;
}

static void
two_fibers_play_ping_pong(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_ping_pong);
}

static void
use_stack_and_yield(void *arg)
{
    struct fixture *x = arg;
    volatile unsigned char bytes[8192];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i ^ (uintptr_t)&bytes);
    fiber_yield();
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], (unsigned char)(i ^ (uintptr_t)&bytes));
    atomic_fetch_add(&x->ended, 1);
}

static int
run_many_stacks(void *arg)
{
    struct fixture *x = arg;
    for (int round = 0; round < 2; round++) {
        atomic_store(&x->ended, 0);
        for (int i = 0; i < 600; i++)
            assert_int_equal(fiber_start(loop_current(), "stack", use_stack_and_yield, x, NULL),
                             OK);
        await_int(&x->ended, 600);
        fiber_yield();
    }
    struct fiber_stats stats;
    fiber_stats_get(x->rt, &stats);
    assert_int_equal(stats.live, 1);
    assert_int_equal(stats.live_max, 601);
    assert_true(stats.stacks <= 257); // this one and the pool
    assert_true(stats.switches > 2400);
    return OK;
}

static void
stacks_are_separate_and_surplus_ones_are_given_back(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_many_stacks);
}

static void
park_for_ever(void *arg)
{
    struct fixture *x = arg;
    assert_int_equal(fiber_park(DEADLINE_NEVER, FIBER_CANCELLABLE), E_CANCELLED);
    atomic_fetch_add(&x->ended, 1);
}

static int
run_limit(void *arg)
{
    struct fixture *x = arg;
    struct fiber *waiting[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(fiber_start(loop_current(), "waits", park_for_ever, x, &waiting[i]), OK);
    assert_int_equal(fiber_start(loop_current(), "surplus", park_for_ever, x, NULL), E_LIMIT);
    fiber_yield();
    fiber_cancel(waiting[0]);
    await_int(&x->ended, 1);
    assert_int_equal(fiber_start(loop_current(), "fits", park_for_ever, x, NULL), OK);
    return OK; // the other two are cancelled by runtime_free
}

static void
the_number_of_fibers_is_limited(void **state)
{
    struct fixture x = {0};
    with_runtime(&x, &(struct runtime_options){.loops = 1, .fibers_max = 3}, run_limit);
    assert_int_equal(atomic_load(&x.ended), 3);
}

static int
run_permit(void *arg)
{
    struct fixture *x = arg;
    fiber_wake(fiber_self());
    fiber_wake(fiber_self());
    assert_int_equal(fiber_park(far(x), FIBER_CANCELLABLE), OK);
    // Two wakes before one park are one permit.
    assert_int_equal(fiber_park(deadline_in_ms(x->rt, 1), FIBER_CANCELLABLE), E_TIMEOUT);
    return OK;
}

static void
a_wake_before_the_park_is_kept(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_permit);
}

static int
run_deadlines(void *arg)
{
    struct fixture *x = arg;
    int64_t deadline = deadline_in_ms(x->rt, 3);
    assert_int_equal(fiber_park(deadline, FIBER_UNCANCELLABLE), E_TIMEOUT);
    assert_true(clock_mono_ns(x->rt) >= deadline);
    assert_int_equal(fiber_park(0, FIBER_CANCELLABLE), E_TIMEOUT); // long ago
    deadline = deadline_in_ms(x->rt, 2);
    fiber_wake(fiber_self()); // does not cut the sleep short
    assert_int_equal(fiber_sleep_until(deadline), OK);
    assert_true(clock_mono_ns(x->rt) >= deadline);
    return OK;
}

static void
deadlines_end_a_park(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_deadlines);
}

static void
wait_both_ways(void *arg)
{
    struct fixture *x = arg;
    assert_int_equal(fiber_park(far(x), FIBER_UNCANCELLABLE), OK);
    x->count++;
    assert_int_equal(fiber_park(far(x), FIBER_CANCELLABLE), E_CANCELLED);
    assert_int_equal(fiber_sleep_until(far(x)), E_CANCELLED);
    atomic_fetch_add(&x->ended, 1);
}

static int
run_cancel(void *arg)
{
    struct fixture *x = arg;
    assert_int_equal(fiber_start(loop_current(), "waits", wait_both_ways, x, &x->a), OK);
    fiber_yield();
    fiber_cancel(x->a);
    for (int i = 0; i < 10; i++)
        fiber_yield();
    assert_int_equal(x->count, 0); // its outcome must be known
    fiber_wake(x->a);
    await_int(&x->ended, 1);
    return OK;
}

static void
cancel_ends_cancellable_waits_only(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_cancel);
}

enum { FOREIGN_WAKES = 100000, FOREIGN_THREADS = 2 };

static void *
foreign_waker(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < FOREIGN_WAKES / FOREIGN_THREADS; i++) {
        atomic_fetch_add(&x->shared, 1);
        fiber_wake(x->a);
    }
    return NULL;
}

static int
run_foreign_wakes(void *arg)
{
    struct fixture *x = arg;
    pthread_t threads[FOREIGN_THREADS];
    x->a = fiber_self();
    for (int i = 0; i < FOREIGN_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, foreign_waker, x), 0);
    while (atomic_load(&x->shared) < FOREIGN_WAKES)
        assert_int_equal(fiber_park(far(x), FIBER_CANCELLABLE), OK);
    for (int i = 0; i < FOREIGN_THREADS; i++)
        pthread_join(threads[i], NULL);
    return OK;
}

static void
wakes_of_other_threads_are_not_lost(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_foreign_wakes);
}

// A waker that loses the race against the end of the fiber that it wakes.
struct relay {
    struct fixture *x;
    struct fiber *fiber;
    atomic_bool is_done;
};

static void
relay_done(void *arg)
{
    struct relay *r = arg;
    struct fiber *fiber = r->fiber;
    atomic_store(&r->is_done, true);
    fiber_wake(fiber);
}

static void
relay_main(void *arg)
{
    struct fixture *x = arg;
    struct relay r = {.fiber = fiber_self()};
    loop_post(runtime_loop(x->rt, 1), relay_done, &r);
    while (!atomic_load(&r.is_done))
        fiber_yield(); // sees it before the wake comes
    atomic_fetch_add(&x->ended, 1);
}

static int
run_late_wakes(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(fiber_start(loop_current(), "relay", relay_main, x, NULL), OK);
        await_int(&x->ended, i + 1);
    }
    return OK;
}

static void
a_wake_may_come_after_the_end(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 2}, run_late_wakes);
}

static void
start_on_other_loop(void *arg)
{
    struct fixture *x = arg;
    assert_int_equal(fiber_start(loop_current(), "pong", pong, x, &x->b), OK);
    assert_int_equal(loop_index(fiber_loop(x->b)), 1);
    atomic_fetch_add(&x->ended, 1);
}

static int
run_across_loops(void *arg)
{
    struct fixture *x = arg;
    x->a = fiber_self();
    loop_post(runtime_loop(x->rt, 1), start_on_other_loop, x);
    await_int(&x->ended, 1);
    ping(x);
    await_int(&x->ended, 3);
    return OK;
}

static void
loops_play_ping_pong(void **state)
{
    struct fixture x = {0};
    with_runtime(&x, &(struct runtime_options){.loops = 2}, run_across_loops);
    assert_int_equal(x.count, PING_PONGS);
}

static void
overflow_the_stack(void *arg)
{
    volatile char frame[4096];
    frame[0] = *(char *)arg;
    if (frame[0] == 0)
        overflow_the_stack(arg);
    frame[1] = frame[0]; // no tail call
}

static int
run_overflow(void *arg)
{
    struct fixture *x = arg;
    char zero = 0;
    signal(SIGSEGV, SIG_DFL); // instead of cmocka's or a sanitizer's handler
    assert_int_equal(fiber_start(loop_current(), "deep", overflow_the_stack, &zero, NULL), OK);
    return fiber_sleep_until(far(x));
}

static void
an_overflow_meets_the_guard(void **state)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_overflow);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static int
run_stack_use(void *arg)
{
    struct fixture *x = arg;
    struct fiber_stats stats;
    assert_int_equal(fiber_start(loop_current(), "stack", use_stack_and_yield, x, NULL), OK);
    await_int(&x->ended, 1);
    fiber_yield();
    fiber_stats_get(x->rt, &stats);
#ifdef __SANITIZE_ADDRESS__
    assert_true(stats.stack_used_max >= 8192);
#endif
    assert_true(stats.stack_used_max < 1024 * 1024);
    return OK;
}

static void
the_use_of_stacks_is_measured(void **state)
{
    with_runtime(&(struct fixture){0}, &(struct runtime_options){.loops = 1}, run_stack_use);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_fibers_play_ping_pong),
        cmocka_unit_test(stacks_are_separate_and_surplus_ones_are_given_back),
        cmocka_unit_test(the_number_of_fibers_is_limited),
        cmocka_unit_test(a_wake_before_the_park_is_kept),
        cmocka_unit_test(deadlines_end_a_park),
        cmocka_unit_test(cancel_ends_cancellable_waits_only),
        cmocka_unit_test(wakes_of_other_threads_are_not_lost),
        cmocka_unit_test(a_wake_may_come_after_the_end),
        cmocka_unit_test(loops_play_ping_pong),
        cmocka_unit_test(the_use_of_stacks_is_measured),
        cmocka_unit_test(an_overflow_meets_the_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
