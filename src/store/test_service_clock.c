// Tests of the service clock: moves settle what is due, and survive a restart.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/service_clock.h"

#include "src/store/alarm.h"
#include "src/store/ways_fixture.h"

#include <stdatomic.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct moving {
    struct ways *ways;
    struct clock_keeper *keeper;
    int64_t delta_ms;
};

static int
open_main(void *arg)
{
    struct moving *m = arg;
    return clock_keeper_open(&m->ways->options, &m->keeper);
}

static void
keeper_open(struct moving *m)
{
    assert_int_equal(runtime_call(m->ways->store.runtime, open_main, m), OK);
}

static int
move_main(void *arg)
{
    struct moving *m = arg;
    return clock_keeper_move(m->keeper, m->delta_ms, deadline_in_ms(m->ways->store.runtime, 30000));
}

static int
move(struct moving *m, int64_t delta_ms)
{
    m->delta_ms = delta_ms;
    return runtime_call(m->ways->store.runtime, move_main, m);
}

static int64_t
ahead_days(struct moving *m)
{
    struct runtime *rt = m->ways->store.runtime;
    int64_t ahead_ms = clock_service_ms(rt) - clock_wall_ms(rt);
    return (ahead_ms + (ahead_ms < 0 ? -DAY_MS : DAY_MS) / 2) / DAY_MS;
}

static void
count_move(void *arg)
{
    ++*(int *)arg;
}

static void
moves_add_up_and_are_told(void **state)
{
    struct moving m = {.ways = *state};
    int told = 0;
    keeper_open(&m);
    clock_listen(m.keeper, count_move, &told);
    assert_int_equal(ahead_days(&m), 0);
    assert_int_equal(move(&m, 3LL * DAY_MS), OK);
    assert_int_equal(move(&m, -5LL * DAY_MS), OK);
    assert_int_equal(ahead_days(&m), -2);
    assert_int_equal(told, 2);
    assert_int_equal(move(&m, INT64_MAX), E_INVALID);
    assert_int_equal(move(&m, INT64_MIN), E_INVALID);
    assert_int_equal(move(&m, -80LL * 365 * DAY_MS), E_INVALID);
    assert_int_equal(ahead_days(&m), -2);
    ways_stop(m.ways);
    clock_keeper_free(m.keeper);
}

static void
a_moved_clock_stays_moved(void **state)
{
    struct moving m = {.ways = *state};
    keeper_open(&m);
    assert_int_equal(move(&m, 7LL * DAY_MS), OK);
    if (!m.ways->store.is_durable) {
        ways_stop(m.ways);
        clock_keeper_free(m.keeper);
        return;
    }
    ways_reopen(m.ways);
    clock_keeper_free(m.keeper);
    clock_service_set(m.ways->store.runtime, 0); // as a new process begins
    keeper_open(&m);
    assert_int_equal(ahead_days(&m), 7);
    ways_stop(m.ways);
    clock_keeper_free(m.keeper);
}

struct chain {
    struct alarms *alarms;
};

// Each alarm sets the next, a day later, seven times.
static int
ring(void *arg, struct kv_txn *txn, const struct alarm *alarm)
{
    struct chain *c = arg;
    struct alarm next = {alarm->service, STR("xxxxxxx"), alarm->due_ms + DAY_MS};
    next.id.len = alarm->id.len - 1;
    TRY(kv_add(txn, STR("rang"), 1));
    return alarm->id.len > 1 ? alarm_set(c->alarms, txn, &next) : OK;
}

static int
first_body(struct kv_txn *txn, void *arg)
{
    struct chain *c = arg;
    int64_t due_ms = 1000; // long ago: the whole chain is due
    return alarm_set(c->alarms, txn, &(struct alarm){STR("chain"), STR("xxxxxxx"), due_ms});
}

// What becomes due by what was done about something due is done, too, before the move returns.
static void
a_move_returns_when_nothing_is_due(void **state)
{
    struct moving m = {.ways = *state};
    struct chain c = {alarms_new(&m.ways->options)};
    keeper_open(&m);
    alarms_handle(c.alarms, "chain", ring, &c);
    assert_int_equal(ways_run(m.ways, first_body, &c), OK);
    alarms_start(c.alarms);
    assert_int_equal(move(&m, DAY_MS), OK);
    assert_int_equal(ways_counter(m.ways, STR("rang")), 7);
    ways_stop(m.ways);
    alarms_free(c.alarms);
    clock_keeper_free(m.keeper);
}

static void
note_move(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
}

static bool
has_followed(struct ways *w, void *arg)
{
    return atomic_load((atomic_bool *)arg);
}

// Two keepers are the two processes here.
static void
other_processes_follow(void **state)
{
    struct moving m = {.ways = *state}, other = {.ways = *state};
    atomic_bool is_told = false;
    m.ways->options.is_shared = true;
    keeper_open(&m);
    keeper_open(&other);
    clock_listen(other.keeper, note_move, &is_told);
    assert_int_equal(move(&m, DAY_MS), OK);
    ways_until(m.ways, has_followed, &is_told);
    ways_stop(m.ways);
    clock_keeper_free(m.keeper);
    clock_keeper_free(other.keeper);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(moves_add_up_and_are_told),
        ON_EACH(a_moved_clock_stays_moved),
        ON_EACH(a_move_returns_when_nothing_is_due),
        ON_EACH(other_processes_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
