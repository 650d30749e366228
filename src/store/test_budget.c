// The memory and the files of "rocks:" stay within what was given, whatever is written and read.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/rocks.h"

#include "src/store/fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    KIB = 1024,
    CACHE_BYTES = 1024 * KIB,
    WRITE_BUFFER_BYTES = 256 * KIB,
    FILES_OPEN_MAX = 20,
    PAGES = 200,
    PAGE_KEYS = 100,
    VALUE_BYTES = KIB,
    KEY_BYTES = 32,
    EMPTY_EVERY = 50, // of the keys one has an empty value
    HOT_KEYS = 2000,
    COLD_READS_MIN = 1000,
    WAKE_BYTES_MAX = 64, // a cold read; a block has thousands
    // A buffer is full once it has passed its size; blocks that are being read are in use beyond
    // the cache's.
    WRITE_BUFFERS_BYTES_MAX = 2 * WRITE_BUFFER_BYTES + 256 * KIB,
    FILES_IN_USE_MAX = 16, // by a compaction
    BLOCKS_BYTES_MAX = CACHE_BYTES / 16 * 15 + 64 * KIB,
};

struct page {
    struct fixture *fixture;
    size_t first;
};

static struct str
key_of(size_t i, char out[KEY_BYTES])
{
    // Scattered, so that tables overlap and are read all over.
    return (struct str){
        out, (size_t)snprintf(out, KEY_BYTES, "%08zx", i * 2654435761U % (PAGES * PAGE_KEYS))};
}

static int
write_body(struct kv_txn *txn, void *arg)
{
    const struct page *p = arg;
    char key[KEY_BYTES], *value = arena_alloc_bytes(kv_txn_arena(txn), VALUE_BYTES);
    for (size_t i = p->first; i < p->first + PAGE_KEYS; i++) {
        random_bytes(p->fixture->runtime, value, VALUE_BYTES);
        struct str k = key_of(i, key);
        memcpy(value, k.ptr, k.len);
        TRY(kv_set(txn, k, (struct str){value, i % EMPTY_EVERY == 0 ? 0 : VALUE_BYTES}));
    }
    return OK;
}

// What was written there, and not what the engine says of a table that it has to open first.
static void
is_ours(size_t i, struct str key, struct str value)
{
    CHECK(str_is_present(value));
    CHECK(value.len == (i % EMPTY_EVERY == 0 ? 0 : VALUE_BYTES));
    CHECK(value.len == 0 || str_starts(value, key));
}

static int
read_body(struct kv_txn *txn, void *arg)
{
    const struct page *p = arg;
    char key[KEY_BYTES], absent[KEY_BYTES + 1];
    struct str value;
    for (size_t i = p->first; i < p->first + PAGE_KEYS; i++) {
        struct str k = key_of(i, key);
        TRY(kv_get(txn, k, KV_SNAPSHOT, &value));
        is_ours(i, k, value);
        snprintf(absent, sizeof absent, "%s-", key);
        TRY(kv_get(txn, str_of(absent), KV_SNAPSHOT, &value));
        CHECK(!str_is_present(value));
    }
    return OK;
}

static int
read_many_body(struct kv_txn *txn, void *arg)
{
    const struct page *p = arg;
    char bytes[PAGE_KEYS][KEY_BYTES];
    struct str keys[PAGE_KEYS], values[PAGE_KEYS];
    for (size_t i = 0; i < PAGE_KEYS; i++)
        keys[i] = key_of(p->first + i, bytes[i]);
    TRY(kv_get_many(txn, keys, PAGE_KEYS, KV_SNAPSHOT, values));
    for (size_t i = 0; i < PAGE_KEYS; i++)
        is_ours(p->first + i, keys[i], values[i]);
    return OK;
}

static int
scan_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    char from[KEY_BYTES], to[KEY_BYTES];
    struct kv_range range = {.read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    size_t count = 0;
    int code;
    snprintf(from, sizeof from, "%08zx", p->first);
    snprintf(to, sizeof to, "%08zx", p->first + PAGE_KEYS);
    range.from = str_of(from);
    range.to = str_of(to);
    TRY(kv_range_open(txn, &range, &it));
    for (; (code = kv_iter_next(it, &key, &value)) == OK; count++)
        CHECK(value.len == 0 || str_starts(value, key));
    kv_iter_close(it);
    CHECK(code == E_NOT_FOUND && count == PAGE_KEYS);
    return OK;
}

