// What a transaction has read: the points and ranges that a later write must not have changed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

struct read_range { // [from, to)
    struct str from;
    struct str to;
};

// Lives in the transaction's arena.
struct reads {
    struct arena *arena;
    struct str *points;
    size_t point_count, point_size;
    struct read_range *ranges;
    size_t range_count, range_size;
    size_t bytes; // of keys
};

void reads_init(struct reads *r, struct arena *arena);
// Copies the key.
void reads_add_point(struct reads *r, struct str key);
// Takes keys that already live as long as the arena. An empty range is left out.
void reads_add_range(struct reads *r, struct str from, struct str to);
