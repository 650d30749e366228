// Tests of the store's contract with one transaction at a time, on both back ends.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include "src/base/buf.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// "k1 k2 ..." of a range, to compare in one line.
static void
print_range(struct kv_txn *txn, struct kv_range range, struct buf *out)
{
    struct kv_iter *it;
    struct str key, value;
    int code;
    buf_init(out, kv_txn_arena(txn), 64);
    CHECK(kv_range_open(txn, &range, &it) == OK);
    while ((code = kv_iter_next(it, &key, &value)) == OK)
        buf_print(out, STR_FMT "=" STR_FMT " ", STR_ARG(key), STR_ARG(value));
    CHECK(code == E_NOT_FOUND);
    CHECK(kv_iter_next(it, &key, &value) == E_NOT_FOUND);
    kv_iter_close(it);
}

static bool
range_is(struct kv_txn *txn, struct kv_range range, const char *expected)
{
    struct buf out;
    print_range(txn, range, &out);
    bool is_same = str_eq(buf_str(&out), str_of(expected));
    if (!is_same)
        print_error("got \"" STR_FMT "\", expected \"%s\"\n", STR_ARG(buf_str(&out)), expected);
    return is_same;
}

static void
set_and_get(struct fixture *f)
{
    CHECK(has(f, STR("a"), (struct str){0}));
    put(f, STR("a"), STR("1"));
    put(f, STR("empty"), STR(""));
    put(f, STR(""), STR("the empty key"));
    put(f, STR("z\0z"), STR("\0"));
    CHECK(has(f, STR("a"), STR("1")));
    CHECK(has(f, STR("empty"), STR("")));
    CHECK(has(f, STR(""), STR("the empty key")));
    CHECK(has(f, STR("z\0z"), STR("\0")));
    put(f, STR("a"), STR("2"));
    CHECK(has(f, STR("a"), STR("2")));
    del(f, STR("a"));
    del(f, STR("never was"));
    CHECK(has(f, STR("a"), (struct str){0}));
}

static int
overlay_body(struct kv_txn *txn, void *arg)
{
    struct str value;
    CHECK(kv_set(txn, STR("k"), STR("mine")) == OK);
    CHECK(kv_get(txn, STR("k"), KV_SERIALIZABLE, &value) == OK);
    CHECK(str_eq(value, STR("mine")));
    CHECK(kv_del(txn, STR("k")) == OK);
    CHECK(kv_get(txn, STR("k"), KV_SERIALIZABLE, &value) == OK);
    CHECK(!str_is_present(value));
    CHECK(kv_set(txn, STR("k"), STR("mine again")) == OK);
    CHECK(kv_get(txn, STR("k"), KV_SERIALIZABLE, &value) == OK);
    CHECK(str_eq(value, STR("mine again")));
    return *(int *)arg;
}

static void
own_writes_are_read(struct fixture *f)
{
    put(f, STR("k"), STR("old"));
    int code = E_FAULT;
    CHECK(run_txn(f, overlay_body, &code) == E_FAULT);
    CHECK(has(f, STR("k"), STR("old"))); // cancelled
    code = OK;
    CHECK(run_txn(f, overlay_body, &code) == OK);
    CHECK(has(f, STR("k"), STR("mine again")));
}

