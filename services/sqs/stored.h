// Messages as they lie in the store: their bodies sealed, where the queue wants that.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-sqs-sse-queue.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"

// A new message, which the queue's count has from then on. SqsManagedSseEnabled seals the body,
// under the queue's data key; as at AWS, not the attributes, and only in messages that are sent
// from then on.
MUST_USE int stored_add(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
                        const struct sqs_message_record *message);
// It must exist: the caller has read its entry in an index.
MUST_USE int stored_del(struct kv_txn *txn, const struct place *p, const struct message_id *id);
// Without a read conflict: a message never changes, and goes only together with its entry in an
// index. E_IO: the store has it, but it was not sealed under the queue's key.
MUST_USE int stored_get(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
                        struct sqs_message_record *out);
