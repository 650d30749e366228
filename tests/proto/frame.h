// What goes between the ring and its program: a count, then so many byte strings, over pipes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

enum { FRAME_FIELDS_MAX = 512 };

// Every number is 4 bytes, the lowest first.
struct frame {
    struct str fields[FRAME_FIELDS_MAX];
    size_t count;
};

// False at the end of the input.
MUST_USE bool frame_read(struct frame *f, struct arena *arena);
void frame_add(struct frame *f, struct str field);
void frame_write(const struct frame *f);