static int
ranges_body(struct kv_txn *txn, void *arg)
{
    struct kv_range all = {.from = STR("a"), .to = STR("z")};
    CHECK(range_is(txn, all, "a=1 b=2 c=3 d=4 "));
    CHECK(range_is(txn, (struct kv_range){.from = STR("b"), .to = STR("d")}, "b=2 c=3 "));
    CHECK(range_is(txn, (struct kv_range){.from = STR("b"), .to = STR("d"), .is_reverse = true},
                   "c=3 b=2 "));
    CHECK(
        range_is(txn, (struct kv_range){.from = STR("a"), .to = STR("z"), .limit = 2}, "a=1 b=2 "));
    CHECK(range_is(
        txn, (struct kv_range){.from = STR("a"), .to = STR("z"), .limit = 2, .is_reverse = true},
        "d=4 c=3 "));
    CHECK(range_is(txn, (struct kv_range){.from = STR("b"), .to = STR("b")}, ""));
    CHECK(range_is(txn, (struct kv_range){.from = STR("c"), .to = STR("b")}, ""));
    CHECK(range_is(txn, (struct kv_range){.from = STR("bb"), .to = STR("bc")}, ""));
    CHECK(range_is(txn, (struct kv_range){.from = STR("a"), .to = STR("a\0")}, "a=1 "));

    CHECK(kv_set(txn, STR("aa"), STR("mine")) == OK);
    CHECK(kv_set(txn, STR("c"), STR("mine")) == OK);
    CHECK(kv_del(txn, STR("b")) == OK);
    CHECK(kv_del(txn, STR("d")) == OK);
    CHECK(kv_set(txn, STR("e"), STR("mine")) == OK);
    CHECK(kv_add(txn, STR("f"), 1) == OK); // not seen
    CHECK(range_is(txn, all, "a=1 aa=mine c=mine e=mine "));
    all.is_reverse = true;
    CHECK(range_is(txn, all, "e=mine c=mine aa=mine a=1 "));
    all.limit = 3;
    CHECK(range_is(txn, all, "e=mine c=mine aa=mine "));
    return E_FAULT;
}

static void
ranges_merge_own_writes(struct fixture *f)
{
    put(f, STR("a"), STR("1"));
    put(f, STR("b"), STR("2"));
    put(f, STR("c"), STR("3"));
    put(f, STR("d"), STR("4"));
    put(f, STR("z"), STR("outside"));
    CHECK(run_txn(f, ranges_body, NULL) == E_FAULT);
}

static bool
seek_finds(struct kv_iter *it, struct str to, struct str expected)
{
    struct str key = {0}, value;
    CHECK(kv_iter_seek(it, to) == OK);
    int code = kv_iter_next(it, &key, &value);
    CHECK(code == (str_is_present(expected) ? OK : E_NOT_FOUND));
    return str_eq(key, expected);
}

static int
seek_body(struct kv_txn *txn, void *arg)
{
    const struct str none = {0};
    struct kv_iter *it;
    CHECK(kv_set(txn, STR("ee"), STR("mine")) == OK);
    struct kv_range range = {.from = STR("b"), .to = STR("g")};
    CHECK(kv_range_open(txn, &range, &it) == OK);
    CHECK(seek_finds(it, STR("d"), STR("e")));
    CHECK(seek_finds(it, STR("ea"), STR("ee")));
    CHECK(seek_finds(it, STR("f"), none)); // g is outside
    CHECK(seek_finds(it, STR("zz"), none));
    CHECK(seek_finds(it, STR("a"), STR("c"))); // a is outside
    kv_iter_close(it);
    range.is_reverse = true;
    CHECK(kv_range_open(txn, &range, &it) == OK);
    CHECK(seek_finds(it, STR("d"), STR("c")));
    CHECK(seek_finds(it, STR("ef"), STR("ee")));
    CHECK(seek_finds(it, STR("e"), STR("e")));
    CHECK(seek_finds(it, STR("b"), none));
    CHECK(seek_finds(it, STR("a"), none));
    CHECK(seek_finds(it, STR("zz"), STR("ee")));
    return E_FAULT; // and the transaction closes the iterator
}

static void
iterators_seek(struct fixture *f)
{
    put(f, STR("a"), STR("1"));
    put(f, STR("c"), STR("1"));
    put(f, STR("e"), STR("1"));
    put(f, STR("g"), STR("1"));
    CHECK(run_txn(f, seek_body, NULL) == E_FAULT);
}

