// Tests of isolation: what conflicts, what does not, and what many fibers see of each other.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <stdio.h>

enum {
    FIBERS = 64,
    ROUNDS = 8,
    ACCOUNTS = 8,
    ACCOUNT_START = 1000,
    KEY_SIZE = 32,
};

// A transaction reads, then another one writes and commits, then the first one writes elsewhere.
typedef void read_fn(struct kv_txn *txn);

struct clash {
    const char *name;
    read_fn *read;
    const char *written; // by the other transaction; "-k" deletes k, "+k" adds to k
    bool is_conflict;
};

struct clash_run {
    struct fixture *fixture;
    const struct clash *clash;
    int attempts;
};

static void
get(struct kv_txn *txn, const char *key, enum kv_read read)
{
    struct str value;
    CHECK(kv_get(txn, str_of(key), read, &value) == OK);
}

static void
scan(struct kv_txn *txn, struct kv_range range, size_t count)
{
    struct kv_iter *it;
    struct str key, value;
    range.from = str_is_present(range.from) ? range.from : STR("b");
    range.to = str_is_present(range.to) ? range.to : STR("y");
    CHECK(kv_range_open(txn, &range, &it) == OK);
    for (size_t i = 0; i < count; i++) {
        int code = kv_iter_next(it, &key, &value);
        CHECK(code == OK || code == E_NOT_FOUND);
    }
    kv_iter_close(it);
}

static void
read_nothing(struct kv_txn *txn)
{
}

static void
read_point(struct kv_txn *txn)
{
    get(txn, "d", KV_SERIALIZABLE);
}

static void
read_absent_point(struct kv_txn *txn)
{
    get(txn, "dd", KV_SERIALIZABLE);
}

static void
read_point_snapshot(struct kv_txn *txn)
{
    get(txn, "d", KV_SNAPSHOT);
}

static void
read_own_write(struct kv_txn *txn)
{
    CHECK(kv_set(txn, STR("d"), STR("mine")) == OK);
    get(txn, "d", KV_SERIALIZABLE);
}

static void
read_all(struct kv_txn *txn)
{
    scan(txn, (struct kv_range){0}, 100);
}

static void
read_all_reverse(struct kv_txn *txn)
{
    scan(txn, (struct kv_range){.is_reverse = true}, 100);
}

static void
read_all_snapshot(struct kv_txn *txn)
{
    scan(txn, (struct kv_range){.read = KV_SNAPSHOT}, 100);
}

static void
read_limited(struct kv_txn *txn) // sees b d
{
    scan(txn, (struct kv_range){.limit = 2}, 100);
}

static void
read_limited_reverse(struct kv_txn *txn) // sees x f
{
    scan(txn, (struct kv_range){.limit = 2, .is_reverse = true}, 100);
}

static void
read_closed_early(struct kv_txn *txn) // sees b d
{
    scan(txn, (struct kv_range){0}, 2);
}

static void
read_opened_only(struct kv_txn *txn)
{
    scan(txn, (struct kv_range){0}, 0);
}

static void
read_own_last(struct kv_txn *txn) // sees b and its own c
{
    CHECK(kv_set(txn, STR("c"), STR("mine")) == OK);
    scan(txn, (struct kv_range){.limit = 2}, 100);
}

static void
read_left_open(struct kv_txn *txn) // sees b d
{
    struct kv_iter *it;
    struct str key, value;
    CHECK(kv_range_open(txn, &(struct kv_range){.from = STR("b"), .to = STR("y")}, &it) == OK);
    CHECK(kv_iter_next(it, &key, &value) == OK);
    CHECK(kv_iter_next(it, &key, &value) == OK);
}

static void
read_sought(struct kv_txn *txn) // sees b, then f: d is skipped
{
    struct kv_iter *it;
    struct str key, value;
    CHECK(kv_range_open(txn, &(struct kv_range){.from = STR("b"), .to = STR("y")}, &it) == OK);
    CHECK(kv_iter_next(it, &key, &value) == OK);
    CHECK(kv_iter_seek(it, STR("e")) == OK);
    CHECK(kv_iter_next(it, &key, &value) == OK);
    kv_iter_close(it);
}

