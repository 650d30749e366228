// Tests of the outbox: every event of a committed transaction arrives, in the order of its source.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/outbox.h"

#include <stdatomic.h>

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(events_arrive_in_order),
        ON_EACH(they_survive_a_restart),
        ON_EACH(failures_are_tried_again_in_order),
        ON_EACH(a_broken_destination_holds_up_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
