// Bytes that come a piece at a time: bodies that are never in memory whole.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// The reader pulls, so that whoever makes the bytes is slowed to the reader's pace. Embedded as the
// first member of whatever makes them; lives at least until it is closed. Used by one fiber at a
// time; a read may park it.
struct stream;
enum { STREAM_LENGTH_UNKNOWN = -1 };

// OK with 1..size bytes, or with none at the end and ever after. A body whose digest or signature
// turns out wrong fails its last read with E_INVALID, so nobody commits before the end was seen.
// E_CLOSED: the other side is gone; E_TIMEOUT, E_CANCELLED, E_LIMIT, E_IO. What failed keeps
// failing.
typedef int stream_read_fn(struct stream *s, void *out, size_t size, size_t *got);

struct stream {
    stream_read_fn *read;
    void (*close)(struct stream *s); // NULL: nothing to give back
    int64_t length;                  // of the whole; STREAM_LENGTH_UNKNOWN
};

static inline MUST_USE int
stream_read(struct stream *s, void *out, size_t size, size_t *got)
{
    return s->read(s, out, size, got);
}

// Once, whether its end was seen or not. NULL is accepted.
static inline void
stream_close(struct stream *s)
{
    if (s != NULL && s->close != NULL)
        s->close(s);
}

// Reads on until out is full or the end is reached: *got < size means the end.
MUST_USE int stream_read_full(struct stream *s, void *out, size_t size, size_t *got);

// A stream over bytes that are in memory.
struct str_stream {
    struct stream stream;
    struct str rest;
};
void str_stream_init(struct str_stream *s, struct str bytes);
