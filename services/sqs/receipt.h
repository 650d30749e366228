// Receipt handles: what a receiver shows to delete a message or to change its visibility.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"

// Names one receive of one message of one queue. Of FIFO queues it also holds the place in the
// group.
struct receipt {
    char generation[GENERATION_BYTES];
    struct message_id id;
    int32_t receive_count;
    int64_t due_ms;           // when the receive let it be visible again; 0 for FIFO queues
    struct sequence sequence; // FIFO only
    struct str group;         // FIFO only; absent: a standard queue's
};

struct str receipt_print(struct arena *a, const struct receipt *r);
// E_INVALID: not made by receipt_print.
MUST_USE int receipt_parse(struct arena *a, struct str text, struct receipt *out);
