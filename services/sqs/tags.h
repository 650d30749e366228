// Tags of queues.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"
#include "services/sqs/sqs_api.h"
#include "src/store/tag.h"

// What can be said of tags alone: their lengths and characters. E_FAULT.
MUST_USE int tags_check(struct call *c, const struct sqs_tag_map *tags);
// The tags of a queue; none: an empty list.
MUST_USE int tags_get(struct kv_txn *txn, const struct queue *q, struct store_tag_list_record *out);
// Adds checked tags to those of the queue, whose record is the caller's to set; in its making too,
// so that it is a resource. E_FAULT: they are too many.
MUST_USE int tags_add(struct call *c, struct kv_txn *txn, const struct queue *q,
                      const struct sqs_tag_map *tags);
