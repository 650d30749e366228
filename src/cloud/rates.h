// How many calls a second an account may make.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "src/base/str.h"

enum { RATES_SLOTS = 4096, RATES_BURST_S = 1 };

// A leaky bucket for each account, in a table of fixed size: an account that finds no room there is
// not limited. Zeroed and given its rate before use; then any thread.
struct rates {
    int per_second; // 0: no limit
    struct {
        atomic_uint_fast64_t account;    // 0: free, else the number plus one
        atomic_int_fast64_t earliest_ns; // when the calls taken so far are paid for; monotonic
    } slots[RATES_SLOTS];
};

// False: the account has used up its rate and a burst of RATES_BURST_S seconds.
bool rates_take(struct rates *r, struct str account, int64_t now_ns);
