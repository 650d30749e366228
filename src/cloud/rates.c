// The generic cell rate algorithm, without locks.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/rates.h"

enum { PROBES_MAX = 8 };

static const int64_t second_ns = INT64_C(1000000000);

// The account's slot, or -1.
static int
find_slot(struct rates *r, uint64_t account)
{
    size_t first = (account * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        size_t at = (first + i) % RATES_SLOTS;
        uint_fast64_t held = 0;
        if (atomic_compare_exchange_strong(&r->slots[at].account, &held, account) ||
            held == account)
            return (int)at;
    }
    return -1;
}

bool
rates_take(struct rates *r, struct str account, int64_t now_ns)
{
    int64_t number;
    if (r->per_second == 0 || str_to_int64(account, &number) != OK || number < 0)
        return true;
    int slot = find_slot(r, (uint64_t)number + 1);
    if (slot < 0)
        return true;
    int_fast64_t before = atomic_load(&r->slots[slot].earliest_ns), after;
    do {
        after = (before > now_ns ? before : now_ns) + second_ns / r->per_second;
        if (after - now_ns > RATES_BURST_S * second_ns)
            return false;
    } while (!atomic_compare_exchange_weak(&r->slots[slot].earliest_ns, &before, after));
    return true;
}