static void
read_sought_reverse(struct kv_txn *txn) // sees x, then d b and the rest below
{
    struct kv_iter *it;
    struct str key, value;
    struct kv_range range = {.from = STR("a"), .to = STR("y"), .is_reverse = true};
    CHECK(kv_range_open(txn, &range, &it) == OK);
    CHECK(kv_iter_next(it, &key, &value) == OK);
    CHECK(kv_iter_seek(it, STR("d")) == OK);
    while (kv_iter_next(it, &key, &value) == OK)
        continue;
    kv_iter_close(it);
}

// The store holds b d f x.
static const struct clash CLASHES[] = {
    {"blind write", read_nothing, "d", false},
    {"point", read_point, "d", true},
    {"point deleted", read_point, "-d", true},
    {"point added to", read_point, "+d", true},
    {"point, another key", read_point, "dd", false},
    {"absent point, made", read_absent_point, "dd", true},
    {"snapshot point", read_point_snapshot, "d", false},
    {"own write", read_own_write, "d", false},
    {"range, key", read_all, "f", true},
    {"range, first key", read_all, "b", true},
    {"range, phantom", read_all, "g", true},
    {"range, phantom at its end", read_all, "xx", true},
    {"range, deleted", read_all, "-f", true},
    {"range, below", read_all, "a", false},
    {"range, at its end", read_all, "y", false},
    {"reverse range, phantom", read_all_reverse, "c", true},
    {"reverse range, at its end", read_all_reverse, "y", false},
    {"snapshot range", read_all_snapshot, "f", false},
    {"limit, seen", read_limited, "d", true},
    {"limit, phantom between", read_limited, "c", true},
    {"limit, phantom behind", read_limited, "dd", false},
    {"reverse limit, seen", read_limited_reverse, "f", true},
    {"reverse limit, phantom between", read_limited_reverse, "g", true},
    {"reverse limit, behind", read_limited_reverse, "d", false},
    {"reverse limit, phantom before", read_limited_reverse, "xx", true},
    {"closed early, seen", read_closed_early, "d", true},
    {"closed early, behind", read_closed_early, "f", false},
    {"opened only", read_opened_only, "b", false},
    {"own last, seen", read_own_last, "b", true},
    {"own last, behind", read_own_last, "d", false},
    {"left open, seen", read_left_open, "d", true},
    {"left open, behind", read_left_open, "f", false},
    {"sought, seen first", read_sought, "b", true},
    {"sought, skipped", read_sought, "d", false},
    {"sought, phantom before the found", read_sought, "ee", true},
    {"sought, behind", read_sought, "x", false},
    {"sought back, seen", read_sought_reverse, "x", true},
    {"sought back, found", read_sought_reverse, "d", true},
    {"sought back, skipped", read_sought_reverse, "f", false},
    {"sought back, phantom at the sought", read_sought_reverse, "c", true},
    {"sought back, phantom at the end", read_sought_reverse, "a", true},
};

static int
other_body(struct kv_txn *txn, void *arg)
{
    const char *written = arg;
    if (written[0] == '-')
        return kv_del(txn, str_of(written + 1));
    if (written[0] == '+')
        return kv_add(txn, str_of(written + 1), 1);
    return kv_set(txn, str_of(written), STR("\x01\0\0\0\0\0\0\0"));
}

static void
run_alone(struct fixture *f, kv_body_fn *body, const void *arg)
{
    struct arena arena;
    arena_init(&arena);
    CHECK(kv_run(f->kv, &arena, body, (void *)arg) == OK);
    arena_fini(&arena);
}

static int
clash_body(struct kv_txn *txn, void *arg)
{
    struct clash_run *r = arg;
    r->clash->read(txn);
    if (r->attempts++ == 0)
        run_alone(r->fixture, other_body, r->clash->written);
    return kv_set(txn, STR("elsewhere"), STR("x"));
}

static void
clash(struct fixture *f, const struct clash *c)
{
    static const char *const KEYS[] = {"b", "d", "f", "x"};
    static const char *const GONE[] = {"-a", "-c", "-dd", "-ee", "-g", "-xx", "-y"};
    for (size_t i = 0; i < COUNT_OF(KEYS); i++)
        run_alone(f, other_body, KEYS[i]);
    for (size_t i = 0; i < COUNT_OF(GONE); i++)
        run_alone(f, other_body, GONE[i]);
    struct clash_run r = {.fixture = f, .clash = c};
    run_alone(f, clash_body, &r);
    if ((r.attempts > 1) != c->is_conflict)
        print_error("%s: %d attempts\n", c->name, r.attempts);
    CHECK((r.attempts > 1) == c->is_conflict);
}

