// A request's body, checked against its signature while it is read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/aws_chunked.h"
#include "src/base/stream.h"

// A stream over another one that gives the bytes that the client means: without the framing of
// aws-chunked, and only as many as were signed for. The read that would complete the body fails
// with E_INVALID when its hash, a chunk's signature, a checksum in the trailer, its length or,
// where that covers the body's hash, the request's signature is wrong: nothing counts before the
// end was read. Used by one fiber at a time, like any stream.
struct signed_body {
    struct stream stream; // its length is that of the body, without framing
    // Why a read failed with E_INVALID, and AWS's words for it; SIGV4_OK while none did, or where
    // the source failed so.
    enum sigv4_result result;
    struct str reason;
    int code; // of all reads from now on
    // Its own.
    struct stream *source;
    const struct http_request *request;
    struct sigv4 sig;
    struct sha256 key;
    enum sigv4_payload payload;
    struct str hash_sent; // x-amz-content-sha256
    bool is_hashed;       // hash_sent or the request's signature is of the body's hash
    struct checksum hash;
    struct aws_chunked chunks;
    bool is_chunks_end;
    int64_t left; // of the body; STREAM_LENGTH_UNKNOWN
    bool is_at_end;
};

// `sig` was parsed, `key` is its signing key; the request lives as long as the body. Checks all
// that can be told without the body, as sigv4_verify does: time, scope, headers, whether its kind
// of payload is one of `payloads`, and the signature where x-amz-content-sha256 stands for the
// body. What is said of the body comes with its last read. Takes the source over: closes it when it
// is closed itself, but not when it is refused here.
enum sigv4_result signed_body_open(struct signed_body *b, const struct http_request *request,
                                   struct stream *source, const struct sigv4 *sig,
                                   const struct sha256 *signing_key, unsigned payloads,
                                   int64_t now_ms, struct str *reason);
// The same of a request without a signature: the framing of STREAMING-UNSIGNED-PAYLOAD-TRAILER is
// taken out and its checksum verified; other bodies pass as they are. INCOMPLETE: its chunks are to
// be signed, or `payloads` does not name its kind.
enum sigv4_result signed_body_open_anonymous(struct signed_body *b,
                                             const struct http_request *request,
                                             struct stream *source, unsigned payloads,
                                             struct str *reason);
