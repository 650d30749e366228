// Tests of the upkeep of blobs: what is broken is found, and a hold keeps what is copied.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_upkeep.h"

#include <unistd.h>

#include "src/store/blob_fixture.h"

static void
ignore(void *arg, const char *line)
{
}

static struct check
check(struct blob_fixture *g, bool is_repair)
{
    struct check c = {
        .kv = g->store.kv, .runtime = g->store.runtime, .is_repair = is_repair, .print = ignore};
    CHECK(blobs_check(g->blobs, &c) == OK);
    return c;
}

static void
fill(struct blob_fixture *g, struct blob_id *small, struct blob_id *large)
{
    for (size_t i = 0; i < 5; i++) {
        *small = make_blob(g, reference(g, 100 * i));
        *large = make_blob(g, reference(g, 200 * 1000 * (i + 1)));
    }
    struct blob_id dropped = make_blob(g, reference(g, 300 * 1000));
    CHECK(unlink_blob(g, &dropped) == OK);
}

static void
in_order(struct blob_fixture *g)
{
    struct blob_id small, large;
    fill(g, &small, &large);
    CHECK(check(g, false).problems == 0);
}

static void
lost_and_cut_files_are_found(struct blob_fixture *g)
{
    struct blob_id small, large, other;
    char path[1024];
    fill(g, &small, &large);
    other = make_blob(g, reference(g, 500 * 1000));
    blob_path(g, &large, path, sizeof(path));
    CHECK(unlink(path) == 0);
    blob_path(g, &other, path, sizeof(path));
    CHECK(truncate(path, 400 * 1000) == 0);
    struct check c = check(g, true);
    CHECK(c.problems == 2 && c.mended == 0);
}

static void
orphans_go(struct blob_fixture *g)
{
    struct blob_id small, large;
    struct arena arena;
    arena_init(&arena);
    fill(g, &small, &large);
    size_t files = count_files(g);
    del(&g->store, blob_head_key(&small, &arena));
    del(&g->store, blob_head_key(&large, &arena));
    struct check c = check(g, false);
    CHECK(c.problems == 2 && c.mended == 0 && count_files(g) == files);
    c = check(g, true);
    CHECK(c.problems == 2 && c.mended == 2 && count_files(g) == files - 1);
    CHECK(check(g, false).problems == 0);
    arena_fini(&arena);
}

static void
held_garbage_stays(struct blob_fixture *g)
{
    struct blob_id id = make_blob(g, reference(g, 300 * 1000));
    size_t files = count_files(g);
    blobs_hold(g->blobs);
    CHECK(unlink_blob(g, &id) == OK);
    CHECK(collect_all(g) == 0 && count_files(g) == files);
    blobs_release(g->blobs);
    CHECK(collect_all(g) == 1 && count_files(g) == files - 1);
}

#define BLOB_TEST(name)                                                                            \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        blob_in_fiber(*state, name);                                                               \
    }
BLOB_TEST(in_order)
BLOB_TEST(lost_and_cut_files_are_found)
BLOB_TEST(orphans_go)
BLOB_TEST(held_garbage_stays)

#define ON(kind, name)                                                                             \
    {kind " " #name, test_##name, blob_fixture_setup, blob_fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("mem:", in_order),
        ON("rocks:", in_order),
        ON("rocks:", lost_and_cut_files_are_found),
        ON("rocks:", orphans_go),
        ON("rocks:", held_garbage_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