static void
reads_conflict(struct fixture *f)
{
    for (size_t i = 0; i < COUNT_OF(CLASHES); i++)
        clash(f, &CLASHES[i]);
}

static int
reader_body(struct kv_txn *txn, void *arg)
{
    struct clash_run *r = arg;
    struct str first, second;
    CHECK(kv_get(txn, STR("d"), KV_SERIALIZABLE, &first) == OK);
    r->attempts++;
    put(r->fixture, STR("d"), STR("new"));
    put(r->fixture, STR("new"), STR("new"));
    CHECK(kv_get(txn, STR("d"), KV_SERIALIZABLE, &second) == OK);
    CHECK(str_eq(first, STR("old")) && str_eq(second, STR("old")));
    CHECK(kv_get(txn, STR("new"), KV_SERIALIZABLE, &second) == OK);
    CHECK(!str_is_present(second));
    scan(txn, (struct kv_range){0}, 100);
    return OK;
}

// One snapshot for all reads; without writes nothing can conflict.
static void
readers_see_one_moment(struct fixture *f)
{
    put(f, STR("d"), STR("old"));
    struct clash_run r = {.fixture = f};
    run_alone(f, reader_body, &r);
    CHECK(r.attempts == 1);
    CHECK(has(f, STR("d"), STR("new")));
}

static int
stubborn_body(struct kv_txn *txn, void *arg)
{
    struct clash_run *r = arg;
    r->attempts++;
    read_point(txn);
    put(r->fixture, STR("d"), STR("again"));
    return kv_set(txn, STR("elsewhere"), STR("x"));
}

static void
endless_conflicts_give_up(struct fixture *f)
{
    struct clash_run r = {.fixture = f};
    struct arena arena;
    arena_init(&arena);
    f->kv->txn_ms_max = 300;
    CHECK(kv_run(f->kv, &arena, stubborn_body, &r) == E_CONFLICT);
    f->kv->txn_ms_max = KV_TXN_MS_MAX;
    CHECK(r.attempts > 1);
    CHECK(arena.used_bytes < 16 * 1024); // rewound each time
    CHECK(has(f, STR("elsewhere"), (struct str){0}));
    struct kv_stats stats;
    kv_stats_get(f->kv, &stats);
    CHECK(stats.conflicts == (uint64_t)r.attempts);
    arena_fini(&arena);
}

static int
increment_body(struct kv_txn *txn, void *arg)
{
    struct str value;
    char digits[KEY_SIZE];
    int64_t n = 0;
    TRY(kv_get(txn, STR("n"), KV_SERIALIZABLE, &value));
    if (str_is_present(value))
        CHECK(str_to_int64(value, &n) == OK);
    snprintf(digits, sizeof digits, "%lld", (long long)n + 1);
    TRY(kv_add(txn, STR("added"), 1));
    return kv_set(txn, STR("n"), str_of(digits));
}

static void
increment(struct fixture *f, size_t i)
{
    for (int round = 0; round < ROUNDS; round++)
        run_alone(f, increment_body, NULL);
}

static void
increments_are_not_lost(struct fixture *f)
{
    char digits[KEY_SIZE];
    in_fibers(f, FIBERS, increment);
    snprintf(digits, sizeof digits, "%d", FIBERS * ROUNDS);
    CHECK(has(f, STR("n"), str_of(digits)));
    CHECK(counter_of(f, STR("added")) == FIBERS * ROUNDS);
}

static int
add_body(struct kv_txn *txn, void *arg)
{
    return kv_add(txn, STR("n"), 1);
}

static void
add(struct fixture *f, size_t i)
{
    for (int round = 0; round < ROUNDS; round++)
        run_alone(f, add_body, NULL);
}

static void
additions_do_not_conflict(struct fixture *f)
{
    in_fibers(f, FIBERS, add);
    CHECK(counter_of(f, STR("n")) == FIBERS * ROUNDS);
    struct kv_stats stats;
    kv_stats_get(f->kv, &stats);
    CHECK(stats.conflicts == 0);
    CHECK(stats.commits == FIBERS * ROUNDS);
    CHECK(stats.batches < stats.commits); // many share one
}

