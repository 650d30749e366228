// Backups: one moment of a store that goes on, opened again with its stamps still growing.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAIRS = 8, ROUNDS = 60, PLENTY = 3000 };

static int
pair_body(struct kv_txn *txn, void *arg)
{
    const size_t *i = arg;
    char left[16], right[16];
    snprintf(left, sizeof left, "left%02zu", *i % 100);
    snprintf(right, sizeof right, "right%02zu", *i % 100);
    TRY(kv_add(txn, str_of(left), 1));
    return kv_add(txn, str_of(right), 1);
}

static void
run(struct kv *kv, kv_body_fn *body, void *arg, struct kv_stamp *out)
{
    struct arena arena;
    arena_init(&arena);
    CHECK(kv_run_stamped(kv, &arena, body, arg, out) == OK);
    arena_fini(&arena);
}

static void
backup_dir(struct fixture *f, char out[FIXTURE_PATH_MAX])
{
    CHECK(snprintf(out, FIXTURE_PATH_MAX, "%s-backup", f->dir) < FIXTURE_PATH_MAX);
    dir_remove(out);
}

// Member 0 backs up while the others write pairs.
static void
write_or_back_up(struct fixture *f, size_t i)
{
    char dir[FIXTURE_PATH_MAX], problem[512] = "";
    struct kv_stamp stamp;
    for (int round = 0; i > 0 && round < ROUNDS; round++)
        run(f->kv, pair_body, &i, &stamp);
    if (i > 0)
        return;
    backup_dir(f, dir);
    CHECK(kv_backup(f->kv, dir, problem, sizeof problem) == OK);
}

static int
pairs_body(struct kv_txn *txn, void *arg)
{
    for (size_t i = 1; i < PAIRS; i++) {
        char left[16], right[16];
        struct str a, b;
        snprintf(left, sizeof left, "left%02zu", i);
        snprintf(right, sizeof right, "right%02zu", i);
        TRY(kv_get(txn, str_of(left), KV_SERIALIZABLE, &a));
        TRY(kv_get(txn, str_of(right), KV_SERIALIZABLE, &b));
        CHECK(kv_counter(a) == kv_counter(b));
    }
    return OK;
}

static struct kv *
open_backup(struct fixture *f, const char *dir, int expected)
{
    char url[FIXTURE_PATH_MAX + 8], problem[512] = "";
    struct kv *kv = NULL;
    snprintf(url, sizeof url, "rocks:%s", dir);
    CHECK(kv_open(url, &f->options, &kv, problem, sizeof problem) == expected);
    return kv;
}

static void
backup_is_one_moment(struct fixture *f)
{
    char dir[FIXTURE_PATH_MAX], problem[512] = "";
    struct kv_stamp stamp;
    backup_dir(f, dir);
    in_fibers(f, PAIRS, write_or_back_up);
    open_backup(f, dir, E_INVALID); // not before it is whole
    CHECK(kv_backup_end(dir, problem, sizeof problem) == OK);
    CHECK(kv_backup(f->kv, dir, problem, sizeof problem) == E_INVALID);
    struct kv *kv = open_backup(f, dir, OK);
    run(kv, pairs_body, NULL, &stamp);
    kv_close(kv);
    dir_remove(dir);
}

static int
plenty_body(struct kv_txn *txn, void *arg)
{
    char key[16];
    for (int i = 0; i < PLENTY; i++) {
        snprintf(key, sizeof key, "plenty%06d", i);
        TRY(kv_set(txn, str_of(key), STR("")));
    }
    return OK;
}

static int
stamp_body(struct kv_txn *txn, void *arg)
{
    return kv_set(txn, STR("stamped"), STR("1"));
}

// The copy's engine counts from the start: stamps must not.
static void
stamps_grow_on(struct fixture *f)
{
    char dir[FIXTURE_PATH_MAX], problem[512] = "";
    struct kv_stamp before = {0}, after;
    backup_dir(f, dir);
    run(f->kv, plenty_body, NULL, &before);
    for (int i = 0; i < ROUNDS; i++)
        run(f->kv, stamp_body, NULL, &before);
    CHECK(kv_backup(f->kv, dir, problem, sizeof problem) == OK);
    CHECK(kv_backup_end(dir, problem, sizeof problem) == OK);
    struct kv *kv = open_backup(f, dir, OK);
    run(kv, stamp_body, NULL, &after);
    CHECK(memcmp(after.bytes, before.bytes, sizeof after.bytes) > 0);
    kv_close(kv);
    kv = open_backup(f, dir, OK);
    run(kv, stamp_body, NULL, &before);
    CHECK(memcmp(before.bytes, after.bytes, sizeof after.bytes) > 0);
    kv_close(kv);
    dir_remove(dir);
}

#define KV_TEST(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }
KV_TEST(backup_is_one_moment)
KV_TEST(stamps_grow_on)

#define ON(kind, name) {kind " " #name, test_##name, fixture_setup, fixture_teardown, (void *)kind}
#define ON_ALL(name) ON("mem:", name), ON("rocks:", name), ON("postgresql:", name)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(backup_is_one_moment),
        ON_ALL(stamps_grow_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