static void
run(struct fixture *f, kv_body_fn *body, size_t first)
{
    run_ok(f, body, &(struct page){f, first});
}

static uint64_t
property(const struct fixture *f, const char *name)
{
    uint64_t value = 0;
    CHECK(rocksdb_property_int(((const struct rocks *)f->kv->backend)->db, name, &value) == 0);
    return value;
}

// The tables that this process has open.
static size_t
tables_open(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    CHECK(dir != NULL);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[64], target[512];
        snprintf(path, sizeof path, "/proc/self/fd/%.20s", e->d_name);
        ssize_t len = readlink(path, target, sizeof target);
        count += len > 0 && str_ends((struct str){target, (size_t)len}, STR(".sst"));
    }
    closedir(dir);
    return count;
}

// What this thread has read from files and the like.
static uint64_t
thread_read_bytes(void)
{
    unsigned long long bytes = 0;
    FILE *f = fopen("/proc/thread-self/io", "r");
    CHECK(f != NULL && fscanf(f, "rchar: %llu", &bytes) == 1);
    fclose(f);
    return bytes;
}

// Since then the loop has read wake-ups of a few bytes, and all that was cold came from the pool.
static void
has_read_memory_only(struct fixture *f, uint64_t bytes_before)
{
    struct kv_stats stats;
    kv_stats_get(f->kv, &stats);
    CHECK(stats.cold_reads > COLD_READS_MIN);
    CHECK(thread_read_bytes() - bytes_before < WAKE_BYTES_MAX * stats.cold_reads);
}

static void
is_within(const struct fixture *f)
{
    CHECK(property(f, "rocksdb.cur-size-all-mem-tables") <= WRITE_BUFFERS_BYTES_MAX);
    uint64_t pinned = property(f, "rocksdb.block-cache-pinned-usage");
    uint64_t used = property(f, "rocksdb.block-cache-usage");
    uint64_t pinned_after = property(f, "rocksdb.block-cache-pinned-usage");
    CHECK(used <= BLOCKS_BYTES_MAX + (pinned > pinned_after ? pinned : pinned_after));
    CHECK(tables_open() <= FILES_OPEN_MAX + FILES_IN_USE_MAX);
    CHECK(read_cache_bytes(f->kv->read_cache) <= CACHE_BYTES / 16);
}

static void
budgets_hold(struct fixture *f)
{
    for (size_t i = 0; i < PAGES; i++) {
        run(f, write_body, i * PAGE_KEYS);
        is_within(f);
    }
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < PAGES; i++) {
            run(f, scan_body, i * PAGE_KEYS);
            is_within(f);
        }
        fixture_reopen(f); // hardly a table is open now
    }
    uint64_t bytes_before = thread_read_bytes();
    for (size_t i = 0; i < PAGES; i++) {
        run(f, i % 2 == 0 ? read_body : read_many_body, i * PAGE_KEYS);
        run(f, read_body, i % (HOT_KEYS / PAGE_KEYS) * PAGE_KEYS); // again and again
        is_within(f);
    }
    // All of that was much more than the budgets, which were used.
    CHECK(property(f, "rocksdb.block-cache-capacity") == CACHE_BYTES / 16 * 15);
    CHECK(property(f, "rocksdb.block-cache-usage") > CACHE_BYTES / 2);
    CHECK(read_cache_bytes(f->kv->read_cache) > CACHE_BYTES / 64);
    has_read_memory_only(f, bytes_before);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_init(f, "rocks:");
    f->options.cache_bytes = CACHE_BYTES;
    f->options.write_buffer_bytes = WRITE_BUFFER_BYTES;
    f->options.files_open_max = FILES_OPEN_MAX;
    fixture_reopen(f);
    *state = f;
    return 0;
}

static void
test_budgets_hold(void **state)
{
    in_fiber(*state, budgets_hold);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_budgets_hold, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
