// AWS Signature Version 4 in the Authorization header.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/digest.h"
#include "src/http/message.h"

enum { SIGV4_SKEW_MS_MAX = 15 * 60 * 1000 };

// Authorization: AWS4-HMAC-SHA256 Credential=AKID/date/region/service/aws4_request,
// SignedHeaders=..., Signature=...
struct sigv4_header {
    struct str access_key;
    struct str date; // 8 digits
    struct str region;
    struct str service;
    struct str signed_headers; // as sent: "host;x-amz-date"
    struct str signature;      // 64 lower case hexadecimal digits, if it is to match
    struct str timestamp;      // X-Amz-Date or Date as YYYYMMDDTHHMMSSZ
    int64_t timestamp_ms;
};

// What is wrong with a signature; src/cloud turns it into the protocol's AWS error.
enum sigv4_result {
    SIGV4_OK,
    SIGV4_MISSING,    // no Authorization at all
    SIGV4_INCOMPLETE, // malformed; `reason` says how, in AWS's words
    SIGV4_SKEWED,     // older or newer than SIGV4_SKEW_MS_MAX; `reason` has the times
    SIGV4_SCOPE,      // date of the scope is not that of the request
    SIGV4_MISMATCH,   // computed signature differs, or does not cover what it must
};

// What the signature says of the body, by x-amz-content-sha256.
enum sigv4_payload {
    SIGV4_PAYLOAD_HASHED,   // absent, or the hash of the body
    SIGV4_PAYLOAD_UNSIGNED, // UNSIGNED-PAYLOAD; S3 only
    SIGV4_PAYLOAD_STREAMED, // STREAMING-...: chunks carry signatures or trailers; S3 only
};
enum sigv4_payload sigv4_payload_of(const struct http_request *request);

// Reads the header; texts point into the request or its arena, `reason` is in its arena.
enum sigv4_result sigv4_parse(const struct http_request *request, struct sigv4_header *out,
                              struct str *reason);
// The signing key of a secret for one day, region and service: cacheable for that day
// (src/auth/key_cache.h).
struct sha256 sigv4_signing_key(struct str secret, struct str date, struct str region,
                                struct str service);
// The canonical request in AWS's form. `payload_hash` is x-amz-content-sha256 or the body's
// SHA-256. For S3 paths are not normalised and encoded once, else twice.
void sigv4_canonical_request(const struct http_request *request, const struct sigv4_header *h,
                             struct buf *out);
// Checks time and signature. On MISMATCH `reason` is AWS's message with the canonical request and
// the string to sign. Every signed header must be present, host and all x-amz-* headers must be
// signed. Only SIGV4_PAYLOAD_HASHED is accepted so far. Hashes the whole body.
enum sigv4_result sigv4_verify(const struct http_request *request, const struct sigv4_header *h,
                               const struct sha256 *signing_key, int64_t now_ms,
                               struct str *reason);

// The client's side, for calls between services, tests and load: the value of Authorization for a
// request whose headers hold Host, X-Amz-Date and all else that is to be signed.
struct str sigv4_authorization(const struct http_request *request, struct str access_key,
                               struct str secret, struct str region, struct str service);
