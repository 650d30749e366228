// Queues as resources of their account: by ARN, with their tags (src/store/resource.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"
#include "services/sqs/sqs_records.h"
#include "src/store/resource.h"

// A queue of an older build (is_unlisted) has its tags in a record of its own, and is in no index,
// until its record is written again.
struct arn listed_arn(const struct queue_name *name);
MUST_USE int listed_set(struct kv_txn *txn, const struct queue_name *name,
                        const struct store_tag_list_record *tags);
MUST_USE int listed_del(struct kv_txn *txn, const struct queue_name *name);
// The tags of a queue of either kind; none: an empty list.
MUST_USE int listed_tags(struct kv_txn *txn, const struct queue_name *name,
                         const struct sqs_queue_record *record, struct store_tag_list_record *out);
// Moves the tags of an older build's queue to where they belong now.
MUST_USE int listed_adopt(struct kv_txn *txn, const struct queue_name *name,
                          const struct sqs_queue_record *record);
