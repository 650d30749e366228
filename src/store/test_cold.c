// Tests of ranges that are read partly from memory and partly from disk: nothing is left out where
// one of the engine's files ends and the next is not in memory.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"
#include "src/store/rocks.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    KEYS = 480 * 1000,
    PAGE = 4000,
    VALUE_BYTES = 90,
    KEY_BYTES = 16,
    FILES_MIN = 3,
    WAIT_MS_MAX = 60 * 1000,
    WAIT_STEP_MS = 20,
    // A scan reads in chunks. The ends of the files lie at other places in them each time: files
    // end where transactions did, so these have nothing in common with their size.
    SCANS = 12,
    SCAN_PAGE = 4999,
    SCAN_SHIFT = 17,
};

struct span {
    size_t from, to;
    size_t seen;
};

static struct str
key_of(size_t i, char out[KEY_BYTES])
{
    return (struct str){out, (size_t)snprintf(out, KEY_BYTES, "key/%08zu", i)};
}

static int
write_body(struct kv_txn *txn, void *arg)
{
    const struct span *s = arg;
    char *value = arena_alloc_bytes(kv_txn_arena(txn), VALUE_BYTES), key[KEY_BYTES];
    for (size_t i = s->from; i < s->to; i++) {
        for (size_t at = 0; at < VALUE_BYTES; at++)
            value[at] = (char)(i * 31 + at * at * 7);
        TRY(kv_set(txn, key_of(i, key), (struct str){value, VALUE_BYTES}));
    }
    return OK;
}

static int
scan_body(struct kv_txn *txn, void *arg)
{
    struct span *s = arg;
    char from[KEY_BYTES], to[KEY_BYTES];
    struct kv_range range = {
        .from = key_of(s->from, from), .to = key_of(s->to, to), .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    int code;
    s->seen = 0;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK)
        s->seen++;
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static uint64_t
files_at(struct fixture *f, int level)
{
    char name[64];
    snprintf(name, sizeof(name), "rocksdb.num-files-at-level%d", level);
    char *text = rocksdb_property_value(((struct rocks *)f->kv->backend)->db, name);
    CHECK(text != NULL);
    uint64_t count = strtoull(text, NULL, 10);
    rocksdb_free(text);
    return count;
}

static void
write_all(struct fixture *f)
{
    for (size_t i = 0; i < KEYS; i += PAGE)
        run_ok(f, write_body, &(struct span){.from = i, .to = i + PAGE});
    for (int ms = 0; files_at(f, 1) < FILES_MIN; ms += WAIT_STEP_MS) {
        CHECK(ms < WAIT_MS_MAX);
        CHECK(fiber_sleep_until(deadline_in_ms(f->runtime, WAIT_STEP_MS)) == OK);
    }
}

static void
ranges_are_whole(struct fixture *f)
{
    write_all(f);
    for (size_t first = 0; first < SCANS; first++) {
        struct span s = {.from = first * SCAN_SHIFT};
        for (; s.from < KEYS; s.from = s.to) {
            s.to = s.from + SCAN_PAGE < KEYS ? s.from + SCAN_PAGE : KEYS;
            run_ok(f, scan_body, &s);
            CHECK(s.seen == s.to - s.from);
        }
    }
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_init(f, "rocks:");
    f->options.write_buffer_bytes = 1024 * 1024;
    f->options.cache_bytes = 512 * 1024; // much less than there is to read
    fixture_reopen(f);
    *state = f;
    return 0;
}

static void
test_ranges_are_whole(void **state)
{
    in_fiber(*state, ranges_are_whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ranges_are_whole, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