static int
counters_body(struct kv_txn *txn, void *arg)
{
    struct str value;
    CHECK(kv_add(txn, STR("n"), 5) == OK);
    CHECK(kv_add(txn, STR("n"), -7) == OK);
    CHECK(kv_get(txn, STR("n"), KV_SNAPSHOT, &value) == OK);
    CHECK(kv_counter(value) == *(int64_t *)arg); // without the additions
    CHECK(kv_set(txn, STR("set"), STR("\x05\0\0\0\0\0\0\0")) == OK);
    CHECK(kv_add(txn, STR("set"), 1) == OK);
    CHECK(kv_add(txn, STR("deleted"), 1) == OK);
    CHECK(kv_del(txn, STR("deleted")) == OK);
    CHECK(kv_del(txn, STR("deleted first")) == OK);
    CHECK(kv_add(txn, STR("deleted first"), 3) == OK);
    return OK;
}

static int
extreme_body(struct kv_txn *txn, void *arg)
{
    return kv_add(txn, STR("extreme"), INT64_MAX);
}

static void
counters_count(struct fixture *f)
{
    put(f, STR("deleted first"), STR("\x09\0\0\0\0\0\0\0"));
    int64_t before = 0;
    CHECK(run_txn(f, counters_body, &before) == OK);
    before = -2;
    CHECK(run_txn(f, counters_body, &before) == OK);
    CHECK(counter_of(f, STR("n")) == -4);
    CHECK(counter_of(f, STR("set")) == 6);
    CHECK(counter_of(f, STR("deleted first")) == 3);
    CHECK(has(f, STR("deleted"), (struct str){0}));
    CHECK(has(f, STR("n"), STR("\xfc\xff\xff\xff\xff\xff\xff\xff"))); // little-endian
    put(f, STR("n"), STR("\x01\0\0\0\0\0\0\0"));                      // not what was remembered
    before = 1;
    CHECK(run_txn(f, counters_body, &before) == OK);
    CHECK(counter_of(f, STR("n")) == -1);
    del(f, STR("n"));
    before = 0;
    CHECK(run_txn(f, counters_body, &before) == OK);
    CHECK(counter_of(f, STR("n")) == -2);
    CHECK(run_txn(f, extreme_body, NULL) == OK);
    CHECK(run_txn(f, extreme_body, NULL) == OK);
    CHECK(counter_of(f, STR("extreme")) == -2); // wraps
}

static int
stamps_body(struct kv_txn *txn, void *arg)
{
    struct str value;
    CHECK(kv_set_stamped(txn, STR("s/01234567"), 2, STR("first"), KV_NO_STAMP) == OK);
    CHECK(kv_set_stamped(txn, STR("s/01234567/x"), 2, STR("<01234567>"), 1) == OK);
    CHECK(kv_set_stamped(txn, STR("last"), KV_NO_STAMP, STR("01234567"), 0) == OK);
    CHECK(kv_get(txn, STR("last"), KV_SNAPSHOT, &value) == OK);
    CHECK(str_is_present(value) == *(bool *)arg); // only what an earlier transaction stamped
    return OK;
}

static struct str
stamped(struct arena *a, const char *before, const struct kv_stamp *stamp, const char *after)
{
    struct buf b;
    buf_init(&b, a, 64);
    buf_put(&b, str_of(before));
    buf_put(&b, (struct str){(const char *)stamp->bytes, KV_STAMP_BYTES});
    buf_put(&b, str_of(after));
    return buf_str(&b);
}

static void
check_stamped(struct fixture *f, const struct kv_stamp *stamp, struct arena *a)
{
    CHECK(has(f, stamped(a, "s/", stamp, ""), STR("first")));
    CHECK(has(f, stamped(a, "s/", stamp, "/x"), stamped(a, "<", stamp, ">")));
}

static void
stamps_grow(struct fixture *f)
{
    struct arena arena;
    arena_init(&arena);
    struct kv_stamp first, second, third;
    bool is_later = false;
    CHECK(kv_run_stamped(f->kv, &arena, stamps_body, &is_later, &first) == OK);
    fixture_reopen(f);
    is_later = f->is_durable;
    CHECK(kv_run_stamped(f->kv, &arena, stamps_body, &is_later, &second) == OK);
    is_later = true;
    CHECK(kv_run_stamped(f->kv, &arena, stamps_body, &is_later, &third) == OK);
    CHECK(memcmp(second.bytes, third.bytes, KV_STAMP_BYTES) < 0);
    if (f->is_durable) {
        CHECK(memcmp(first.bytes, second.bytes, KV_STAMP_BYTES) < 0); // not used twice
        check_stamped(f, &first, &arena);
    }
    check_stamped(f, &second, &arena);
    check_stamped(f, &third, &arena);
    CHECK(has(f, STR("last"), stamped(&arena, "", &third, "")));
    arena_fini(&arena);
}

