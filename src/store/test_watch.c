// Watches: who waits for keys to change is woken, by whom, and for what.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <stdatomic.h>
#include <stdio.h>

enum { WAIT_MS = 20000, WRITERS = 16, ROUNDS = 50 };

struct watching {
    struct fixture *fixture; // for who writes in between
    struct kv_watch watch;
    struct str key;
    bool is_present; // what the transaction read
};

static int
watch_body(struct kv_txn *txn, void *arg)
{
    struct watching *w = arg;
    struct str value;
    TRY(kv_watch(txn, w->key, &w->watch));
    TRY(kv_get(txn, w->key, KV_SERIALIZABLE, &value));
    w->is_present = str_is_present(value);
    return OK;
}

static void
watch(struct fixture *f, struct watching *w)
{
    struct arena arena;
    arena_init(&arena);
    CHECK(kv_run(f->kv, &arena, watch_body, w) == OK);
    arena_fini(&arena);
}

static int
wait_for(struct fixture *f, struct watching *w, int64_t ms)
{
    return kv_watch_wait(&w->watch, deadline_in_ms(f->runtime, ms));
}

static void
what_begins_so_wakes(struct fixture *f)
{
    struct watching w = {.key = STR("queue/")};
    watch(f, &w);
    CHECK(wait_for(f, &w, 0) == E_TIMEOUT);
    put(f, STR("queue"), STR("shorter"));
    put(f, STR("queuf/1"), STR("another"));
    CHECK(wait_for(f, &w, 0) == E_TIMEOUT);
    put(f, STR("queue/1"), STR("a message"));
    CHECK(wait_for(f, &w, WAIT_MS) == OK);
    CHECK(f->is_shared ||
          wait_for(f, &w, 0) == E_TIMEOUT); // once, where nobody else tells it again
    del(f, STR("queue/1"));
    CHECK(wait_for(f, &w, WAIT_MS) == OK);
    kv_watch_end(&w.watch);
    kv_watch_end(&w.watch); // does nothing
}

static void
one_key_many_watches(struct fixture *f)
{
    struct watching a = {.key = STR("k")}, b = {.key = STR("k")}, c = {.key = STR("kk")};
    watch(f, &a);
    watch(f, &b);
    watch(f, &c);
    kv_watch_end(&a.watch);
    put(f, STR("kk"), STR("1"));
    CHECK(wait_for(f, &b, WAIT_MS) == OK);
    CHECK(wait_for(f, &c, WAIT_MS) == OK);
    watch(f, &b); // again: the earlier one is replaced
    put(f, STR("k"), STR("1"));
    CHECK(wait_for(f, &b, WAIT_MS) == OK);
    CHECK(f->is_shared || wait_for(f, &c, 0) == E_TIMEOUT);
    kv_watch_end(&b.watch);
    kv_watch_end(&c.watch);
}

static int
late_body(struct kv_txn *txn, void *arg)
{
    struct watching *w = arg;
    struct str value;
    TRY(kv_get(txn, w->key, KV_SNAPSHOT, &value));
    CHECK(!str_is_present(value));
    put(w->fixture, w->key, STR("written between the read and the watch"));
    return kv_watch(txn, w->key, &w->watch);
}

// A watch behind the read: what came between is not lost.
static void
late_watch_comes_at_once(struct fixture *f)
{
    struct watching late = {.fixture = f, .key = STR("late")};
    struct arena arena;
    arena_init(&arena);
    CHECK(kv_run(f->kv, &arena, late_body, &late) == OK);
    CHECK(wait_for(f, &late, WAIT_MS) == OK);
    kv_watch_end(&late.watch);
    arena_fini(&arena);
}

static struct str
turn_key(size_t i, char out[16])
{
    snprintf(out, 16, "turn%03zu", i % 1000);
    return str_of(out);
}

// Even ones watch for the key that odd ones write, over and over: no wake may be lost.
static void
play_turns(struct fixture *f, size_t i)
{
    char bytes[16];
    struct str key = turn_key(i / 2, bytes);
    for (int round = 0; round < ROUNDS; round++) {
        bool is_watcher = i % 2 == 0;
        for (;;) {
            struct watching w = {.key = key};
            watch(f, &w);
            bool is_turn = w.is_present == is_watcher; // present: the watcher's turn
            if (!is_turn)
                CHECK(wait_for(f, &w, WAIT_MS) == OK);
            kv_watch_end(&w.watch);
            if (is_turn)
                break;
        }
        if (is_watcher)
            del(f, key);
        else
            put(f, key, STR("your turn"));
    }
}

static void
no_wake_is_lost(struct fixture *f)
{
    in_fibers(f, WRITERS, play_turns);
}

#define KV_TEST(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }
KV_TEST(what_begins_so_wakes)
KV_TEST(one_key_many_watches)
KV_TEST(late_watch_comes_at_once)
KV_TEST(no_wake_is_lost)

#define ON(kind, name) {kind " " #name, test_##name, fixture_setup, fixture_teardown, (void *)kind}
#define ON_ALL(name) ON("mem:", name), ON("rocks:", name), ON("postgresql:", name)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(what_begins_so_wakes),
        ON_ALL(one_key_many_watches),
        ON_ALL(late_watch_comes_at_once),
        ON_ALL(no_wake_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
