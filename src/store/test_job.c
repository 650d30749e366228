// Tests of leases and of jobs: exactly one works, and another takes over.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/ways_fixture.h"

#include <stdatomic.h>

enum { SHORT_LEASE_MS = 100 };

struct pair {
    struct lease first, second;
};

static void
pair_init(struct fixture *f, struct pair *p)
{
    lease_init(&p->first, f->runtime, f->kv, "work");
    lease_init(&p->second, f->runtime, f->kv, "work");
    p->first.lease_ms = p->second.lease_ms = SHORT_LEASE_MS;
}

static void
sleep_ms(struct fixture *f, int64_t ms)
{
    CHECK(fiber_sleep_until(deadline_in_ms(f->runtime, ms)) == OK);
}

static int
check_body(struct kv_txn *txn, void *arg)
{
    return lease_check(arg, txn);
}

static int
check(struct fixture *f, struct lease *l)
{
    return ways_run((struct ways *)f, check_body, l);
}

static void
held_by_one(struct fixture *f)
{
    struct pair p;
    pair_init(f, &p);
    p.first.lease_ms = p.second.lease_ms = LEASE_MS;
    CHECK(!lease_is_held(&p.first));
    CHECK(lease_try(&p.first) == OK && lease_is_held(&p.first));
    CHECK(lease_try(&p.second) == E_EXISTS && !lease_is_held(&p.second));
    CHECK(lease_try(&p.first) == OK); // renewed
    CHECK(lease_try(&p.second) == E_EXISTS);
    CHECK(check(f, &p.first) == OK);
    lease_release(&p.first);
    CHECK(check(f, &p.first) == E_CANCELLED);
    CHECK(lease_try(&p.second) == OK && p.second.term == p.first.term + 1);
    CHECK(lease_try(&p.first) == E_EXISTS);
}

static void
kept_by_renewing(struct fixture *f)
{
    struct pair p;
    pair_init(f, &p);
    CHECK(lease_try(&p.first) == OK);
    for (int i = 0; i < 10; i++) {
        CHECK(lease_try(&p.second) == E_EXISTS);
        sleep_ms(f, SHORT_LEASE_MS / 4);
        CHECK(lease_try(&p.first) == OK);
    }
}

// Its holder is silent: whoever has watched for long enough takes it, and the old one is fenced.
static void
taken_when_it_expires(struct fixture *f)
{
    struct pair p;
    pair_init(f, &p);
    CHECK(lease_try(&p.first) == OK);
    CHECK(lease_try(&p.second) == E_EXISTS);
    sleep_ms(f, SHORT_LEASE_MS + 20);
    CHECK(!lease_is_held(&p.first));
    CHECK(lease_try(&p.second) == OK && p.second.term == p.first.term + 1);
    CHECK(check(f, &p.first) == E_CANCELLED && check(f, &p.second) == OK);
    CHECK(lease_try(&p.first) == E_EXISTS);
}

// Who comes late has to watch first, however old the lease is.
static void
never_taken_at_first_sight(struct fixture *f)
{
    struct pair p;
    pair_init(f, &p);
    CHECK(lease_try(&p.first) == OK);
    sleep_ms(f, 2 * SHORT_LEASE_MS);
    CHECK(lease_try(&p.second) == E_EXISTS);
}

#define LEASE_TEST(name)                                                                           \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }
LEASE_TEST(held_by_one)
LEASE_TEST(kept_by_renewing)
LEASE_TEST(taken_when_it_expires)
LEASE_TEST(never_taken_at_first_sight)

struct worker {
    atomic_int *at_once;
    atomic_int most;
    atomic_int steps;
};

// Says when two are in it.
static int
worker_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct worker *w = arg;
    int now = atomic_fetch_add(w->at_once, 1) + 1;
    if (now > atomic_load(&w->most))
        atomic_store(&w->most, now);
    fiber_yield();
    atomic_fetch_sub(w->at_once, 1);
    *again_ns = DEADLINE_NEVER;
    return atomic_fetch_add(&w->steps, 1) % 5 == 4 ? E_NOT_FOUND : OK;
}

static bool
has_stepped(struct ways *w, void *arg)
{
    struct worker *workers = arg;
    job_wake(w->background, "steady");
    return atomic_load(&workers[0].steps) + atomic_load(&workers[1].steps) >= 50;
}

// Two processes on one store, as far as the job can see.
static void
one_process_works(void **state)
{
    struct ways *w = *state;
    atomic_int at_once = 0;
    struct worker workers[2] = {{.at_once = &at_once}, {.at_once = &at_once}};
    w->options.is_shared = true;
    for (int i = 0; i < 2; i++)
        job_start(&w->options, "steady", worker_step, &workers[i]);
    ways_until(w, has_stepped, workers);
    ways_stop(w);
    assert_true((workers[0].steps == 0) != (workers[1].steps == 0));
    assert_int_equal(workers[0].most + workers[1].most, 1);
}

static int
failing_step(struct job *job, void *arg, int64_t *again_ns)
{
    atomic_int *steps = arg;
    return atomic_fetch_add(steps, 1) == 0 ? E_FULL : E_NOT_FOUND;
}

static bool
has_tried_again(struct ways *w, void *arg)
{
    return atomic_load((atomic_int *)arg) >= 2;
}

static void
tried_again_after_a_failure(void **state)
{
    struct ways *w = *state;
    atomic_int steps = 0;
    w->store.log.level_min = LOG_ERROR;
    job_start(&w->options, "failing", failing_step, &steps);
    ways_until(w, has_tried_again, &steps);
    ways_stop(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(test_held_by_one),           ON_EACH(test_kept_by_renewing),
        ON_EACH(test_taken_when_it_expires), ON_EACH(test_never_taken_at_first_sight),
        ON_EACH(one_process_works),          ON_EACH(tried_again_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
