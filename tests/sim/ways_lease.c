// A lease under simulation: one holder at a time, and terms that only grow.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/lease.h"
#include "src/store/tuple.h"
#include "tests/sim/failure.h"
#include "tests/sim/ways.h"

static const struct str guard_key = {"guard", 5};

// What the lease guards: the term under which it was last done.
static int
guard_body(struct kv_txn *txn, void *arg)
{
    const struct lease *l = arg;
    struct arena *a = kv_txn_arena(txn);
    struct str value;
    int64_t before = 0;
    TRY(lease_check(l, txn));
    TRY(kv_get(txn, guard_key, KV_SERIALIZABLE, &value));
    if (str_is_present(value))
        CHECK(str_to_int64(value, &before) == OK);
    if (l->term < before)
        failure("fencing: term %lld after term %lld", (long long)l->term, (long long)before);
    return kv_set(txn, guard_key, arena_print(a, "%lld", (long long)l->term));
}

void
ways_lease(struct ways_node *n, struct arena *a)
{
    struct lease *l = n->lease;
    if (lease_try(l) == OK && lease_is_held(l))
        (void)ways_run(n, a, guard_body, l);
    if (sim_chance(20))
        lease_release(l);
    int64_t left_ns = lease_next_ns(l) - sim_now_ns();
    ways_pause(n, left_ns > 0 ? (uint64_t)left_ns / 1000000 + 1 : 1);
}
