// A container of ten million keys is deleted while others work: C10M_TEST_LONG=1, else fewer.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/reaper.h"
#include "src/store/ways_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEYS = 50 * 1000,
    KEYS_LONG = 10 * 1000 * 1000,
    PAGE = 1000,
    KEY_BYTES = 32,
    WORKERS = 4,
    WORK_MS_MAX = 20 * 1000, // nobody starves, however slow the machine
    LOOK_MS = 20,
};

struct container {
    struct ways *ways;
    struct reaper *reaper;
    uint64_t from, to;
    size_t seen;
    _Atomic bool is_gone;
    _Atomic uint64_t commits;
    _Atomic int64_t slowest_ns;
};

static struct str
key_of(uint64_t i, char out[KEY_BYTES])
{
    return (struct str){out, (size_t)snprintf(out, KEY_BYTES, "in/%012llu", (unsigned long long)i)};
}

static uint64_t
key_count(void)
{
    const char *is_long = getenv("C10M_TEST_LONG");
    return is_long != NULL && strcmp(is_long, "1") == 0 ? KEYS_LONG : KEYS;
}

static int
fill_body(struct kv_txn *txn, void *arg)
{
    const struct container *c = arg;
    char key[KEY_BYTES];
    for (uint64_t i = c->from; i < c->to; i++)
        TRY(kv_set(txn, key_of(i, key), STR("value")));
    return OK;
}

static int
drop_body(struct kv_txn *txn, void *arg)
{
    struct container *c = arg;
    return reaper_add(c->reaper, txn, NULL, STR("in/"), STR("in0"));
}

static int
work_body(struct kv_txn *txn, void *arg)
{
    return kv_add(txn, STR("work"), 1);
}

static void
note_slowest(struct container *c, int64_t took_ns)
{
    int64_t slowest_ns = atomic_load(&c->slowest_ns);
    while (took_ns > slowest_ns &&
           !atomic_compare_exchange_weak(&c->slowest_ns, &slowest_ns, took_ns))
        continue;
}

static int
idle_body(struct kv_txn *txn, void *arg)
{
    bool is_idle;
    TRY(reaper_is_idle(txn, &is_idle));
    atomic_store(&((struct container *)arg)->is_gone, is_idle);
    return OK;
}

// The first looks whether the container is gone, the others work until then.
static void
work(struct fixture *f, size_t i)
{
    struct container *c = ((struct ways *)f)->shared;
    while (!atomic_load(&c->is_gone)) {
        if (i == 0) {
            CHECK(fiber_sleep_until(deadline_in_ms(f->runtime, LOOK_MS)) == OK);
            run_ok(f, idle_body, c);
            continue;
        }
        int64_t began_ns = clock_mono_ns(f->runtime);
        run_ok(f, work_body, NULL);
        note_slowest(c, clock_mono_ns(f->runtime) - began_ns);
        atomic_fetch_add(&c->commits, 1);
    }
}

static int
first_body(struct kv_txn *txn, void *arg)
{
    struct container *c = arg;
    struct kv_range range = {.from = STR("in/"), .to = STR("in0"), .limit = 1};
    struct kv_iter *it;
    struct str key, value;
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &key, &value);
    kv_iter_close(it);
    c->seen = code == OK;
    return code == E_NOT_FOUND ? OK : code;
}

static void
deleted_while_others_work(struct fixture *f)
{
    struct container *c = ((struct ways *)f)->shared;
    for (c->to = PAGE; c->from < key_count(); c->from += PAGE, c->to += PAGE)
        run_ok(f, fill_body, c);
    int64_t began_ns = clock_mono_ns(f->runtime);
    run_ok(f, drop_body, c);
    in_fibers(f, 1 + WORKERS, work);
    print_message("%llu keys gone after %lld ms, beside %llu commits, the slowest %lld ms\n",
                  (unsigned long long)key_count(),
                  (long long)(clock_mono_ns(f->runtime) - began_ns) / 1000000,
                  (unsigned long long)atomic_load(&c->commits),
                  (long long)atomic_load(&c->slowest_ns) / 1000000);
    run_ok(f, first_body, c);
    CHECK(c->seen == 0);
    CHECK(atomic_load(&c->commits) > 0);
    CHECK(atomic_load(&c->slowest_ns) < WORK_MS_MAX * 1000000LL);
    CHECK(counter_of(f, STR("work")) == (int64_t)atomic_load(&c->commits));
}

static void
test_deleted_while_others_work(void **state)
{
    struct ways *w = *state;
    struct container c = {.ways = w, .reaper = reaper_new(&w->options)};
    w->shared = &c;
    reaper_start(c.reaper);
    in_fiber(&w->store, deleted_while_others_work);
    ways_stop(w);
    reaper_free(c.reaper);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("rocks:", test_deleted_while_others_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
