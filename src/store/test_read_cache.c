// Tests of what is kept of reads: it serves again what nobody wrote, and nothing else.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/read_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BYTES_MAX = 128 * 1024, KEYS = 4000, VALUE_BYTES = 1500 };

struct fixture {
    struct read_cache *cache;
    struct arena arena;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->cache = read_cache_new(2, BYTES_MAX);
    arena_init(&f->arena);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    read_cache_free(f->cache);
    arena_fini(&f->arena);
    free(f);
    return 0;
}

static bool
has(struct fixture *f, int loop, struct str key, uint64_t version, struct str value)
{
    struct str got = {0};
    return read_cache_get(f->cache, loop, key, version, &f->arena, &got) && str_eq(got, value);
}

static bool
has_any(struct fixture *f, int loop, struct str key, uint64_t version)
{
    struct str got;
    return read_cache_get(f->cache, loop, key, version, &f->arena, &got);
}

static void
put_twice(struct fixture *f, struct str key, struct str value, uint64_t version)
{
    read_cache_put(f->cache, 0, key, value, version);
    read_cache_put(f->cache, 0, key, value, version);
}

static void
keeps_what_is_read_twice(void **state)
{
    struct fixture *f = *state;
    assert_false(has_any(f, 0, STR("k"), 5));
    read_cache_put(f->cache, 0, STR("k"), STR("v"), 5);
    assert_false(has_any(f, 0, STR("k"), 5));
    read_cache_put(f->cache, 0, STR("k"), STR("v"), 5);
    assert_true(has(f, 0, STR("k"), 5, STR("v")));
    assert_true(has(f, 0, STR("k"), 9, STR("v")));
    assert_true(has(f, 0, STR("k"), 3, STR("v"))); // nobody has ever written it
    assert_false(has_any(f, 0, STR("other"), 5));
    assert_false(has_any(f, 1, STR("k"), 5)); // each loop has its own
}

static void
forgets_what_is_written(void **state)
{
    struct fixture *f = *state;
    put_twice(f, STR("k"), STR("old"), 5);
    read_cache_written(f->cache, STR("k"), 6);
    // A snapshot of version 5 may hold version 6 already.
    assert_false(has_any(f, 0, STR("k"), 5));
    assert_false(has_any(f, 0, STR("k"), 7));
    // Read at 5 by somebody who came late: not what holds at 7.
    read_cache_put(f->cache, 0, STR("k"), STR("old"), 5);
    assert_false(has_any(f, 0, STR("k"), 7));
    read_cache_put(f->cache, 0, STR("k"), STR("new"), 6);
    assert_true(has(f, 0, STR("k"), 6, STR("new")));
    assert_true(has(f, 0, STR("k"), 7, STR("new")));
    assert_false(has_any(f, 0, STR("k"), 5)); // a snapshot from before the write
}

static void
leaves_out_what_is_large_or_absent(void **state)
{
    struct fixture *f = *state;
    char large[READ_CACHE_VALUE_BYTES_MAX + 1] = {0};
    put_twice(f, STR("k"), (struct str){large, sizeof large}, 5);
    assert_false(has_any(f, 0, STR("k"), 5));
    put_twice(f, STR("k"), (struct str){0}, 5);
    assert_false(has_any(f, 0, STR("k"), 5));
    put_twice(f, STR("k"), (struct str){large, sizeof large - 1}, 5);
    assert_true(has_any(f, 0, STR("k"), 5));
    put_twice(f, STR(""), STR(""), 5);
    assert_true(has(f, 0, STR(""), 5, STR("")));
}

// Whatever is read: both loops' tables together stay within the budget, and still keep what is new.
static void
stays_within_its_budget(void **state)
{
    struct fixture *f = *state;
    char key[32], value[VALUE_BYTES] = {0};
    size_t most = 0;
    for (uint64_t i = 0; i < KEYS; i++) {
        struct str k = {key, (size_t)snprintf(key, sizeof key, "key %llu", (unsigned long long)i)};
        struct str v = {value, i % VALUE_BYTES};
        int loop = (int)(i % 2);
        for (int turn = 0; turn < 2; turn++)
            read_cache_put(f->cache, loop, k, v, 5);
        assert_true(has(f, loop, k, 5, v));
        arena_reset(&f->arena);
        most = read_cache_bytes(f->cache) > most ? read_cache_bytes(f->cache) : most;
    }
    assert_true(most <= BYTES_MAX);
    assert_true(most > BYTES_MAX / 4 * 3); // it uses what it has
}

static void
without_room_it_keeps_nothing(void **state)
{
    struct fixture f = {.cache = read_cache_new(1, 0)};
    arena_init(&f.arena);
    put_twice(&f, STR("k"), STR("v"), 5);
    assert_false(has_any(&f, 0, STR("k"), 5));
    read_cache_free(f.cache);
    arena_fini(&f.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_is_read_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_what_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_out_what_is_large_or_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stays_within_its_budget, set_up, tear_down),
        cmocka_unit_test(without_room_it_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
