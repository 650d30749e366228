// Tests of sharded counters: nothing is lost, whoever adds at the same time.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/sharded.h"

#include "src/store/ways_fixture.h"

enum { FIBERS = 32, ADDITIONS = 20 };

static int
add_body(struct kv_txn *txn, void *arg)
{
    struct fixture *f = arg;
    TRY(sharded_add(txn, f->runtime, STR("count"), 3));
    return sharded_add(txn, f->runtime, STR("count"), -1);
}

static void
add_some(struct fixture *f, size_t i)
{
    struct arena arena;
    arena_init(&arena);
    for (int n = 0; n < ADDITIONS; n++)
        CHECK(kv_run(f->kv, &arena, add_body, f) == OK);
    arena_fini(&arena);
}

static void
add_from_everywhere(struct fixture *f)
{
    in_fibers(f, FIBERS, add_some);
}

static int
get_body(struct kv_txn *txn, void *arg)
{
    return sharded_get(txn, STR("count"), KV_SERIALIZABLE, arg);
}

static int
del_body(struct kv_txn *txn, void *arg)
{
    return sharded_del(txn, STR("count"));
}

static void
additions_add_up(void **state)
{
    struct ways *w = *state;
    int64_t sum = -1;
    assert_int_equal(ways_run(w, get_body, &sum), OK);
    assert_int_equal(sum, 0);
    in_fiber(&w->store, add_from_everywhere);
    assert_int_equal(ways_run(w, get_body, &sum), OK);
    assert_int_equal(sum, 2 * FIBERS * ADDITIONS);
    // On more than one key.
    assert_true(ways_count(w, STR("count"), STR("counu")) > 1);
    assert_int_equal(ways_run(w, del_body, NULL), OK);
    assert_int_equal(ways_run(w, get_body, &sum), OK);
    assert_int_equal(sum, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {ON_EACH(additions_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
