// What headers say of a body: Content-MD5, and x-amz-checksum-*.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/checksum.h"
#include "src/base/digest.h"
#include "src/base/stream.h"
#include "src/http/message.h"

enum header_digest_result {
    HEADER_DIGEST_NONE,    // no header says anything
    HEADER_DIGEST_OK,      // so far
    HEADER_DIGEST_INVALID, // what a header says is no digest of its kind, or there are two kinds
    HEADER_DIGEST_WRONG,   // it is of another body
};

// A stream over that of a body, whose last read fails with E_INVALID when a digest is wrong.
struct header_digest {
    struct stream stream;
    enum header_digest_result result;
    struct str md5_sent;   // as it was sent; absent: none was
    struct str md5_of_all; // base64, once the end was seen
    // Its own.
    struct stream *source;
    struct arena *arena;
    struct str md5_wanted, sum_wanted; // decoded
    struct md5_stream md5;
    struct checksum sum;
    int64_t left; // STREAM_LENGTH_UNKNOWN
    int code;     // of all reads from now on
    bool is_at_end;
};

// Reads the headers of a request, which lives as long as the digest. A trailer's checksum is
// another matter (signed_body.h).
enum header_digest_result header_digest_init(struct header_digest *d,
                                             const struct http_request *request);
// The body is read through d->stream from now on.
void header_digest_open(struct header_digest *d, struct stream *source);
// Of a body in memory: OK or WRONG.
enum header_digest_result header_digest_check(struct header_digest *d, struct str body);
