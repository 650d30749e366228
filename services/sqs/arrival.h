// Messages that a transaction moved into other queues: known to receivers after its commit.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/due.h"
#include "services/sqs/queue.h"

struct sqs;

struct arrival {
    char generation[GENERATION_BYTES];
    bool is_fifo;
    struct head_entry entry;
};

struct arrivals {
    struct arrival *items;
    size_t count;
    size_t size;
};

// In the arena, which outlives the transaction. A body begins with none.
void arrivals_add(struct arrivals *as, struct arena *a, const struct queue *q, int64_t due_ms,
                  const struct message_id *id, struct str group_id);
void arrivals_announce(struct sqs *s, const struct arrivals *as);
