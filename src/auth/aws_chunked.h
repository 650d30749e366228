// Bodies of content coding aws-chunked: chunks with signatures, checksums behind them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/checksum.h"
#include "src/auth/sigv4.h"

enum aws_chunked_result {
    AWS_CHUNKED_MORE,
    AWS_CHUNKED_DONE,
    AWS_CHUNKED_MALFORMED, // breaks the grammar
    AWS_CHUNKED_LENGTH,    // not as long as x-amz-decoded-content-length says
    AWS_CHUNKED_SIGNATURE, // of a chunk or of the trailer
    AWS_CHUNKED_CHECKSUM,  // in the trailer, of another body
};

enum {
    AWS_CHUNKED_LINE_BYTES_MAX = 256,
    AWS_CHUNKED_SIGNATURE_BYTES = 2 * SHA256_BYTES,
    AWS_CHUNKED_SCOPE_BYTES_MAX = 256,
};

// Opaque.
struct aws_chunked {
    int state;
    bool is_signed, has_trailer;
    bool has_checksum, has_trailer_signature;
    struct sha256 key;
    char scope
        [AWS_CHUNKED_SCOPE_BYTES_MAX]; // "20130524T000000Z\n20130524/us-east-1/s3/aws4_request"
    size_t scope_bytes;
    char last_signature[AWS_CHUNKED_SIGNATURE_BYTES]; // of what came before
    char signature[AWS_CHUNKED_SIGNATURE_BYTES];      // as sent, of the chunk under way
    struct checksum chunk_hash;
    enum checksum_kind trailer_kind;
    struct checksum trailer_sum;
    uint64_t chunk_left, body_left;
    char line[AWS_CHUNKED_LINE_BYTES_MAX];
    size_t line_bytes;
    char trailer[AWS_CHUNKED_LINE_BYTES_MAX]; // what the trailer's signature is of
    size_t trailer_bytes;
};

// `sig` was verified and is the seed of the chunks' signatures; `key` is its signing key. Both are
// zeroed where the chunks carry none, and the request neither. E_INVALID
// when the request's headers (x-amz-decoded-content-length, x-amz-trailer) do not fit the payload
// that x-amz-content-sha256 names, one of SIGV4_PAYLOAD_CHUNKS to SIGV4_PAYLOAD_UNSIGNED_TRAILER.
MUST_USE int aws_chunked_init(struct aws_chunked *c, const struct http_request *request,
                              const struct sigv4 *sig, const struct sha256 *key);
// Decodes in place, piece by piece: *consumed input bytes were used and *produced body bytes moved
// to the front of bytes. Body bytes are given out before their chunk's signature was seen: nothing
// counts until DONE. Bytes that follow are not consumed.
enum aws_chunked_result aws_chunked_decode(struct aws_chunked *c, char *bytes, size_t len,
                                           size_t *consumed, size_t *produced);
