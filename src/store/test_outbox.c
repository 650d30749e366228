// Tests of the outbox: every event of a committed transaction arrives, in the order of its source.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/outbox.h"

#include <stdatomic.h>

#include "src/store/tuple.h"
#include "src/store/ways_fixture.h"

enum { SOURCES = 4, EVENTS = 40 };

struct received {
    atomic_int count;
    int next[SOURCES]; // of each source
    atomic_int failures_left;
    bool is_broken; // its events are never taken
};

// The payload is the number within its source.
static int
receive(void *arg, const struct outbox_event *e)
{
    struct received *r = arg;
    int64_t number;
    if (r->is_broken || atomic_fetch_sub(&r->failures_left, 1) > 0)
        return E_TIMEOUT;
    int source = e->source.ptr[0] - '0';
    CHECK(str_to_int64(e->payload, &number) == OK && number == r->next[source]);
    r->next[source]++;
    atomic_fetch_add(&r->count, 1);
    return OK;
}

struct adding {
    struct outbox *outbox;
    const char *destination;
    int number;
    int code;
};

// One for each source, and two for the last.
static int
add_body(struct kv_txn *txn, void *arg)
{
    const struct adding *s = arg;
    struct arena *a = kv_txn_arena(txn);
    for (int i = 0; i < SOURCES + 1; i++) {
        bool is_second = i == SOURCES;
        int number = i >= SOURCES - 1 ? 2 * s->number + is_second : s->number;
        TRY(outbox_add(s->outbox, txn, s->destination,
                       arena_print(a, "%d", is_second ? SOURCES - 1 : i),
                       arena_print(a, "%d", number)));
    }
    return s->code;
}

static void
add_all(struct ways *w, struct outbox *o, const char *destination)
{
    for (int i = 0; i < EVENTS; i++) {
        struct adding s = {o, destination, i, OK};
        assert_int_equal(ways_run(w, add_body, &s), OK);
        s.code = E_INVALID; // this one does not happen
        assert_int_equal(ways_run(w, add_body, &s), E_INVALID);
    }
}

static bool
has_all(struct ways *w, void *arg)
{
    return atomic_load(&((struct received *)arg)->count) == EVENTS * (SOURCES + 1);
}

static void
events_arrive_in_order(void **state)
{
    struct ways *w = *state;
    struct received r = {0};
    struct outbox *o = outbox_new(&w->options);
    outbox_handle(o, "there", receive, &r);
    outbox_start(o);
    add_all(w, o, "there");
    ways_until(w, has_all, &r);
    ways_stop(w);
    outbox_free(o);
}

static void
they_survive_a_restart(void **state)
{
    struct ways *w = *state;
    struct received r = {0};
    struct outbox *o = outbox_new(&w->options);
    if (w->store.is_durable) {
        add_all(w, o, "there"); // not started: as if it had died before
        ways_reopen(w);
        outbox_free(o);
        o = outbox_new(&w->options);
        outbox_handle(o, "there", receive, &r);
        outbox_start(o);
        ways_until(w, has_all, &r);
    }
    ways_stop(w);
    outbox_free(o);
}

// What fails is given again, before what comes after it.
static void
failures_are_tried_again_in_order(void **state)
{
    struct ways *w = *state;
    struct received r = {.failures_left = 3};
    struct outbox *o = outbox_new(&w->options);
    w->store.log.level_min = LOG_ERROR;
    outbox_handle(o, "there", receive, &r);
    outbox_start(o);
    add_all(w, o, "there");
    ways_until(w, has_all, &r);
    ways_stop(w);
    outbox_free(o);
}

static int
add_broken_body(struct kv_txn *txn, void *arg)
{
    return outbox_add(arg, txn, "broken", STR("!"), STR("x")); // before all other sources
}

static void
a_broken_destination_holds_up_no_other(void **state)
{
    struct ways *w = *state;
    struct received r = {0}, broken = {.is_broken = true};
    struct outbox *o = outbox_new(&w->options);
    w->store.log.level_min = LOG_ERROR;
    outbox_handle(o, "there", receive, &r);
    outbox_handle(o, "broken", receive, &broken);
    assert_int_equal(ways_run(w, add_broken_body, o), OK);
    outbox_start(o);
    add_all(w, o, "there");
    ways_until(w, has_all, &r);
    ways_stop(w);
    outbox_free(o);
}

static int
count_one(void *arg, const struct outbox_event *e)
{
    atomic_fetch_add(&((struct received *)arg)->count, 1);
    return OK;
}

static bool
has_one(struct ways *w, void *arg)
{
    return atomic_load(&((struct received *)arg)->count) == 1;
}

// Key and value as they stand in the store; is_new: not as one that waits, or of an older build.
static int
old_event_body(struct kv_txn *txn, void *arg)
{
    static const char zeros[KV_STAMP_BYTES + 4];
    const bool *is_new = arg;
    struct tuple key, value;
    tuple_init(&key, kv_txn_arena(txn));
    tuple_add_str(&key, STR("c10m"));
    tuple_add_str(&key, *is_new ? STR("outbox-new") : STR("outbox"));
    if (!*is_new)
        tuple_add_str(&key, STR("0"));
    tuple_add_fixed(&key, (struct str){zeros, KV_STAMP_BYTES});
    tuple_add_fixed(&key, (struct str){zeros, 4});
    if (*is_new)
        tuple_add_str(&key, STR("0"));
    tuple_init(&value, kv_txn_arena(txn));
    tuple_add_str(&value, STR("late"));
    return kv_set(txn, tuple_key(&key), tuple_key(&value));
}

static struct outbox *
start(struct ways *w, struct received *there, struct received *late)
{
    struct outbox *o = outbox_new(&w->options);
    outbox_handle(o, "there", receive, there);
    outbox_handle(o, "late", count_one, late);
    outbox_start(o);
    return o;
}

// What stands before the mark is not read again, before a restart: there lie only tombstones.
static void
a_look_goes_on_where_the_last_one_ended(void **state)
{
    struct ways *w = *state;
    struct received r = {0}, again = {0}, late = {0};
    bool is_new = true;
    struct outbox *o = start(w, &r, &late);
    add_all(w, o, "there");
    ways_until(w, has_all, &r);
    assert_int_equal(ways_run(w, old_event_body, &is_new), OK);
    r = (struct received){0};
    add_all(w, o, "there");
    ways_until(w, has_all, &r);
    // Where another process may have had the job, every look begins at the first.
    assert_int_equal(atomic_load(&late.count), w->options.is_shared);
    ways_stop(w);
    outbox_free(o);
    o = start(w, &again, &late);
    ways_until(w, has_one, &late);
    ways_stop(w);
    outbox_free(o);
}

static void
events_of_an_older_build_are_delivered(void **state)
{
    struct ways *w = *state;
    struct received r = {0}, late = {0};
    bool is_new = false;
    assert_int_equal(ways_run(w, old_event_body, &is_new), OK);
    struct outbox *o = start(w, &r, &late);
    ways_until(w, has_one, &late);
    ways_stop(w);
    outbox_free(o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(events_arrive_in_order),
        ON_EACH(they_survive_a_restart),
        ON_EACH(failures_are_tried_again_in_order),
        ON_EACH(a_broken_destination_holds_up_no_other),
        ON_EACH(a_look_goes_on_where_the_last_one_ended),
        ON_EACH(events_of_an_older_build_are_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
