// Dead-letter queues: the policies that name them, and the move when a message was received too
// often.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"
#include "services/sqs/sqs_api.h"

enum { RECEIVES_MAX = 1000, RECEIVES_DEFAULT = 10, REDRIVE_SOURCES_MAX = 10 };

// The attributes RedrivePolicy and RedriveAllowPolicy: checks the document and puts it into the
// record; an empty one takes it away. E_FAULT.
MUST_USE int redrive_apply(struct call *c, struct str value, struct sqs_queue_record *record);
MUST_USE int redrive_allow_apply(struct call *c, struct str value, struct sqs_queue_record *record);
// What only the store knows, if the caller gave a RedrivePolicy: the dead-letter queue exists, is
// of the queue's type and allows it. E_FAULT.
MUST_USE int redrive_check(struct call *c, struct kv_txn *txn, const struct queue *q,
                           const struct sqs_queue_attribute_map *given);

// Whether any queue names this one as its dead-letter queue.
MUST_USE int redrive_is_dead_letter(struct kv_txn *txn, const struct queue *q, bool *out);

// Where a message goes that was received so often and is about to be received again. E_NOT_FOUND:
// nowhere; it is received.
MUST_USE int redrive_target(struct kv_txn *txn, const struct queue *q, int32_t receive_count,
                            struct queue *out);
