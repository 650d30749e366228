// Tests of the parking lot: order, counts, passing on, races across loops.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/lot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FAR_MS = 20000, WAITERS = 20 };

struct fixture {
    struct runtime *rt;
    struct lot *lot;
    atomic_int entered;
    atomic_int ended;
    atomic_int order[WAITERS]; // the numbers of the woken, in the order they went on
    atomic_int woken;
    atomic_int items;
};

struct waiter {
    struct fixture *x;
    int number;
    bool uses;
    int64_t deadline_ns;
    int expected;
    struct fiber *fiber;
};

static void
with_lot(int loops, int (*fn)(void *))
{
    struct fixture x = {.lot = lot_new()};
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = loops}, &x.rt), OK);
    assert_int_equal(runtime_call(x.rt, fn, &x), OK);
    runtime_free(x.rt);
    lot_free(x.lot); // checks that nothing is left in it
}

static void
await(atomic_int *value, int wanted)
{
    while (atomic_load(value) < wanted)
        fiber_yield();
}

static void
wait_once(void *arg)
{
    struct waiter *w = arg;
    struct fixture *x = w->x;
    struct lot_ticket ticket;
    lot_enter(x->lot, STR("key"), &ticket);
    atomic_fetch_add(&x->entered, 1);
    int code = lot_wait(&ticket, w->deadline_ns);
    assert_int_equal(code, w->expected);
    if (code == OK) {
        atomic_store(&x->order[atomic_load(&x->woken)], w->number); // one at a time
        atomic_fetch_add(&x->woken, 1);
    }
    lot_leave(&ticket, w->uses);
    atomic_fetch_add(&x->ended, 1);
}

static void
start_waiter(void *arg)
{
    struct waiter *w = arg;
    assert_int_equal(fiber_start(loop_current(), "waiter", wait_once, w, &w->fiber), OK);
}

// Each in its place before the next one comes, on the loops in turn.
static void
start_waiters(struct fixture *x, struct waiter *waiters, int n)
{
    int loops = runtime_loop_count(x->rt);
    for (int i = 0; i < n; i++) {
        waiters[i].x = x;
        waiters[i].number = i;
        if (waiters[i].deadline_ns == 0)
            waiters[i].deadline_ns = deadline_in_ms(x->rt, FAR_MS);
        loop_post(runtime_loop(x->rt, i % loops), start_waiter, &waiters[i]);
        await(&x->entered, i + 1);
    }
}

static int
run_order(void *arg)
{
    struct fixture *x = arg;
    struct waiter waiters[WAITERS] = {0};
    for (int i = 0; i < WAITERS; i++)
        waiters[i].uses = true;
    start_waiters(x, waiters, WAITERS);
    assert_int_equal(lot_wake(x->lot, STR("other"), 5), 0);
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(lot_wake(x->lot, STR("key"), 1), 1);
        await(&x->woken, i + 1); // exactly one, and the first
        assert_int_equal(atomic_load(&x->order[i]), i);
        assert_int_equal(atomic_load(&x->woken), i + 1);
    }
    await(&x->ended, WAITERS);
    assert_int_equal(lot_wake(x->lot, STR("key"), 1), 0);
    return OK;
}

static void
waiters_of_all_loops_are_woken_in_order(void **state)
{
    with_lot(2, run_order);
}