static void
set_first(void *arg)
{
    struct fixture *f = arg;
    run_alone(f, other_body, "n"); // to 1
}

static void
add_second(void *arg)
{
    struct fixture *f = arg;
    run_alone(f, add_body, NULL);
}

// Both are submitted in one turn of the loop, so that the second finds the first in its batch.
static void
additions_see_their_batch(struct fixture *f)
{
    struct loop *here = fiber_loop(fiber_self());
    CHECK(fiber_start(here, "test", set_first, f, NULL) == OK);
    CHECK(fiber_start(here, "test", add_second, f, NULL) == OK);
    struct kv_stats stats = {0};
    while (stats.commits < 2) {
        fiber_yield();
        kv_stats_get(f->kv, &stats);
    }
    CHECK(counter_of(f, STR("n")) == 2);
    CHECK(stats.batches == 2); // one was written early
}

// Money moves between accounts while others add it up: no sum may ever differ.
static struct str
account_key(size_t i, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "account%zu", i);
    return str_of(out);
}

static int64_t
balance_of(struct kv_txn *txn, size_t i)
{
    char key[KEY_SIZE];
    struct str value;
    CHECK(kv_get(txn, account_key(i, key), KV_SERIALIZABLE, &value) == OK);
    return kv_counter(value);
}

static void
set_balance(struct kv_txn *txn, size_t i, int64_t balance)
{
    char key[KEY_SIZE], bytes[8];
    for (size_t at = 0; at < sizeof bytes; at++)
        bytes[at] = (char)((uint64_t)balance >> (8 * at));
    CHECK(kv_set(txn, account_key(i, key), (struct str){bytes, sizeof bytes}) == OK);
}

static int
open_accounts_body(struct kv_txn *txn, void *arg)
{
    for (size_t i = 0; i < ACCOUNTS; i++)
        set_balance(txn, i, ACCOUNT_START);
    return OK;
}

static int
transfer_body(struct kv_txn *txn, void *arg)
{
    size_t from = *(uint64_t *)arg % ACCOUNTS, to = *(uint64_t *)arg / ACCOUNTS % ACCOUNTS;
    int64_t amount = balance_of(txn, from) / 2;
    set_balance(txn, from, balance_of(txn, from) - amount);
    set_balance(txn, to, balance_of(txn, to) + amount);
    return OK;
}

static int
audit_body(struct kv_txn *txn, void *arg)
{
    struct kv_range range = {.from = STR("account"), .to = STR("account~")};
    struct kv_iter *it;
    struct str key, value;
    int64_t sum = 0;
    CHECK(kv_range_open(txn, &range, &it) == OK);
    while (kv_iter_next(it, &key, &value) == OK)
        sum += kv_counter(value);
    kv_iter_close(it);
    CHECK(sum == ACCOUNTS * ACCOUNT_START);
    return OK;
}

static void
bank(struct fixture *f, size_t i)
{
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t random = random_u64(f->runtime);
        run_alone(f, i % 2 ? transfer_body : audit_body, &random);
    }
}

static void
sums_never_differ(struct fixture *f)
{
    run_alone(f, open_accounts_body, NULL);
    in_fibers(f, FIBERS, bank);
    run_alone(f, audit_body, NULL);
}

#define KV_TEST(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }
KV_TEST(reads_conflict)
KV_TEST(readers_see_one_moment)
KV_TEST(endless_conflicts_give_up)
KV_TEST(increments_are_not_lost)
KV_TEST(additions_do_not_conflict)
KV_TEST(additions_see_their_batch)
KV_TEST(sums_never_differ)

#define ON(kind, name) {kind " " #name, test_##name, fixture_setup, fixture_teardown, (void *)kind}
#define ON_ALL(name) ON("mem:", name), ON("rocks:", name), ON("postgresql:", name)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(reads_conflict),
        ON_ALL(readers_see_one_moment),
        ON_ALL(increments_are_not_lost),
        ON_ALL(additions_do_not_conflict),
        ON_ALL(additions_see_their_batch),
        ON_ALL(sums_never_differ),
        ON("mem:", endless_conflicts_give_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
