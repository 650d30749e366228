// How many calls a second an account may make, of all operations and of single ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "src/cloud/text_list.h"
#include "src/wire/model.h"

enum { RATES_SLOTS = 4096, RATES_BURST_S = 1, RATES_PER_SECOND_MAX = 1000 * 1000 };

// Leaky buckets in a table of fixed size: who finds no room there is not limited.
struct rate_slots {
    struct {
        atomic_uint_fast64_t key;        // 0: free
        atomic_int_fast64_t earliest_ns; // when the calls taken so far are paid for; monotonic
    } slots[RATES_SLOTS];
};

struct operation_rate {
    const struct wire_operation *operation;
    int per_second;
};

// Zeroed and given its rates before use; then any thread.
struct rates {
    int per_second; // of an account; 0: no limit
    struct rate_slots accounts;
    struct operation_rate operations[TEXT_LIST_MAX]; // of an account in a region
    size_t operation_count;
    struct rate_slots account_operations;
};

// "sqs:SendMessage=100". E_INVALID with a sentence in `problem`: it is no such text, or there is no
// such operation.
MUST_USE int rates_add_operation(struct rates *r, const char *text, char *problem,
                                 size_t problem_size);

// False: the account has used up its rate and a burst of RATES_BURST_S seconds.
bool rates_take(struct rates *r, struct str account, int64_t now_ns);
// The same for its rate of one operation in one region.
bool rates_take_operation(struct rates *r, struct str account, struct str region,
                          const struct wire_operation *operation, int64_t now_ns);
