// What a receive takes from a queue, of either type.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/arrival.h"

enum { RECEIVE_MAX = 10, VISIBILITY_S_MAX = 43200 };

// What a message brings along from the queue that it was in before.
struct history {
    int32_t receive_count;
    int64_t first_received_ms;
};

struct delivery {
    struct message_id id;
    struct sqs_message_record message;
    int32_t receive_count; // with this one
    int64_t first_received_ms;
    int64_t due_ms;           // standard only: the end of its visibility timeout
    int32_t share;            // standard only: of its group (share.h)
    bool is_first;            // standard only: it had not been received from this queue before
    struct sequence sequence; // FIFO only
};

// One attempt to receive. All of it but the first five is filled by the attempt.
struct receive {
    struct call *c;
    struct str url;
    struct str attempt_id; // FIFO only; absent: none
    size_t wanted;         // 1..RECEIVE_MAX
    int64_t visibility_s;  // -1: the queue's
    struct queue queue;
    struct delivery deliveries[RECEIVE_MAX];
    size_t count;
    bool is_full;             // as many are in flight as may be
    int64_t next_due_ms;      // when the next hidden message will be visible; INT64_MAX: none
    struct arrivals arrivals; // messages that went to the dead-letter queue instead
};

static inline void
receive_reset(struct receive *r)
{
    r->count = 0;
    r->arrivals = (struct arrivals){0};
}

static inline int64_t
receive_hidden_until(const struct receive *r, int64_t now_ms)
{
    int64_t s = r->visibility_s >= 0 ? r->visibility_s : r->queue.record.visibility_timeout_s.value;
    return now_ms + s * 1000;
}

// Whether the message has outlived the queue's retention period.
static inline bool
message_is_expired(const struct queue *q, const struct sqs_message_record *m, int64_t now_ms)
{
    return m->sent_ms.value + q->record.retention_s.value * 1000 <= now_ms;
}
