// Queues: their names and URLs, and how every other operation finds one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"
#include "services/sqs/sqs_records.h"
#include "src/cloud/call.h"

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
enum { QUEUE_NAME_MAX = 80, QUEUES_PER_PAGE_MAX = 1000 };

struct queue {
    struct str name;
    struct place place;
    struct sqs_queue_record record;
};

// The queue that a caller's URL names, read in the transaction so that deleting or changing the
// queue conflicts with it. E_FAULT: no such queue, not an address of a queue, or another account's.
MUST_USE int queue_get(struct call *c, struct kv_txn *txn, struct str url, struct queue *out);
MUST_USE int queue_set(struct kv_txn *txn, const struct queue *queue);

// http://HOST/ACCOUNT/NAME with the host that the caller used.
struct str queue_url(const struct call *c, struct str account, struct str name);
// The last two segments of the URL's path. E_FAULT: InvalidAddress.
MUST_USE int queue_url_parse(struct call *c, struct str url, struct str *account, struct str *name);

// The fault of a queue that is not there, in the wording of the call's protocol.
MUST_USE int queue_missing(struct call *c);
