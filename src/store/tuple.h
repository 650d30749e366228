// Keys: tuples whose byte order is the order of their elements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// A key is built element by element: a text (0x02, its bytes with 00 escaped as 00 FF, then 00), a
// non-negative or negative integer (0x15, eight bytes big-endian, sign bit flipped), raw bytes of
// fixed length (0x20, as they are: ids, stamps). A tuple that is the prefix of another sorts before
// it.
struct tuple {
    struct buf buf;
};

void tuple_init(struct tuple *t, struct arena *arena);
// Begins a key of what services share: ("c10m", what).
struct tuple tuple_shared(struct arena *arena, const char *what);
void tuple_add_str(struct tuple *t, struct str s);
void tuple_add_int(struct tuple *t, int64_t value);
void tuple_add_fixed(struct tuple *t, struct str bytes);
struct str tuple_key(const struct tuple *t); // valid until the next add
// The range of all tuples that begin with this one's elements: [key + 00, key + FF).
void tuple_range(const struct tuple *t, struct arena *arena, struct str *from, struct str *to);

// Reads elements one after the other. E_INVALID when the next is of another type or broken,
// E_NOT_FOUND at the end.
struct tuple_reader {
    struct str rest;
    struct arena *arena;
};
void tuple_reader_init(struct tuple_reader *r, struct arena *arena, struct str key);
MUST_USE int tuple_read_str(struct tuple_reader *r, struct str *out);
MUST_USE int tuple_read_int(struct tuple_reader *r, int64_t *out);
MUST_USE int tuple_read_fixed(struct tuple_reader *r, size_t len, struct str *out);
