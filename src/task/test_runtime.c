// Tests of the runtime: loops, posts, the pool, the end, the clocks, random bytes.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/task/fiber.h"

struct fixture {
    struct runtime *rt;
    struct fiber *fiber;
    pthread_t caller;
    pthread_barrier_t barrier;
    int next;
    atomic_int count;
    atomic_int ended;
};

static struct runtime *
new_runtime(int loops)
{
    struct runtime *rt;
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = loops}, &rt), OK);
    return rt;
}

static void
a_system_that_refuses_is_an_error(void **state)
{
    struct runtime *rt = NULL;
    struct rlimit old, tight;
    int free_fd = dup(0);
    close(free_fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)free_fd + 3; // the first loop has room, the second one has not
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int code = runtime_new(&(struct runtime_options){.loops = 2}, &rt);
    assert_int_equal(errno, EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(code, E_IO);
    assert_null(rt);
}

static int
look_around(void *arg)
{
    struct runtime *rt = arg;
    assert_non_null(fiber_self());
    assert_ptr_equal(loop_current(), runtime_loop(rt, 0));
    assert_ptr_equal(loop_runtime(loop_current()), rt);
    return E_FULL;
}

static void
a_call_runs_in_a_fiber_of_loop_0(void **state)
{
    struct runtime *rt = new_runtime(3);
    assert_int_equal(runtime_loop_count(rt), 3);
    assert_int_equal(loop_index(runtime_loop(rt, 2)), 2);
    assert_null(loop_current());
    assert_null(fiber_self());
    assert_int_equal(runtime_call(rt, look_around, rt), E_FULL);
    runtime_free(rt);
    runtime_free(NULL);
}

static void
there_is_a_loop_for_each_core(void **state)
{
    struct runtime *rt = new_runtime(0);
    assert_true(runtime_loop_count(rt) >= 1);
    assert_true(runtime_loop_count(rt) <= sysconf(_SC_NPROCESSORS_ONLN));
    runtime_free(rt);
}

enum { POSTS = 1000 };
struct numbered {
    struct fixture *x;
    int number;
};

static void
note_order(void *arg)
{
    struct numbered *n = arg;
    assert_null(fiber_self());
    assert_int_equal(n->number, n->x->next++);
}

static int
nothing(void *arg)
{
    return OK;
}

static void
posts_run_in_order(void **state)
{
    struct fixture x = {.rt = new_runtime(1)};
    static struct numbered posts[POSTS];
    for (int i = 0; i < POSTS; i++) {
        posts[i] = (struct numbered){&x, i};
        loop_post(runtime_loop(x.rt, 0), note_order, &posts[i]);
    }
    assert_int_equal(runtime_call(x.rt, nothing, NULL), OK);
    assert_int_equal(x.next, POSTS);
    runtime_free(x.rt);
}

static void
meet(void *arg)
{
    struct fixture *x = arg;
    assert_null(loop_current());
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGTERM), 1);
    pthread_barrier_wait(&x->barrier); // only passes when as many jobs run at once
    atomic_fetch_add(&x->count, 1);
}

static void
meet_in_pool(void *arg)
{
    struct fixture *x = arg;
    pool_run(x->rt, meet, x);
    atomic_fetch_add(&x->ended, 1);
}

enum { POOL_THREADS = 4, POOL_JOBS = 40 };

static int
run_pool(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < POOL_JOBS; i++)
        assert_int_equal(fiber_start(loop_current(), "job", meet_in_pool, x, NULL), OK);
    while (atomic_load(&x->ended) < POOL_JOBS)
        assert_int_equal(fiber_sleep_until(deadline_in_ms(x->rt, 1)), OK);
    return OK;
}

static void
the_pool_runs_jobs_side_by_side(void **state)
{
    struct fixture x = {0};
    struct runtime_options options = {.loops = 1, .pool_threads = POOL_THREADS};
    assert_int_equal(runtime_new(&options, &x.rt), OK);
    pthread_barrier_init(&x.barrier, NULL, POOL_THREADS);
    assert_int_equal(runtime_call(x.rt, run_pool, &x), OK);
    assert_int_equal(atomic_load(&x.count), POOL_JOBS);
    runtime_free(x.rt);
    pthread_barrier_destroy(&x.barrier);
}

static void
note_thread(void *arg)
{
    struct fixture *x = arg;
    assert_true(pthread_equal(x->caller, pthread_self()));
    x->next++;
}

static void
outside_of_fibers_the_pool_is_a_call(void **state)
{
    struct fixture x = {.rt = new_runtime(1), .caller = pthread_self()};
    pool_run(x.rt, note_thread, &x);
    assert_int_equal(x.next, 1);
    runtime_free(x.rt);
}

// Fibers that lean on each other when the runtime ends: one waits for a job, one for another loop.
static void
wake_waiter(void *arg)
{
    struct fixture *x = arg;
    atomic_store(&x->count, 1);
    fiber_wake(x->fiber);
}

