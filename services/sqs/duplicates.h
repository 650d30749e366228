// The deduplication ids that a FIFO queue remembers. A purge does not make it forget them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"

enum { DEDUPLICATION_MS = 5 * 60 * 1000 };

// Forgets a few of those whose time is over: each send makes one and removes more.
MUST_USE int duplicates_forget_some(struct kv_txn *txn, const struct place *p, int64_t now_ms);
// Whether a message with m's deduplication id was sent within DEDUPLICATION_MS; then also its id
// and sequence.
MUST_USE int duplicate_get(struct kv_txn *txn, const struct queue *q,
                           const struct sqs_message_record *m, struct message_id *id,
                           bool *is_duplicate, struct sequence *original);
// Remembers the message; the sequence's first bytes become the commit's stamp.
MUST_USE int duplicate_set(struct kv_txn *txn, const struct queue *q,
                           const struct sqs_message_record *m, const struct message_id *id,
                           const struct sequence *sequence);