static int
read_only_body(struct kv_txn *txn, void *arg)
{
    struct str value;
    return kv_get(txn, STR("a"), KV_SERIALIZABLE, &value);
}

static void
reading_has_no_stamp(struct fixture *f)
{
    struct arena arena;
    arena_init(&arena);
    struct kv_stamp stamp, zero = {0};
    memset(&stamp, 1, sizeof stamp);
    CHECK(kv_run_stamped(f->kv, &arena, read_only_body, NULL, &stamp) == OK);
    CHECK(memcmp(&stamp, &zero, sizeof zero) == 0);
    struct kv_stats stats;
    kv_stats_get(f->kv, &stats);
    CHECK(stats.commits == 0 && stats.batches == 0);
    arena_fini(&arena);
}

struct limits {
    char *bytes; // one more than a value may have, which do not compress
    size_t key_bytes_max;
    int code; // of the body
};

// Of a transaction that is full.
static void
reads_are_limited(struct kv_txn *txn)
{
    struct str key = STR("read"), value;
    struct kv_range range = {.from = STR("a"), .to = STR("b")};
    struct kv_iter *it;
    CHECK(kv_get(txn, key, KV_SERIALIZABLE, &value) == E_LIMIT);
    CHECK(kv_get_many(txn, &key, 1, KV_SERIALIZABLE, &value) == E_LIMIT);
    CHECK(kv_range_open(txn, &range, &it) == E_LIMIT);
    CHECK(kv_get(txn, key, KV_SNAPSHOT, &value) == OK && !str_is_present(value));
}

static int
limits_body(struct kv_txn *txn, void *arg)
{
    const struct limits *l = arg;
    const char *bytes = l->bytes;
    struct str big_key = {bytes, l->key_bytes_max}, big_value = {bytes, KV_VALUE_BYTES_MAX};
    struct str huge_key = {bytes, l->key_bytes_max + 1};
    struct str huge_value = {bytes, KV_VALUE_BYTES_MAX + 1};
    CHECK(kv_set(txn, huge_key, STR("v")) == E_LIMIT);
    CHECK(kv_set(txn, STR("k"), huge_value) == E_LIMIT);
    CHECK(kv_del(txn, huge_key) == E_LIMIT);
    CHECK(kv_add(txn, huge_key, 1) == E_LIMIT);
    CHECK(kv_set_stamped(txn, huge_key, 0, STR("v"), KV_NO_STAMP) == E_LIMIT);
    CHECK(kv_set(txn, big_key, big_value) == OK);
    size_t left = KV_TXN_BYTES_MAX - l->key_bytes_max - KV_VALUE_BYTES_MAX;
    for (; left > KV_VALUE_BYTES_MAX; left -= KV_VALUE_BYTES_MAX + 1)
        CHECK(kv_set(txn, STR("k"), big_value) == OK);
    CHECK(kv_set(txn, STR("k"), big_value) == E_LIMIT);
    CHECK(kv_set(txn, STR("k"), (struct str){bytes, left - 1}) == OK);
    CHECK(kv_del(txn, STR("k")) == E_LIMIT);
    reads_are_limited(txn);
    return l->code;
}

static void
limits_hold(struct fixture *f)
{
    struct limits l = {malloc(KV_VALUE_BYTES_MAX + 1), kv_key_bytes_max(f->kv), E_FAULT};
    CHECK(l.bytes != NULL);
    CHECK(l.key_bytes_max == (f->is_shared ? 2600 : KV_KEY_BYTES_MAX));
    random_bytes(f->runtime, l.bytes, KV_VALUE_BYTES_MAX + 1);
    CHECK(run_txn(f, limits_body, &l) == E_FAULT);
    l.code = OK;
    CHECK(run_txn(f, limits_body, &l) == OK);
    CHECK(
        has(f, (struct str){l.bytes, l.key_bytes_max}, (struct str){l.bytes, KV_VALUE_BYTES_MAX}));
    free(l.bytes);
}

