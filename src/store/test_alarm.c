// Tests of alarms: each rings once, when it is due, also after a restart.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/alarm.h"

#include "src/store/ways_fixture.h"

#include <stdio.h>

enum { HOUR_MS = 3600 * 1000 };

// Counts how often each id rang, in the same transaction.
static int
count_ring(void *arg, struct kv_txn *txn, const struct alarm *alarm)
{
    struct fixture *f = arg;
    CHECK(alarm->due_ms <= clock_service_ms(f->runtime));
    return kv_add(txn, arena_print(kv_txn_arena(txn), "rang/" STR_FMT, STR_ARG(alarm->id)), 1);
}

struct setting {
    struct alarms *alarms;
    struct alarm alarm;
    bool is_deleted;
};

static int
set_body(struct kv_txn *txn, void *arg)
{
    const struct setting *s = arg;
    if (s->is_deleted)
        return alarm_del(txn, &s->alarm);
    return alarm_set(s->alarms, txn, &s->alarm);
}

static void
set(struct ways *w, struct alarms *as, const char *service, const char *id, int64_t due_ms)
{
    struct setting s = {as, {str_of(service), str_of(id), due_ms}, false};
    CHECK(ways_run(w, set_body, &s) == OK);
}

static struct alarms *
alarms_begin(struct ways *w)
{
    struct alarms *as = alarms_new(&w->options);
    alarms_handle(as, "svc", count_ring, &w->store);
    alarms_start(as);
    return as;
}

static int64_t
rang(struct ways *w, const char *id)
{
    char key[32];
    int len = snprintf(key, sizeof(key), "rang/%s", id);
    return ways_counter(w, (struct str){key, (size_t)len});
}

static bool
has_rung(struct ways *w, void *id)
{
    return rang(w, id) > 0;
}

static int
settle_main(void *arg)
{
    struct ways *w = arg;
    return background_settle(w->background, deadline_in_ms(w->store.runtime, 30000));
}

static void
settle(struct ways *w)
{
    assert_int_equal(runtime_call(w->store.runtime, settle_main, w), OK);
}

static void
they_ring_when_due(void **state)
{
    struct ways *w = *state;
    struct alarms *as = alarms_begin(w);
    int64_t now_ms = clock_service_ms(w->store.runtime);
    set(w, as, "svc", "past", now_ms - HOUR_MS);
    set(w, as, "svc", "soon", now_ms + 200);
    set(w, as, "svc", "later", now_ms + HOUR_MS);
    ways_until(w, has_rung, (void *)"soon");
    ways_until(w, has_rung, (void *)"past");
    settle(w);
    assert_int_equal(rang(w, "past"), 1);
    assert_int_equal(rang(w, "soon"), 1);
    assert_int_equal(rang(w, "later"), 0);
    ways_stop(w);
    alarms_free(as);
}

static void
they_follow_the_service_clock(void **state)
{
    struct ways *w = *state;
    struct alarms *as = alarms_begin(w);
    int64_t now_ms = clock_service_ms(w->store.runtime);
    for (int i = 1; i <= 200; i++) {
        char id[16];
        snprintf(id, sizeof(id), "h%d", i);
        set(w, as, "svc", id, now_ms + (int64_t)i * HOUR_MS);
    }
    settle(w);
    clock_service_move(w->store.runtime, 150LL * HOUR_MS + HOUR_MS / 2);
    settle(w);
    for (int i = 1; i <= 200; i++) {
        char id[16];
        snprintf(id, sizeof(id), "h%d", i);
        assert_int_equal(rang(w, id), i <= 150);
    }
    // Earlier than all that were read.
    set(w, as, "svc", "early", now_ms);
    ways_until(w, has_rung, (void *)"early");
    ways_stop(w);
    alarms_free(as);
}

static void
they_survive_a_restart(void **state)
{
    struct ways *w = *state;
    if (!w->store.is_durable)
        return;
    struct alarms *as = alarms_begin(w);
    int64_t now_ms = clock_service_ms(w->store.runtime);
    set(w, as, "svc", "kept", now_ms + HOUR_MS);
    ways_reopen(w);
    alarms_free(as);
    clock_service_move(w->store.runtime, 2LL * HOUR_MS);
    as = alarms_begin(w);
    ways_until(w, has_rung, (void *)"kept");
    settle(w);
    assert_int_equal(rang(w, "kept"), 1);
    ways_stop(w);
    alarms_free(as);
}

static void
taken_back_they_do_not_ring(void **state)
{
    struct ways *w = *state;
    struct alarms *as = alarms_begin(w);
    int64_t due_ms = clock_service_ms(w->store.runtime) + HOUR_MS;
    set(w, as, "svc", "one", due_ms);
    set(w, as, "svc", "other", due_ms);
    struct setting s = {as, {STR("svc"), STR("one"), due_ms}, true};
    assert_int_equal(ways_run(w, set_body, &s), OK);
    clock_service_move(w->store.runtime, 2LL * HOUR_MS);
    settle(w);
    assert_int_equal(rang(w, "one"), 0);
    assert_int_equal(rang(w, "other"), 1);
    ways_stop(w);
    alarms_free(as);
}

static int
fail_ring(void *arg, struct kv_txn *txn, const struct alarm *alarm)
{
    CHECK(kv_add(txn, STR("rang/failed"), 1) == OK);
    return E_IO;
}

// One that fails, and one of nobody, hold up no other.
static void
failing_ones_stay_and_the_others_ring(void **state)
{
    struct ways *w = *state;
    int64_t now_ms = clock_service_ms(w->store.runtime);
    struct alarms *as = alarms_new(&w->options);
    w->store.log.level_min = LOG_ERROR;
    alarms_handle(as, "svc", count_ring, &w->store);
    alarms_handle(as, "broken", fail_ring, NULL);
    for (int i = 0; i < 2 * ALARM_BATCH; i++)
        set(w, as, i % 2 ? "broken" : "unknown", "x", now_ms - HOUR_MS + i);
    set(w, as, "svc", "good", now_ms - 1);
    alarms_start(as);
    ways_until(w, has_rung, (void *)"good");
    settle(w);
    assert_int_equal(rang(w, "good"), 1);
    assert_int_equal(rang(w, "failed"), 0);
    ways_stop(w);
    alarms_free(as);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(they_ring_when_due),
        ON_EACH(they_follow_the_service_clock),
        ON_EACH(they_survive_a_restart),
        ON_EACH(taken_back_they_do_not_ring),
        ON_EACH(failing_ones_stay_and_the_others_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
