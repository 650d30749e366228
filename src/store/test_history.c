// Tests of the history of commits: what it forgets, and that it then errs on the safe side.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct world {
    struct history *history;
    struct arena arena;
};

static struct world
begin(void)
{
    struct world w = {.history = history_new()};
    arena_init(&w.arena);
    history_put(w.history, STR("a"), 11);
    history_put(w.history, STR("b"), 12);
    history_put(w.history, STR("c"), 13);
    history_put(w.history, STR("a"), 14);
    return w;
}

static void
end(struct world *w)
{
    history_free(w->history);
    arena_fini(&w->arena);
}

static bool
point_conflicts(struct world *w, struct str key, uint64_t version)
{
    struct reads r;
    reads_init(&r, &w->arena);
    reads_add_point(&r, key);
    return history_conflicts(w->history, &r, version);
}

static bool
range_conflicts(struct world *w, struct str from, struct str to, uint64_t version)
{
    struct reads r;
    reads_init(&r, &w->arena);
    reads_add_range(&r, from, to);
    return history_conflicts(w->history, &r, version);
}

static void
last_version_counts(void **state)
{
    struct world w = begin();
    assert_int_equal(history_version(w.history, STR("a")), 14);
    assert_int_equal(history_version(w.history, STR("x")), 0);
    assert_true(point_conflicts(&w, STR("a"), 13));
    assert_false(point_conflicts(&w, STR("a"), 14));
    assert_true(point_conflicts(&w, STR("b"), 11));
    assert_false(point_conflicts(&w, STR("b"), 12));
    assert_true(range_conflicts(&w, STR("b"), STR("c"), 11));
    assert_false(range_conflicts(&w, STR("b"), STR("c"), 12)); // c is outside
    assert_true(range_conflicts(&w, STR("a"), STR("b"), 13));
    assert_false(range_conflicts(&w, STR("a\0"), STR("b"), 10));
    end(&w);
}

static void
pruned_versions_are_forgotten(void **state)
{
    struct world w = begin();
    history_prune(w.history, 12);
    assert_int_equal(history_version(w.history, STR("a")), 14);
    assert_int_equal(history_version(w.history, STR("b")), 0);
    assert_int_equal(history_version(w.history, STR("c")), 13);
    assert_false(point_conflicts(&w, STR("b"), 12));
    assert_true(point_conflicts(&w, STR("b"), 11));           // who knows
    assert_false(range_conflicts(&w, STR("x"), STR("x"), 1)); // read nothing
    history_prune(w.history, 5);                              // never back
    assert_true(point_conflicts(&w, STR("x"), 11));
    history_prune(w.history, 14);
    assert_false(point_conflicts(&w, STR("a"), 14));
    history_put(w.history, STR("a"), 15);
    assert_true(point_conflicts(&w, STR("a"), 14));
    end(&w);
}

static void
history_is_bounded(void **state)
{
    static char bytes[64 * 1024];
    struct world w = begin();
    uint64_t version = 100;
    for (; version < 100 + 2 * HISTORY_BYTES_MAX / sizeof bytes; version++) {
        snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)version);
        history_put(w.history, (struct str){bytes, sizeof bytes}, version);
        history_prune(w.history, 0);
    }
    assert_int_equal(history_version(w.history, STR("a")), 0);
    assert_int_equal(history_version(w.history, (struct str){bytes, sizeof bytes}), version - 1);
    assert_true(point_conflicts(&w, STR("x"), 100));
    assert_false(point_conflicts(&w, STR("x"), version - 2));
    end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_version_counts),
        cmocka_unit_test(pruned_versions_are_forgotten),
        cmocka_unit_test(history_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