struct calls {
    int runs, first, second, code;
};

static void
count_call(void *arg)
{
    ++*(int *)arg;
}

static int
calls_body(struct kv_txn *txn, void *arg)
{
    struct calls *c = arg;
    c->runs++;
    for (uint32_t i = 0; i < 3; i++)
        CHECK(kv_txn_number(txn) == i);
    kv_after_commit(txn, count_call, &c->first);
    kv_after_commit(txn, count_call, &c->second);
    kv_after_commit(txn, count_call, &c->first);
    TRY(kv_add(txn, STR("n"), 1));
    return c->code;
}

static void
calls_come_after_the_commit(struct fixture *f)
{
    struct calls c = {.code = E_FAULT};
    CHECK(run_txn(f, calls_body, &c) == E_FAULT);
    CHECK(c.first == 0 && c.second == 0);
    c.code = OK;
    f->kv->runs_twice = true;
    CHECK(run_txn(f, calls_body, &c) == OK);
    f->kv->runs_twice = false;
    CHECK(c.runs == 3);
    CHECK(c.first == 1 && c.second == 1);
}

static int
too_old_body(struct kv_txn *txn, void *arg)
{
    struct kv_iter *it;
    struct kv_range range = {.from = STR("a"), .to = STR("b")};
    CHECK(kv_range_open(txn, &range, &it) == E_TOO_OLD);
    return read_only_body(txn, arg);
}

static int
write_only_body(struct kv_txn *txn, void *arg)
{
    return kv_set(txn, STR("a"), STR("1"));
}

static void
old_transactions_fail(struct fixture *f)
{
    f->kv->txn_ms_max = -1;
    CHECK(run_txn(f, too_old_body, NULL) == E_TOO_OLD);
    CHECK(run_txn(f, write_only_body, NULL) == E_TOO_OLD);
    f->kv->txn_ms_max = KV_TXN_MS_MAX;
    CHECK(has(f, STR("a"), (struct str){0}));
}

static int
twice_body(struct kv_txn *txn, void *arg)
{
    int *runs = arg;
    ++*runs;
    return kv_add(txn, STR("n"), 1);
}

static void
bodies_run_twice(struct fixture *f)
{
    int runs = 0;
    f->kv->runs_twice = true;
    CHECK(run_txn(f, twice_body, &runs) == OK);
    f->kv->runs_twice = false;
    CHECK(runs == 2);
    CHECK(counter_of(f, STR("n")) == 1);
    CHECK(run_txn(f, twice_body, &runs) == OK);
    CHECK(runs == 3);
}

static void
reopened_store_has_all(struct fixture *f)
{
    put(f, STR("a"), STR("1"));
    put(f, STR("b"), STR("2"));
    del(f, STR("b"));
    fixture_reopen(f);
    CHECK(has(f, STR("a"), f->is_durable ? STR("1") : (struct str){0}));
    CHECK(has(f, STR("b"), (struct str){0}));
    put(f, STR("b"), STR("3"));
    CHECK(has(f, STR("b"), STR("3")));
}

static int
open_another(struct fixture *f, bool is_alone)
{
    struct kv_options options = f->options;
    struct kv *kv;
    char problem[512] = "";
    options.is_alone = is_alone;
    int code = kv_open(f->url, &options, &kv, problem, sizeof problem);
    CHECK(code == OK || *problem != 0);
    if (code == OK)
        kv_close(kv);
    return code;
}

// As fsck wants it; and rocks: is never anybody else's.
static void
one_alone_excludes_all_others(struct fixture *f)
{
    CHECK(open_another(f, true) == E_EXISTS);
    CHECK(open_another(f, false) == (f->is_shared ? OK : E_EXISTS));
    f->options.is_alone = true;
    fixture_reopen(f);
    CHECK(open_another(f, false) == E_EXISTS);
    CHECK(open_another(f, true) == E_EXISTS);
    put(f, STR("a"), STR("1"));
    f->options.is_alone = false;
    fixture_reopen(f);
    CHECK(open_another(f, true) == E_EXISTS);
    CHECK(has(f, STR("a"), STR("1")));
}

