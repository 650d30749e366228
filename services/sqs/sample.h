// What a queue looks like at one moment, for CloudWatch.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/counts.h"
#include "services/sqs/share.h"

// So that a sample does not keep requests waiting, it looks at no more than this:
enum {
    SAMPLE_VISIBLE_MAX = 1000,         // of the messages of a standard queue that may be received
    SAMPLE_FIFO_COUNT_MAX = 10 * 1000, // with more, delayed messages are not told from visible ones
    SAMPLE_GROUPS_MAX = 100,           // of a FIFO queue's, those that wait for longest
};
// AWS leaves a message that was received so often out of the age of the oldest.
enum { SAMPLE_POISON_RECEIVES = 3 };

struct sample {
    bool is_fifo;
    struct counts all;
    int64_t oldest_ms;        // when it was sent to this queue; INT64_MAX: there is none
    int64_t groups_in_flight; // FIFO only
    // Standard only: of messages with groups (fair queues).
    bool has_groups;
    int64_t noisy_groups;
    struct counts quiet; // of quiet groups, or without one
    int64_t quiet_oldest_ms;
};

// shares: what is known of groups; NULL: nothing.
MUST_USE int sample_take(struct kv_txn *txn, const struct queue *q, int64_t now_ms,
                         const struct shares *shares, struct sample *out);
