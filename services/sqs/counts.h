// How many messages a queue holds, by state.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"

struct counts {
    int64_t visible;
    int64_t in_flight;
    int64_t delayed;
};

// Exact at the transaction's moment. Reads every message that is not visible, and of a FIFO queue
// every message.
MUST_USE int counts_get(struct kv_txn *txn, const struct queue *q, int64_t now_ms,
                        struct counts *out);
// The messages in flight alone, without a look at those of a FIFO queue that may be received.
MUST_USE int counts_in_flight(struct kv_txn *txn, const struct queue *q, int64_t now_ms,
                              int64_t *out);
// Of a FIFO queue: also how many groups have any in flight.
MUST_USE int counts_fifo_in_flight(struct kv_txn *txn, const struct queue *q, int64_t now_ms,
                                   int64_t *messages, int64_t *groups);