struct closing {
    struct fixture *fixture;
    bool has_begun;
};

static int
slow_body(struct kv_txn *txn, void *arg)
{
    struct closing *c = arg;
    c->has_begun = true;
    for (int i = 0; i < 100; i++)
        fiber_yield();
    return kv_set(txn, STR("a"), STR("1"));
}

static void
put_slowly(void *arg)
{
    struct closing *c = arg;
    CHECK(run_txn(c->fixture, slow_body, c) == OK);
}

static void
closing_waits_for_commits(struct fixture *f)
{
    struct closing c = {.fixture = f};
    struct loop *here = fiber_loop(fiber_self());
    CHECK(fiber_start(here, "test", put_slowly, &c, NULL) == OK);
    while (!c.has_begun)
        fiber_yield();
    fixture_reopen(f);
    CHECK(has(f, STR("a"), f->is_durable ? STR("1") : (struct str){0}));
}

static void
commits_cannot_be_cancelled(struct fixture *f)
{
    fiber_cancel(fiber_self());
    put(f, STR("a"), STR("1"));
    CHECK(has(f, STR("a"), STR("1")));
}

enum { MANY = 3000, PUTTERS = 64, MANY_BYTES = 1000, MANY_KEY_SIZE = 32 };

static struct str
many_key(size_t i, char out[MANY_KEY_SIZE])
{
    snprintf(out, MANY_KEY_SIZE, "many%05zu", i);
    return str_of(out);
}

static void
put_many(struct fixture *f, size_t first)
{
    for (size_t i = first; i < MANY; i += PUTTERS) {
        char key[MANY_KEY_SIZE], value[MANY_BYTES];
        memset(value, (int)i, sizeof value);
        put(f, many_key(i, key), (struct str){value, sizeof value});
    }
}

static int
scan_body(struct kv_txn *txn, void *arg)
{
    struct kv_range range = {.from = STR("many"), .to = STR("many~"), .is_reverse = *(bool *)arg};
    struct kv_iter *it;
    struct str key, value;
    CHECK(kv_range_open(txn, &range, &it) == OK);
    for (int i = 0; i < MANY; i++) {
        char expected_key[MANY_KEY_SIZE];
        int expected = range.is_reverse ? MANY - 1 - i : i;
        CHECK(kv_iter_next(it, &key, &value) == OK);
        CHECK(str_eq(key, many_key((size_t)expected, expected_key)));
        CHECK(value.len == MANY_BYTES && value.ptr[0] == (char)expected);
    }
    CHECK(kv_iter_next(it, &key, &value) == E_NOT_FOUND);
    CHECK(kv_iter_seek(it, STR("many01500")) == OK);
    CHECK(kv_iter_next(it, &key, &value) == OK);
    CHECK(str_eq(key, STR("many01500")));
    return OK;
}

// More than the cache holds, and after a reopening nothing is in it: reads go to the pool.
static void
cold_data_is_read(struct fixture *f)
{
    in_fibers(f, PUTTERS, put_many);
    f->options.cache_bytes = 64 * 1024;
    fixture_reopen(f);
    if (!f->is_durable)
        return;
    char value[MANY_BYTES];
    memset(value, 7, sizeof value);
    CHECK(has(f, STR("many00007"), (struct str){value, sizeof value}));
    struct kv_stats stats;
    kv_stats_get(f->kv, &stats);
    CHECK(stats.cold_reads > 0);
    bool is_reverse = false;
    CHECK(run_txn(f, scan_body, &is_reverse) == OK);
    is_reverse = true;
    CHECK(run_txn(f, scan_body, &is_reverse) == OK);
}

