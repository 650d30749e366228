// FIFO queues: groups of messages, each read in its order and by one receiver at a time.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/delivery.h"
#include "services/sqs/receipt.h"

enum { DEDUPLICATION_MS = 5 * 60 * 1000 };

// Puts a checked message at the end of its group, unless one with its deduplication id was sent
// within DEDUPLICATION_MS: then *id becomes that message's and *original its sequence, and
// *is_duplicate is set. Its own sequence is the commit's stamp followed by `index`, which is unique
// in the transaction.
MUST_USE int fifo_put(struct kv_txn *txn, const struct queue *q, struct message_id *id,
                      const struct sqs_message_record *message, int64_t due_ms, uint16_t index,
                      bool *is_duplicate, struct sequence *original);
struct sequence sequence_of(const struct kv_stamp *stamp, uint16_t index);
// 20 digits, growing.
struct str sequence_print(struct arena *a, const struct sequence *s);

// Takes up to r->wanted messages in a transaction of its own: as many as it can of the group that
// has waited longest, then of the next. r->queue is set.
MUST_USE int fifo_receive(struct receive *r);

// E_NOT_FOUND: the message is there, but its visibility timeout is over, or it was received again
// since. A message that is gone is no error.
MUST_USE int fifo_delete(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
                         int64_t now_ms);
// Hides the message until due_ms. E_NOT_FOUND: it is not in flight by this receipt. E_LIMIT: due_ms
// is more than VISIBILITY_S_MAX after it was received.
MUST_USE int fifo_hide(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
                       int64_t now_ms, int64_t due_ms);
