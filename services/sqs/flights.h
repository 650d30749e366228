// How many messages of a queue may be in flight: received, and not yet deleted or visible again.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/delivery.h"
#include "services/sqs/due.h"

// As AWS's, the limit is approximate: the head keeps an upper bound, which receives raise, and
// which is counted anew when it comes to the limit, but not more often than this.
enum { FLIGHTS_MAX = 120000, FLIGHTS_COUNT_MS = 1000 };

// Lowers r->wanted to what may still be received; 0 sets r->is_full.
MUST_USE int flights_begin(struct receive *r, struct head *h);
// After the receive: `wanted` is what it was before flights_begin.
void flights_end(struct receive *r, struct head *h, size_t wanted);
