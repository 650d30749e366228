// Large things: a transaction of 16 MiB, a scan in constant memory, a head
// behind many deletions. Ten million keys with C10M_TEST_LONG=1, else fewer.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LARGE_BYTES = 16 * 1024 * 1024,
    PIECE_BYTES = 400 * 1024,
    KEYS = 100 * 1000,
    KEYS_LONG = 10 * 1000 * 1000,
    DELETED_DIVISOR = 10, // a million of ten
    PAGE = 1000,
    KEY_BYTES = 24,
    // Of the scan's arena, and of all memory that it makes the process take.
    ARENA_BYTES_MAX = 4 * 1024 * 1024,
    GROWTH_BYTES_MAX = 48 * 1024 * 1024,
};

// A run of keys, as many as a transaction takes.
struct page {
    uint64_t first, count;
    bool is_deleted;
    struct str from; // of a scan: in `next` from the second page on
    char next[KEY_BYTES];
    uint64_t seen;
    bool is_last;
};

static struct str
key_of(uint64_t i, char out[KEY_BYTES])
{
    int len = snprintf(out, KEY_BYTES, "queue/%012llu", (unsigned long long)i);
    return (struct str){out, (size_t)len};
}

static uint64_t
key_count(void)
{
    const char *is_long = getenv("C10M_TEST_LONG");
    return is_long != NULL && strcmp(is_long, "1") == 0 ? KEYS_LONG : KEYS;
}

static int
large_body(struct kv_txn *txn, void *arg)
{
    char *bytes = arena_alloc_bytes(kv_txn_arena(txn), PIECE_BYTES), key[KEY_BYTES];
    memset(bytes, 'x', PIECE_BYTES);
    for (uint64_t i = 0; i * PIECE_BYTES < LARGE_BYTES; i++)
        TRY(kv_set(txn, key_of(i, key), (struct str){bytes, PIECE_BYTES}));
    return OK;
}

static int
large_read_body(struct kv_txn *txn, void *arg)
{
    char key[KEY_BYTES];
    struct str value;
    for (uint64_t i = 0; i * PIECE_BYTES < LARGE_BYTES; i++) {
        TRY(kv_get(txn, key_of(i, key), KV_SERIALIZABLE, &value));
        CHECK(value.len == PIECE_BYTES && value.ptr[PIECE_BYTES - 1] == 'x');
    }
    return OK;
}

static void
large_transaction(struct fixture *f)
{
    run_ok(f, large_body, NULL);
    run_ok(f, large_read_body, NULL);
}

static int
write_body(struct kv_txn *txn, void *arg)
{
    const struct page *p = arg;
    for (uint64_t i = p->first; i < p->first + p->count; i++) {
        char key[KEY_BYTES];
        struct str k = key_of(i, key);
        TRY(p->is_deleted ? kv_del(txn, k) : kv_set(txn, k, STR("value")));
    }
    return OK;
}

static void
write_all(struct fixture *f, uint64_t count, bool is_deleted)
{
    for (uint64_t i = 0; i < count; i += PAGE)
        run_ok(f, write_body, &(struct page){.first = i, .count = PAGE, .is_deleted = is_deleted});
}

// The next page begins behind this one: so it is run once for each.
static int
scan_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    struct kv_range range = {.from = p->from, .to = STR("queue0"), .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key = {0}, value;
    int code = OK;
    p->seen = 0;
    TRY(kv_range_open(txn, &range, &it));
    while (p->seen < p->count && (code = kv_iter_next(it, &key, &value)) == OK)
        p->seen++;
    if (code == OK && key.len > 0) { // the first key behind this one
        memcpy(p->next, key.ptr, key.len);
        p->next[key.len] = 0;
        p->from = (struct str){p->next, key.len + 1};
    }
    kv_iter_close(it);
    p->is_last = code == E_NOT_FOUND;
    return code == E_NOT_FOUND ? OK : code;
}

static uint64_t
scan_all(struct fixture *f)
{
    struct page p = {.from = STR("queue/"), .count = PAGE};
    struct arena arena;
    uint64_t seen = 0;
    arena_init(&arena);
    while (!p.is_last) {
        CHECK(kv_run(f->kv, &arena, scan_body, &p) == OK);
        CHECK(arena.used_bytes < ARENA_BYTES_MAX);
        arena_reset(&arena);
        seen += p.seen;
    }
    arena_fini(&arena);
    return seen;
}

// How many deletions the engine steps over to read one key from `from` on.
static uint64_t
steps_to_head(struct fixture *f, struct str from)
{
    struct page first = {.from = from, .count = 1}, p = first;
    rocksdb_perfcontext_t *context = rocksdb_perfcontext_create();
    rocksdb_set_perf_level(rocksdb_enable_count);
    run_ok(f, scan_body,
           &first); // what is cold is read elsewhere, where nothing is counted
    rocksdb_perfcontext_reset(context);
    run_ok(f, scan_body, &p);
    CHECK(p.seen == 1);
    uint64_t steps = rocksdb_perfcontext_metric(context, rocksdb_internal_delete_skipped_count);
    rocksdb_perfcontext_destroy(context);
    return steps;
}

static void
many_keys(struct fixture *f)
{
    uint64_t count = key_count(), deleted = count / DELETED_DIVISOR;
    char key[KEY_BYTES];
    write_all(f, count, false);
    size_t before = resident_bytes();
    CHECK(scan_all(f) == count);
    size_t after = resident_bytes();
    CHECK(after < before + GROWTH_BYTES_MAX);
    write_all(f, deleted, true);
    CHECK(scan_all(f) == count - deleted);
    // From a remembered mark the head is as near as in a queue that never held
    // more; from the queue's beginning it need not be.
    CHECK(steps_to_head(f, key_of(deleted, key)) == 0);
}

static void
test_large_transaction(void **state)
{
    in_fiber(*state, large_transaction);
}

static void
test_many_keys(void **state)
{
    in_fiber(*state, many_keys);
}

#define ON(kind, name) {kind " " #name, test_##name, fixture_setup, fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("mem:", large_transaction),
        ON("rocks:", large_transaction),
        ON("postgresql:", large_transaction),
        ON("rocks:", many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