static void
wake_from_pool(void *arg)
{
    struct fixture *x = arg;
    usleep(20 * 1000); // so that the end has begun, most likely; either order must do
    wake_waiter(x);
}

static void
use_pool_when_cancelled(void *arg)
{
    struct fixture *x = arg;
    assert_int_equal(fiber_park(DEADLINE_NEVER, FIBER_CANCELLABLE), E_CANCELLED);
    pool_run(x->rt, wake_from_pool, x);
    atomic_fetch_add(&x->ended, 1);
}

static void
wait_for_other_loop(void *arg)
{
    struct fixture *x = arg;
    while (!atomic_load(&x->count))
        assert_int_equal(fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE), OK);
    atomic_fetch_add(&x->ended, 1);
}

static void
start_waiter(void *arg)
{
    struct fixture *x = arg;
    assert_int_equal(fiber_start(loop_current(), "waiter", wait_for_other_loop, x, &x->fiber), OK);
    atomic_fetch_add(&x->ended, 1);
}

static int
leave_fibers_behind(void *arg)
{
    struct fixture *x = arg;
    loop_post(runtime_loop(x->rt, 1), start_waiter, x);
    while (!atomic_load(&x->ended))
        fiber_yield();
    return fiber_start(loop_current(), "leans", use_pool_when_cancelled, x, NULL);
}

static void
the_end_waits_for_fibers_of_all_loops(void **state)
{
    struct fixture x = {.rt = new_runtime(2)};
    assert_int_equal(runtime_call(x.rt, leave_fibers_behind, &x), OK);
    runtime_free(x.rt);
    assert_int_equal(atomic_load(&x.ended), 3);
}

static void
clocks_run_and_the_service_clock_moves(void **state)
{
    struct runtime *rt = new_runtime(1);
    int64_t mono_ns = clock_mono_ns(rt);
    assert_true(clock_wall_ms(rt) > INT64_C(1577836800000)); // 2020
    assert_true(llabs(clock_service_ms(rt) - clock_wall_ms(rt)) < 60 * 1000);
    clock_service_move(rt, 3600 * 1000);
    clock_service_move(rt, 3600 * 1000);
    clock_service_move(rt, -3600 * 1000);
    assert_true(llabs(clock_service_ms(rt) - clock_wall_ms(rt) - 3600 * 1000) < 60 * 1000);
    assert_true(clock_mono_ns(rt) >= mono_ns);
    assert_true(deadline_in_ms(rt, 5) >= mono_ns + 5000000);
    assert_true(deadline_in_ms(rt, -5) <= clock_mono_ns(rt));
    assert_true(deadline_in_ms(rt, INT64_MAX) == DEADLINE_NEVER);
    assert_true(deadline_in_ms(rt, INT64_MIN) <= clock_mono_ns(rt));
    runtime_free(rt);
}

static int
check_random(void *arg)
{
    struct runtime *rt = arg;
    char a[UUID_BYTES], b[UUID_BYTES];
    unsigned char big[5000] = {0};
    size_t zeros = 0;
    uint64_t ones = 0, all = UINT64_MAX;
    for (int i = 0; i < 200; i++) { // passes over several draws of the cache
        random_uuid(rt, a);
        random_uuid(rt, b);
        assert_memory_not_equal(a, b, UUID_BYTES);
        for (int at = 0; at < UUID_BYTES; at++)
            assert_non_null(strchr(at == 14   ? "4"
                                   : at == 19 ? "89ab"
                                   : at == 8 || at == 13 || at == 18 || at == 23
                                       ? "-"
                                       : "0123456789abcdef",
                                   a[at]));
        uint64_t r = random_u64(rt);
        ones |= r;
        all &= r;
    }
    assert_true(ones == UINT64_MAX && all == 0);
    random_bytes(rt, big, sizeof(big));
    for (size_t i = 0; i < sizeof(big); i++)
        zeros += big[i] == 0;
    assert_true(zeros < 100); // about 20
    random_bytes(rt, big, 0);
    return OK;
}

static void
random_bytes_are_random_everywhere(void **state)
{
    struct runtime *rt = new_runtime(1);
    assert_int_equal(runtime_call(rt, check_random, rt), OK);
    assert_int_equal(check_random(rt), OK);
    runtime_free(rt);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_runs_in_a_fiber_of_loop_0),
        cmocka_unit_test(a_system_that_refuses_is_an_error),
        cmocka_unit_test(there_is_a_loop_for_each_core),
        cmocka_unit_test(posts_run_in_order),
        cmocka_unit_test(the_pool_runs_jobs_side_by_side),
        cmocka_unit_test(outside_of_fibers_the_pool_is_a_call),
        cmocka_unit_test(the_end_waits_for_fibers_of_all_loops),
        cmocka_unit_test(clocks_run_and_the_service_clock_moves),
        cmocka_unit_test(random_bytes_are_random_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
