// AWS Signature Version 4, in the Authorization header or in the query string (presigned URLs).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/digest.h"
#include "src/http/message.h"

enum { SIGV4_SKEW_MS_MAX = 15 * 60 * 1000, SIGV4_EXPIRES_S_MAX = 7 * 24 * 3600 };

// What a request says of its signature. In the header:
//     Authorization: AWS4-HMAC-SHA256 Credential=AKID/date/region/service/aws4_request,
//     SignedHeaders=..., Signature=...
// In the query string: X-Amz-Algorithm, X-Amz-Credential, X-Amz-Date, X-Amz-Expires,
// X-Amz-SignedHeaders, X-Amz-Signature, and X-Amz-Security-Token.
struct sigv4 {
    struct str access_key;
    struct str date; // 8 digits
    struct str region;
    struct str service;
    struct str signed_headers; // as sent: "host;x-amz-date"
    struct str signature;      // 64 lower case hexadecimal digits, if it is to match
    struct str timestamp;      // X-Amz-Date or Date as YYYYMMDDTHHMMSSZ
    int64_t timestamp_ms;
    struct str security_token; // of temporary credentials; absent for others
    bool is_in_query;
    bool is_body_left_out; // presigned for S3: any body will do
    struct str body_hash;  // hexadecimal, of a body that is not in memory; absent for others
    // Seconds that a presigned URL for S3 is good for, 0 for all else: other services take no
    // notice of X-Amz-Expires and judge by SIGV4_SKEW_MS_MAX (aws-sdk-ruby#2498, aws-sdk-go#2167).
    int64_t expires_s;
};

// What is wrong with a signature; src/cloud turns it into the protocol's AWS error.
enum sigv4_result {
    SIGV4_OK,
    SIGV4_MISSING,    // neither in the header nor in the query string
    SIGV4_INCOMPLETE, // malformed; `reason` says how, in AWS's words
    SIGV4_SKEWED,     // older or newer than SIGV4_SKEW_MS_MAX; `reason` has the times
    SIGV4_EXPIRED,    // presigned, for longer ago than it is good for
    SIGV4_SCOPE,      // date of the scope is not that of the request
    SIGV4_NOT_SIGNED, // it does not cover what it must: host and all x-amz-* headers
    SIGV4_MISMATCH,   // computed signature differs
    // The request's signature is right, its body is not.
    SIGV4_BODY_INCOMPLETE, // not framed as it says, or not as long
    SIGV4_BODY_HASH,       // x-amz-content-sha256 is of another
    SIGV4_BODY_CHECKSUM,   // the trailer's is of another
    SIGV4_BODY_SIGNATURE,  // that of a chunk differs
};

// What the signature says of the body, by x-amz-content-sha256.
enum sigv4_payload {
    SIGV4_PAYLOAD_HASHED,           // absent, or the hash of the body
    SIGV4_PAYLOAD_UNSIGNED,         // UNSIGNED-PAYLOAD
    SIGV4_PAYLOAD_CHUNKS,           // STREAMING-AWS4-HMAC-SHA256-PAYLOAD: chunks carry signatures
    SIGV4_PAYLOAD_CHUNKS_TRAILER,   // ...-TRAILER: and a signed checksum at the end
    SIGV4_PAYLOAD_UNSIGNED_TRAILER, // STREAMING-UNSIGNED-PAYLOAD-TRAILER: only a checksum
    SIGV4_PAYLOAD_UNKNOWN,          // another STREAMING-...
};
enum sigv4_payload sigv4_payload_of(const struct http_request *request);

// Reads header or query string; texts point into the request or its arena, `reason` is in its
// arena. What can be told of a malformed one's scope is told, so that its service can answer.
enum sigv4_result sigv4_parse(const struct http_request *request, struct sigv4 *out,
                              struct str *reason);
// The signing key of a secret for one day, region and service: cacheable for that day
// (src/auth/key_cache.h).
struct sha256 sigv4_signing_key(struct str secret, struct str date, struct str region,
                                struct str service);
// The canonical request in AWS's form. `payload_hash` is x-amz-content-sha256 or the body's
// SHA-256. X-Amz-Signature is left out of the query string. For S3 paths are not normalised and
// encoded once, else twice.
void sigv4_canonical_request(const struct http_request *request, const struct sigv4 *sig,
                             struct buf *out);
// Checks time and signature. On MISMATCH `reason` is AWS's message with the canonical request and
// the string to sign. Every signed header must be present, host and all x-amz-* headers must be
// signed. `payloads` has a bit 1u << enum sigv4_payload for each that is taken beside HASHED, whose
// body is hashed; chunks are the caller's to verify (src/auth/aws_chunked.h).
enum sigv4_result sigv4_verify(const struct http_request *request, const struct sigv4 *sig,
                               const struct sha256 *signing_key, unsigned payloads, int64_t now_ms,
                               struct str *reason);

// What the signature was computed from, for errors that show it. In the request's arena.
struct str sigv4_string_to_sign(const struct http_request *request, const struct sigv4 *sig);
// Names of the headers that must be signed and are not: "x-amz-acl, x-amz-tagging".
struct str sigv4_headers_not_signed(const struct http_request *request, const struct sigv4 *sig);

// Its parts, for bodies that are not in memory (src/auth/signed_body.h): all but signature and
// body, and the signature. The latter needs sig->body_hash where x-amz-content-sha256 is absent.
enum sigv4_result sigv4_verify_head(const struct http_request *request, const struct sigv4 *sig,
                                    unsigned payloads, int64_t now_ms, struct str *reason);
enum sigv4_result sigv4_check(const struct http_request *request, const struct sigv4 *sig,
                              const struct sha256 *signing_key, struct str *reason);
extern const struct str sigv4_payload_text; // the reason of a body with another hash

// The client's side, for calls between services, tests and load: the value of Authorization for a
// request whose headers hold Host, X-Amz-Date and all else that is to be signed.
struct str sigv4_authorization(const struct http_request *request, struct str access_key,
                               struct str secret, struct str region, struct str service);
// The same as a presigned URL's query string: that of the request, which has a Host header, and
// what says who signed it at `now_ms` for `expires_s` seconds.
struct str sigv4_presign(const struct http_request *request, struct str access_key,
                         struct str secret, struct str region, struct str service, int64_t now_ms,
                         int64_t expires_s);
