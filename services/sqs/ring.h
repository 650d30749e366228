// Entries of a queue's head in the order in which they came.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/head.h"

// Zeroed it is empty; at most HEAD_READY_MAX entries. The owner frees them.
struct ring {
    struct head_entry *entries;
    size_t first, count, size;
};

// False: it is full.
bool ring_push(struct ring *r, const struct head_entry *e);
// The first one, if it is due. False: it is not, or there is none.
bool ring_take(struct ring *r, int64_t now_ms, struct head_entry *out);
// Forgets those that are due at that time or later.
void ring_forget_from(struct ring *r, int64_t due_ms);
