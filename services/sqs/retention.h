// Messages that nobody receives before their time is over.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"

// A pass goes through all queues. Of a standard queue it reads the oldest messages only, which are
// the first of the index. Those that were hidden or delayed may stand anywhere: so at times, after
// a hundredth of the retention period, it reads the whole index. The groups of FIFO queues are read
// at these times too.
enum {
    RETENTION_PAGE = 32, // entries read by one transaction
    RETENTION_WHOLE_S_MIN = 60,
    RETENTION_WHOLE_S_MAX = 3600,
    RETENTION_WHOLE_PART = 100,
};

// Where the pass is. Lost without harm.
struct retention {
    char queue[KV_KEY_BYTES_MAX]; // key_known of the one before; or of the one that is read
    size_t queue_len;             // 0: the pass begins
    char at[KV_KEY_BYTES_MAX + 1];
    size_t at_len;     // 0: the queue is done
    int64_t now_ms;    // when the pass began
    int64_t before_ms; // when the one before began
};

void retention_init(struct retention *r, int64_t now_ms);
// One transaction: a page of a queue, from which so many messages were removed. E_NOT_FOUND: the
// pass is over, and the next call begins another.
MUST_USE int retention_step(struct retention *r, struct kv *kv, struct arena *a, int64_t now_ms,
                            size_t *removed);
