// Entries of a queue head in the order in which they came.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/head.h"

enum { HEAD_RANKED_MAX = 256 };

// Zeroed it is empty; at most HEAD_READY_MAX entries. The owner frees them.
struct head_ring {
    struct head_entry *entries;
    size_t first, count, size;
};

// False: it is full.
bool head_ring_push(struct head_ring *r, const struct head_entry *e);
// The first one, if it is due. False: it is not, or there is none.
bool head_ring_take(struct head_ring *r, int64_t now_ms, struct head_entry *out);
// The one with the lowest rank, and of these the first, among the first HEAD_RANKED_MAX that are
// due. False: there is none.
bool head_ring_take_lowest(struct head_ring *r, int64_t now_ms,
                           uint32_t (*rank)(const void *arg, int32_t share), const void *arg,
                           struct head_entry *out);
// Forgets those that are due at that time or later.
void head_ring_forget_from(struct head_ring *r, int64_t due_ms);
