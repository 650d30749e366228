// Stamps of concurrent commits: each is given once, later than all that were acknowledged before.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { WRITERS = 16, ROUNDS = 25 };

struct stamps {
    struct kv *kvs[2]; // the same state; one and the same where it cannot be shared
    uint64_t given[WRITERS * ROUNDS];
    _Atomic uint64_t acknowledged; // the greatest
};

static struct stamps stamps;

static int
stamp_body(struct kv_txn *txn, void *arg)
{
    char key[16];
    snprintf(key, sizeof key, "key%02zu", *(const size_t *)arg % 100);
    return kv_set_stamped(txn, str_of(key), KV_NO_STAMP, STR("........"), 0);
}

static void
note_acknowledged(uint64_t stamp)
{
    uint64_t known = atomic_load(&stamps.acknowledged);
    while (known < stamp && !atomic_compare_exchange_weak(&stamps.acknowledged, &known, stamp))
        continue;
}

static void
take_stamps(struct fixture *f, size_t i)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        struct arena arena;
        struct kv_stamp stamp;
        uint64_t before = atomic_load(&stamps.acknowledged), number;
        arena_init(&arena);
        CHECK(kv_run_stamped(stamps.kvs[i / 2 % 2], &arena, stamp_body, &i, &stamp) == OK);
        arena_fini(&arena);
        memcpy(&number, stamp.bytes, sizeof number);
        number = be64toh(number);
        CHECK(number > before);
        note_acknowledged(number);
        stamps.given[i * ROUNDS + round] = number;
    }
}

static int
compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void
each_is_given_once(struct fixture *f)
{
    char problem[512] = "";
    stamps = (struct stamps){.kvs = {f->kv, f->kv}};
    if (f->is_shared)
        CHECK(kv_open(f->url, &f->options, &stamps.kvs[1], problem, sizeof problem) == OK);
    in_fibers(f, WRITERS, take_stamps);
    if (f->is_shared)
        kv_close(stamps.kvs[1]);
    qsort(stamps.given, COUNT_OF(stamps.given), sizeof stamps.given[0], compare);
    for (size_t i = 1; i < COUNT_OF(stamps.given); i++)
        CHECK(stamps.given[i] > stamps.given[i - 1]);
}

static void
test_each_is_given_once(void **state)
{
    in_fiber(*state, each_is_given_once);
}

#define ON(kind)                                                                                   \
    {kind " each stamp is given once", test_each_is_given_once, fixture_setup, fixture_teardown,   \
     (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {ON("mem:"), ON("rocks:"), ON("postgresql:")};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
