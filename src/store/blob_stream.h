// Blobs as streams: in from a request's body, out as an answer's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/stream.h"
#include "src/store/blob.h"

// Both hold at most BLOB_STREAM_DATA_BYTES and a little, however long the blob is, and go at the
// pace of the slower side.

// Reads `in` to its end into a new blob, as blob_put_commit gives it, and leaves it to the caller
// to close. E_LIMIT: more than size_max bytes, or too many streams; else what reading or writing
// returned. When it fails nothing is left.
MUST_USE int blob_put_stream(struct blobs *b, struct stream *in, uint64_t size_max,
                             struct arena *arena, struct blob_new *out);

struct blob_stream {
    struct stream stream; // its length is known
    struct blob_reader *reader;
    uint64_t at;
    uint64_t end;
};
// [offset, offset + len) of the blob, as far as it goes. Closing the stream closes the reader.
void blob_stream_init(struct blob_stream *s, struct blob_reader *reader, uint64_t offset,
                      uint64_t len);