static int
run_counts(void *arg)
{
    struct fixture *x = arg;
    struct waiter waiters[5] = {0};
    for (int i = 0; i < 5; i++)
        waiters[i].uses = true;
    start_waiters(x, waiters, 5);
    // Those that were woken and have not run yet do not count again.
    assert_int_equal(lot_wake(x->lot, STR("key"), 0), 0);
    assert_int_equal(lot_wake(x->lot, STR("key"), 2), 2);
    assert_int_equal(lot_wake(x->lot, STR("key"), 9), 3);
    assert_int_equal(lot_wake(x->lot, STR("key"), 1), 0);
    await(&x->ended, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(atomic_load(&x->order[i]), i);
    return OK;
}

static void
as_many_as_asked_for_are_woken(void **state)
{
    with_lot(1, run_counts);
}

static int
run_passing_on(void *arg)
{
    struct fixture *x = arg;
    struct waiter waiters[4] = {{.uses = false}, {.uses = false}, {.uses = true}, {.uses = true}};
    start_waiters(x, waiters, 4);
    assert_int_equal(lot_wake(x->lot, STR("key"), 1), 1);
    await(&x->ended, 3);
    for (int i = 0; i < 10; i++)
        fiber_yield();
    assert_int_equal(atomic_load(&x->ended), 3); // the third one used it
    assert_int_equal(lot_wake(x->lot, STR("key"), 1), 1);
    await(&x->ended, 4);
    return OK;
}

static void
an_unused_wake_goes_to_the_next(void **state)
{
    with_lot(2, run_passing_on);
}

static int
run_early_wake(void *arg)
{
    struct fixture *x = arg;
    struct lot_ticket ticket, gone;
    lot_enter(x->lot, STR("key"), &ticket);
    assert_int_equal(lot_wake(x->lot, STR("key"), 1), 1);
    assert_int_equal(lot_wait(&ticket, DEADLINE_NEVER), OK);
    lot_leave(&ticket, true);
    // One that leaves without having waited passes its wake on as well.
    lot_enter(x->lot, STR("key"), &gone);
    lot_enter(x->lot, STR("key"), &ticket);
    assert_int_equal(lot_wake(x->lot, STR("key"), 1), 1);
    lot_leave(&gone, false);
    assert_int_equal(lot_wait(&ticket, DEADLINE_NEVER), OK);
    lot_leave(&ticket, true);
    return OK;
}

static void
a_wake_before_the_wait_counts(void **state)
{
    with_lot(1, run_early_wake);
}

static int
run_ends(void *arg)
{
    struct fixture *x = arg;
    struct waiter waiters[3] = {
        {.expected = E_TIMEOUT, .deadline_ns = 1}, {.expected = E_CANCELLED}, {.uses = true}};
    start_waiters(x, waiters, 3);
    await(&x->ended, 1);
    fiber_cancel(waiters[1].fiber);
    await(&x->ended, 2);
    assert_int_equal(lot_wake(x->lot, STR("key"), 1), 1); // for the one that is left
    await(&x->ended, 3);
    assert_int_equal(atomic_load(&x->order[0]), 2);
    return OK;
}

static void
who_gave_up_is_not_woken(void **state)
{
    with_lot(1, run_ends);
}

// Items and consumers on two loops, with deadlines that race with the wakes: no item may be left
// while anybody waits.
enum { ITEMS = 2000, CONSUMERS = 6 };

static bool
item_take(struct fixture *x)
{
    int n = atomic_load(&x->items);
    while (n > 0 && !atomic_compare_exchange_weak(&x->items, &n, n - 1))
        continue;
    return n > 0;
}

static void
consume(void *arg)
{
    struct fixture *x = arg;
    for (int round = 0; atomic_load(&x->woken) < ITEMS; round++) {
        struct lot_ticket ticket;
        lot_enter(x->lot, STR("items"), &ticket);
        bool used = item_take(x);
        if (!used) {
            int64_t deadline_ns = deadline_in_ms(x->rt, round % 3 == 0 ? 0 : FAR_MS);
            int code = lot_wait(&ticket, deadline_ns);
            used = code == OK && item_take(x);
        }
        lot_leave(&ticket, used);
        if (used && atomic_fetch_add(&x->woken, 1) == ITEMS - 1)
            (void)lot_wake(x->lot, STR("items"), CONSUMERS);
    }
    atomic_fetch_add(&x->ended, 1);
}

static void
start_consumer(void *arg)
{
    assert_int_equal(fiber_start(loop_current(), "consumer", consume, arg, NULL), OK);
}

static int
run_race(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < CONSUMERS; i++)
        loop_post(runtime_loop(x->rt, i % 2), start_consumer, x);
    for (int i = 0; i < ITEMS; i++) {
        atomic_fetch_add(&x->items, 1);
        (void)lot_wake(x->lot, STR("items"), 1);
        if (i % 7 == 0)
            fiber_yield();
    }
    // The last item ends everybody, the late ones by their deadlines at the latest.
    while (atomic_load(&x->ended) < CONSUMERS) {
        (void)lot_wake(x->lot, STR("items"), atomic_load(&x->woken) == ITEMS ? CONSUMERS : 0);
        fiber_yield();
    }
    assert_int_equal(atomic_load(&x->woken), ITEMS);
    return OK;
}

static void
no_wake_is_lost_in_races(void **state)
{
    with_lot(2, run_race);
}

static int
run_many_keys(void *arg)
{
    struct fixture *x = arg;
    static struct lot_ticket tickets[500];
    for (int i = 0; i < 500; i++)
        lot_enter(x->lot, (struct str){(const char *)&i, sizeof(i)}, &tickets[i]);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(lot_wake(x->lot, (struct str){(const char *)&i, sizeof(i)}, 9), 1);
        lot_leave(&tickets[i], true);
    }
    return OK;
}

static int
run_wake_all(void *arg)
{
    struct fixture *x = arg;
    struct lot_ticket tickets[100];
    for (int i = 0; i < 100; i++) {
        int key = i / 2;
        lot_enter(x->lot, (struct str){(const char *)&key, sizeof(key)}, &tickets[i]);
    }
    lot_wake_all(x->lot);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(lot_wait(&tickets[i], 0), OK);
        lot_leave(&tickets[i], true);
    }
    return OK;
}

static void
waiters_of_all_keys_are_woken(void **state)
{
    with_lot(1, run_wake_all);
}

static void
keys_are_apart_and_empty_queues_go(void **state)
{
    with_lot(1, run_many_keys);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_of_all_loops_are_woken_in_order),
        cmocka_unit_test(as_many_as_asked_for_are_woken),
        cmocka_unit_test(an_unused_wake_goes_to_the_next),
        cmocka_unit_test(a_wake_before_the_wait_counts),
        cmocka_unit_test(who_gave_up_is_not_woken),
        cmocka_unit_test(no_wake_is_lost_in_races),
        cmocka_unit_test(keys_are_apart_and_empty_queues_go),
        cmocka_unit_test(waiters_of_all_keys_are_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
