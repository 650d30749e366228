// Tests of the reaper: it deletes what it was given, all of it and nothing else.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/reaper.h"

#include "src/store/ways_fixture.h"

enum { KEYS = 1200 };

// Keys "N/0000"; values have a length that makes a batch of some hundred of them.
struct filling {
    char container;
    size_t value_bytes;
};

static int
fill_body(struct kv_txn *txn, void *arg)
{
    const struct filling *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct str value = {arena_alloc(a, s->value_bytes), s->value_bytes};
    for (int i = 0; i < KEYS; i++)
        TRY(kv_set(txn, arena_print(a, "%c/%04d", s->container, i), value));
    return OK;
}

static void
fill(struct ways *w, char container, size_t value_bytes)
{
    struct filling s = {container, value_bytes};
    assert_int_equal(ways_run(w, fill_body, &s), OK);
}

static struct str
end_of(struct arena *a, char container, char end)
{
    return arena_print(a, "%c%c", container, end);
}

static size_t
left(struct ways *w, char container)
{
    char from[] = {container, '/'}, to[] = {container, '0'};
    return ways_count(w, (struct str){from, 2}, (struct str){to, 2});
}

struct dropping {
    struct reaper *reaper;
    char container;
    const char *kind;
};

static int
drop_body(struct kv_txn *txn, void *arg)
{
    const struct dropping *s = arg;
    struct arena *a = kv_txn_arena(txn);
    return reaper_add(s->reaper, txn, s->kind, end_of(a, s->container, '/'),
                      end_of(a, s->container, '0'));
}

static void
drop(struct ways *w, struct reaper *r, char container, const char *kind)
{
    struct dropping s = {r, container, kind};
    assert_int_equal(ways_run(w, drop_body, &s), OK);
}

static int
idle_body(struct kv_txn *txn, void *arg)
{
    return reaper_is_idle(txn, arg);
}

static bool
is_idle(struct ways *w, void *arg)
{
    bool is_idle = false;
    CHECK(ways_run(w, idle_body, &is_idle) == OK);
    return is_idle;
}

static void
what_it_is_given_goes(void **state)
{
    struct ways *w = *state;
    struct reaper *r = reaper_new(&w->options);
    reaper_start(r);
    for (int container = 'a'; container <= 'e'; container++)
        fill(w, (char)container, 4096);
    drop(w, r, 'b', NULL);
    drop(w, r, 'd', NULL);
    ways_until(w, is_idle, NULL);
    for (int container = 'a'; container <= 'e'; container++)
        assert_int_equal(left(w, (char)container),
                         container == 'b' || container == 'd' ? 0 : (size_t)KEYS);
    ways_stop(w);
    reaper_free(r);
}

static void
it_goes_on_after_a_restart(void **state)
{
    struct ways *w = *state;
    if (!w->store.is_durable)
        return;
    struct reaper *r = reaper_new(&w->options);
    fill(w, 'a', 10);
    drop(w, r, 'a', NULL); // not started: as if it had died before
    ways_reopen(w);
    reaper_free(r);
    assert_int_equal(left(w, 'a'), KEYS);
    r = reaper_new(&w->options);
    reaper_start(r);
    ways_until(w, is_idle, NULL);
    assert_int_equal(left(w, 'a'), 0);
    ways_stop(w);
    reaper_free(r);
}

static int
count_key(void *arg, struct kv_txn *txn, struct str key, struct str value)
{
    return kv_add(txn, STR("reaped"), (int64_t)value.len);
}

// The consequences are in the transaction of the deletion, so there is one for each key.
static void
handlers_see_each_key_once(void **state)
{
    struct ways *w = *state;
    struct reaper *r = reaper_new(&w->options);
    reaper_handle(r, "counted", count_key, NULL);
    reaper_start(r);
    fill(w, 'a', 3);
    fill(w, 'b', 3);
    drop(w, r, 'a', "counted");
    drop(w, r, 'b', NULL);
    ways_until(w, is_idle, NULL);
    ways_stop(w);
    assert_int_equal(ways_counter(w, STR("reaped")), 3 * KEYS);
    reaper_free(r);
}

static int
refuse_late_key(void *arg, struct kv_txn *txn, struct str key, struct str value)
{
    return *(bool *)arg && str_eq(key, STR("a/1150")) ? E_FAULT : OK;
}

static bool
has_begun(struct ways *w, void *arg)
{
    return left(w, 'a') < KEYS;
}

static int
put_first_body(struct kv_txn *txn, void *arg)
{
    return kv_set(txn, STR("a/0000"), STR("behind"));
}

static void
reap_counted(struct ways *w, bool is_refused, bool (*is_done)(struct ways *w, void *arg))
{
    struct reaper *r = reaper_new(&w->options);
    reaper_handle(r, "refused", refuse_late_key, &is_refused);
    reaper_start(r);
    if (is_refused) {
        fill(w, 'a', 3);
        drop(w, r, 'a', "refused");
    }
    ways_until(w, is_done, NULL);
    ways_stop(w);
    reaper_free(r);
}

// Else it would read over the tombstones of millions, again after each start.
static void
it_goes_on_where_it_was(void **state)
{
    struct ways *w = *state;
    if (!w->store.is_durable)
        return;
    reap_counted(w, true, has_begun);
    assert_int_equal(ways_run(w, put_first_body, NULL), OK); // no reader of the range looks there
    ways_reopen(w);
    reap_counted(w, false, is_idle);
    assert_int_equal(left(w, 'a'), 1);
}

static bool
is_only_unknown_left(struct ways *w, void *arg)
{
    return left(w, 'b') == 0;
}

// Whose service is not in this program: another build may know it.
static void
unknown_kinds_stay(void **state)
{
    struct ways *w = *state;
    struct reaper *r = reaper_new(&w->options);
    reaper_start(r);
    fill(w, 'a', 3);
    fill(w, 'b', 3);
    drop(w, r, 'a', "unknown");
    drop(w, r, 'b', NULL);
    ways_until(w, is_only_unknown_left, NULL);
    ways_stop(w);
    assert_int_equal(left(w, 'a'), KEYS);
    assert_false(is_idle(w, NULL));
    reaper_free(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(what_it_is_given_goes),   ON_EACH(it_goes_on_after_a_restart),
        ON_EACH(it_goes_on_where_it_was), ON_EACH(handlers_see_each_key_once),
        ON_EACH(unknown_kinds_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
