// What the tests of jobs and of what runs as one share: a store with a background.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/ways_fixture.h"

#include <stdlib.h>

enum { UNTIL_MS_MAX = 30000, UNTIL_STEP_MS = 2 };

static void
background_begin(struct ways *w)
{
    w->background = background_new(w->store.runtime);
    w->options = (struct jobs_options){.runtime = w->store.runtime,
                                       .log = &w->store.log,
                                       .kv = w->store.kv,
                                       .background = w->background,
                                       .is_shared = w->store.is_shared};
}

int
ways_setup(void **state)
{
    struct ways *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    fixture_init(&w->store, *state);
    arena_init(&w->arena);
    background_begin(w);
    *state = w;
    return 0;
}

int
ways_teardown(void **state)
{
    struct ways *w = *state;
    background_stop(w->background);
    background_free(w->background);
    arena_fini(&w->arena);
    fixture_fini(&w->store);
    free(w);
    return 0;
}

void
ways_stop(struct ways *w)
{
    background_stop(w->background);
    background_free(w->background);
    background_begin(w);
}

void
ways_reopen(struct ways *w)
{
    background_stop(w->background);
    background_free(w->background);
    fixture_reopen(&w->store);
    background_begin(w);
}

struct body_run {
    struct ways *ways;
    kv_body_fn *body;
    void *arg;
};

static int
body_run_main(void *arg)
{
    struct body_run *r = arg;
    return kv_run(r->ways->store.kv, &r->ways->arena, r->body, r->arg);
}

int
ways_run(struct ways *w, kv_body_fn *body, void *arg)
{
    struct body_run r = {w, body, arg};
    arena_reset(&w->arena);
    return fiber_self() != NULL ? body_run_main(&r)
                                : runtime_call(w->store.runtime, body_run_main, &r);
}

struct until {
    struct ways *ways;
    bool (*holds)(struct ways *w, void *arg);
    void *arg;
};

static int
until_main(void *arg)
{
    struct until *u = arg;
    for (int ms = 0; !u->holds(u->ways, u->arg); ms += UNTIL_STEP_MS) {
        CHECK(ms < UNTIL_MS_MAX);
        TRY(fiber_sleep_until(deadline_in_ms(u->ways->store.runtime, UNTIL_STEP_MS)));
    }
    return OK;
}

void
ways_until(struct ways *w, bool (*holds)(struct ways *w, void *arg), void *arg)
{
    struct until u = {w, holds, arg};
    assert_int_equal(runtime_call(w->store.runtime, until_main, &u), OK);
}

struct counting {
    struct str from, to;
    size_t count;
};

static int
count_body(struct kv_txn *txn, void *arg)
{
    struct counting *c = arg;
    struct kv_range range = {.from = c->from, .to = c->to, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    int code;
    c->count = 0;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK)
        c->count++;
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
counter_body(struct kv_txn *txn, void *arg)
{
    struct counting *c = arg;
    struct str value;
    TRY(kv_get(txn, c->from, KV_SNAPSHOT, &value));
    c->count = (size_t)kv_counter(value);
    return OK;
}

int64_t
ways_counter(struct ways *w, struct str key)
{
    struct counting c = {.from = key};
    CHECK(ways_run(w, counter_body, &c) == OK);
    return (int64_t)c.count;
}

size_t
ways_count(struct ways *w, struct str from, struct str to)
{
    struct counting c = {.from = from, .to = to};
    CHECK(ways_run(w, count_body, &c) == OK);
    return c.count;
}
