// Standard queues: messages by the time at which they become visible.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/delivery.h"
#include "services/sqs/receipt.h"

// Puts a checked message into the queue, visible from due_ms on; its history is NULL when it is
// new. After the commit the caller gives the entry to head_add and wakes a receiver.
MUST_USE int standard_put(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
                          const struct sqs_message_record *message, int64_t due_ms,
                          const struct history *history);

// The message with everything that is kept of it. `delivery` was read at the entry.
MUST_USE int standard_remove(struct kv_txn *txn, const struct place *p, const struct head_entry *e,
                             const struct sqs_delivery_record *delivery);

// Takes up to r->wanted visible messages in transactions of its own and hides them. r->queue is
// set, and h is its head.
MUST_USE int standard_receive(struct receive *r, struct head *h);
// Sets r->next_due_ms, after a receive that found nothing.
MUST_USE int standard_next_due(struct receive *r);

// Takes up to `max` visible messages out of the queue, for another. *after is where to look from,
// and moves behind what was taken. Expired ones are deleted.
MUST_USE int standard_pull(struct kv_txn *txn, const struct queue *q, int64_t now_ms,
                           struct head_entry *after, struct delivery *out, size_t max,
                           size_t *count);

// Deletes the message if the receipt is of its latest receive; else nothing, which is no error.
// *share: of its group.
MUST_USE int standard_delete(struct kv_txn *txn, const struct queue *q,
                             const struct receipt *receipt, int32_t *share);

// Hides the message until due_ms. E_NOT_FOUND: it is not in flight by this receipt. E_LIMIT: due_ms
// is more than VISIBILITY_S_MAX after it was received.
MUST_USE int standard_hide(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
                           int64_t now_ms, int64_t due_ms, int32_t *share);
