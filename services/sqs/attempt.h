// Receive request attempts of FIFO queues: a receive that is asked for again gives the same again.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/delivery.h"

enum { ATTEMPT_MS = 5 * 60 * 1000 };

// Delivers again what the attempt delivered, hidden anew. E_FAULT: some of it was deleted, received
// again or had its visibility changed since. r->count stays 0: there was no such attempt, or its
// messages are visible again.
MUST_USE int attempt_replay(struct kv_txn *txn, struct receive *r, int64_t now_ms);
// Remembers what r delivers, and forgets a few attempts whose time is over.
MUST_USE int attempt_set(struct kv_txn *txn, struct receive *r, int64_t now_ms);
