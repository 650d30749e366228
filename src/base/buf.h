// A byte buffer that grows inside an arena: what encoders write to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

struct buf {
    struct arena *arena;
    char *ptr;
    size_t len;
    size_t size;
};

void buf_init(struct buf *b, struct arena *arena, size_t size_hint);
// Room for n more bytes; the caller writes to the result and then adds to len.
char *buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, struct str s);
void buf_put_char(struct buf *b, char c);
void buf_put_int(struct buf *b, int64_t value);
void buf_print(struct buf *b, const char *format, ...) PRINTF(2, 3);
// What was written; valid while the arena is, until the next write.
struct str buf_str(const struct buf *b);