static int
get_many_body(struct kv_txn *txn, void *arg)
{
    struct str keys[] = {STR("c"), STR("a"), STR("own"), STR("none"), STR("gone"), STR("a")};
    struct str values[COUNT_OF(keys)];
    TRY(kv_set(txn, STR("own"), STR("mine")));
    TRY(kv_del(txn, STR("gone")));
    TRY(kv_get_many(txn, keys, COUNT_OF(keys), KV_SERIALIZABLE, values));
    CHECK(str_eq(values[0], STR("3")) && str_eq(values[1], STR("1")));
    CHECK(str_eq(values[2], STR("mine")));
    CHECK(!str_is_present(values[3]) && !str_is_present(values[4]));
    CHECK(str_eq(values[5], STR("1")));
    return kv_get_many(txn, keys, 0, KV_SERIALIZABLE, values);
}

static void
many_are_got(struct fixture *f)
{
    put(f, STR("a"), STR("1"));
    put(f, STR("c"), STR("3"));
    put(f, STR("gone"), STR("4"));
    CHECK(run_txn(f, get_many_body, NULL) == OK);
    if (!f->is_durable)
        return;
    fixture_reopen(f); // nothing is in memory now
    CHECK(run_txn(f, get_many_body, NULL) == OK);
    struct kv_stats stats;
    kv_stats_get(f->kv, &stats);
    CHECK(stats.cold_reads > 0);
}

static int
rewind_body(struct kv_txn *txn, void *arg)
{
    struct arena *a = kv_txn_arena(txn);
    struct arena_mark early = arena_mark(a);
    TRY(kv_set(txn, STR("k"), STR("v")));
    struct arena_mark late = arena_mark(a);
    arena_alloc(a, 100);
    arena_rewind(a, late); // allowed: the write lies below
    arena_rewind(a, early);
    return OK;
}

static int
rewinding(void *arg)
{
    return run_txn(arg, rewind_body, NULL);
}

// A body that gives its own write set back is a bug that must not go unseen.
static void
test_rewound_writes_abort(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); // not cmocka's
        int quiet = open("/dev/null", O_WRONLY);
        dup2(quiet, STDERR_FILENO);
        void *own = (void *)"mem:";
        fixture_setup(&own);
        _exit(runtime_call(((struct fixture *)own)->runtime, rewinding, own));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

#define KV_TEST(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }
KV_TEST(set_and_get)
KV_TEST(own_writes_are_read)
KV_TEST(ranges_merge_own_writes)
KV_TEST(iterators_seek)
KV_TEST(counters_count)
KV_TEST(stamps_grow)
KV_TEST(reading_has_no_stamp)
KV_TEST(limits_hold)
KV_TEST(calls_come_after_the_commit)
KV_TEST(old_transactions_fail)
KV_TEST(bodies_run_twice)
KV_TEST(reopened_store_has_all)
KV_TEST(one_alone_excludes_all_others)
KV_TEST(closing_waits_for_commits)
KV_TEST(commits_cannot_be_cancelled)
KV_TEST(cold_data_is_read)
KV_TEST(many_are_got)

#define ON(kind, name) {kind " " #name, test_##name, fixture_setup, fixture_teardown, (void *)kind}
#define ON_ALL(name) ON("mem:", name), ON("rocks:", name), ON("postgresql:", name)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(set_and_get),
        ON_ALL(own_writes_are_read),
        ON_ALL(ranges_merge_own_writes),
        ON_ALL(iterators_seek),
        ON_ALL(counters_count),
        ON_ALL(stamps_grow),
        ON_ALL(reading_has_no_stamp),
        ON_ALL(limits_hold),
        ON_ALL(calls_come_after_the_commit),
        ON_ALL(old_transactions_fail),
        ON_ALL(bodies_run_twice),
        ON_ALL(reopened_store_has_all),
        ON("rocks:", one_alone_excludes_all_others),
        ON("postgresql:", one_alone_excludes_all_others),
        ON_ALL(closing_waits_for_commits),
        ON_ALL(commits_cannot_be_cancelled),
        ON_ALL(cold_data_is_read),
        ON_ALL(many_are_got),
        cmocka_unit_test(test_rewound_writes_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
