// FIFO queues: groups of messages, each read in its order and by one receiver at a time.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/group.h"

// Puts a checked message at the end of its group, unless one with its deduplication id was sent
// within DEDUPLICATION_MS: then *id becomes that message's and *original its sequence, and
// *is_duplicate is set. Its own sequence is the commit's stamp followed by `index`, which is unique
// in the transaction.
MUST_USE int fifo_put(struct kv_txn *txn, const struct queue *q, struct message_id *id,
                      const struct sqs_message_record *message, int64_t due_ms, uint16_t index,
                      bool *is_duplicate, struct sequence *original);
// The same without a look at deduplication ids: for messages that come from another queue.
MUST_USE int fifo_append(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
                         const struct sqs_message_record *message, int64_t due_ms, uint16_t index,
                         const struct history *history);

// Takes up to r->wanted messages in a transaction of its own: as many as it can of the group that
// has waited longest, then of the next. r->queue is set, and h is its head, which gives the turn.
MUST_USE int fifo_receive(struct receive *r, struct head *h);

// Takes up to `max` visible messages out of the queue, for another, each group's in their order.
// Expired ones are deleted. is_empty: none was visible.
MUST_USE int fifo_pull(struct kv_txn *txn, const struct queue *q, int64_t now_ms,
                       struct delivery *out, size_t max, size_t *count, bool *is_empty);

// Deletes up to RECEIVE_MAX messages of the group that are past their retention, its oldest.
MUST_USE int fifo_expire(struct kv_txn *txn, const struct queue *q, struct str group,
                         int64_t now_ms, size_t *expired);

// E_NOT_FOUND: the message is there, but its visibility timeout is over, or it was received again
// since. A message that is gone is no error.
MUST_USE int fifo_delete(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
                         int64_t now_ms);
// Hides the message until due_ms. E_NOT_FOUND: it is not in flight by this receipt. E_LIMIT: due_ms
// is more than VISIBILITY_S_MAX after it was received.
MUST_USE int fifo_hide(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
                       int64_t now_ms, int64_t due_ms);
