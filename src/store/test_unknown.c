// Commits whose outcome gets lost: callers are told the truth, and nothing happens twice.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/store/counters.h"
#include "src/store/pg_lib.h"

enum { WRITERS = 12, ROUNDS = 40, CUTS = 12, CUT_EVERY_NS = 15 * 1000 * 1000 };

// What one writer was told about its increments.
struct tally {
    int64_t ok, unknown, failed;
};

static struct tally tallies[WRITERS];

static enum kv_fault
random_fault(void *arg)
{
    _Atomic uint64_t *turn = arg;
    static const enum kv_fault FAULTS[] = {KV_FAULT_NONE, KV_FAULT_REPLY_LOST, KV_FAULT_NONE,
                                           KV_FAULT_BATCH_LOST, KV_FAULT_REFUSED};
    return FAULTS[atomic_fetch_add(turn, 1) % COUNT_OF(FAULTS)];
}

static enum kv_fault
always_unreachable(void *arg)
{
    return KV_FAULT_UNREACHABLE;
}

// Reads, and writes one more, and counts aside: both must agree.
static int
increment_body(struct kv_txn *txn, void *arg)
{
    struct str value;
    char bytes[COUNTER_BYTES];
    TRY(kv_get(txn, STR("read and written"), KV_SERIALIZABLE, &value));
    counter_encode(kv_counter(value) + 1, bytes);
    TRY(kv_set(txn, STR("read and written"), (struct str){bytes, sizeof bytes}));
    return kv_add(txn, STR("counted"), 1);
}

static int
increment(struct fixture *f)
{
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(f->kv, &arena, increment_body, NULL);
    arena_fini(&arena);
    return code;
}

static void
write_rounds(struct fixture *f, size_t i)
{
    struct tally *t = &tallies[i % WRITERS];
    for (int round = 0; round < ROUNDS; round++) {
        int code = increment(f);
        t->ok += code == OK;
        t->unknown += code == E_UNKNOWN;
        t->failed += code != OK && code != E_UNKNOWN;
    }
}

static struct tally
sum_tallies(void)
{
    struct tally sum = {0};
    for (size_t i = 0; i < WRITERS; i++) {
        sum.ok += tallies[i].ok;
        sum.unknown += tallies[i].unknown;
        sum.failed += tallies[i].failed;
    }
    return sum;
}

static void
check_tallies(struct fixture *f)
{
    struct tally sum = sum_tallies();
    int64_t written = counter_of(f, STR("read and written"));
    print_message("ok=%lld unknown=%lld failed=%lld written=%lld\n", (long long)sum.ok,
                  (long long)sum.unknown, (long long)sum.failed, (long long)written);
    CHECK(counter_of(f, STR("counted")) == written);
    CHECK(sum.ok <= written && written <= sum.ok + sum.unknown);
    CHECK(sum.ok > 0);
}

static void
lost_replies_are_resolved(struct fixture *f)
{
    _Atomic uint64_t turn = 0;
    memset(tallies, 0, sizeof tallies);
    f->options.fault = random_fault;
    f->options.fault_arg = &turn;
    fixture_reopen(f);
    in_fibers(f, WRITERS, write_rounds);
    check_tallies(f);
    CHECK(sum_tallies().unknown == 0 && turn > 0);
    f->options.fault = NULL;
    fixture_reopen(f);
}

static void
unreachable_is_unknown(struct fixture *f)
{
    f->options.fault = always_unreachable;
    fixture_reopen(f);
    CHECK(increment(f) == E_UNKNOWN);
    CHECK(increment(f) == E_UNKNOWN);
    CHECK(counter_of(f, STR("counted")) == 0);
    f->options.fault = NULL;
    fixture_reopen(f);
}

// Ends all sessions of the store in the database, wherever they are.
static void
cut(void *arg)
{
    struct pg_lib lib;
    char problem[256];
    static const char *const NAMES[] = {"dbname", NULL};
    const char *values[] = {arg, NULL};
    CHECK(pg_lib_load(&lib, problem, sizeof problem) == OK);
    PGconn *pg = lib.connectdbParams(NAMES, values, 1);
    PGresult *result = lib.exec(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                    " WHERE application_name = 'c10m'"
                                    "   AND pid <> pg_backend_pid()");
    CHECK(lib.resultStatus(result) == PGRES_TUPLES_OK);
    lib.clear(result);
    lib.finish(pg);
    pg_lib_unload(&lib);
}

static void
write_or_cut(struct fixture *f, size_t i)
{
    for (int n = 0; i == WRITERS && n < CUTS; n++) {
        pool_run(f->runtime, cut, f->url);
        CHECK(fiber_sleep_until(clock_mono_ns(f->runtime) + CUT_EVERY_NS) == OK);
    }
    if (i < WRITERS)
        write_rounds(f, i);
}

static void
cut_connections_are_resolved(struct fixture *f)
{
    memset(tallies, 0, sizeof tallies);
    in_fibers(f, WRITERS + 1, write_or_cut);
    check_tallies(f);
    CHECK(sum_tallies().unknown == 0);
}

#define KV_TEST(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }
KV_TEST(lost_replies_are_resolved)
KV_TEST(unreachable_is_unknown)
KV_TEST(cut_connections_are_resolved)

#define ON(kind, name) {kind " " #name, test_##name, fixture_setup, fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("mem:", lost_replies_are_resolved),
        ON("mem:", unreachable_is_unknown),
        ON("postgresql:", cut_connections_are_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
