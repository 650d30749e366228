// SHA-256, HMAC-SHA-256, SHA-1 and MD5, from OpenSSL's libcrypto.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum { SHA256_BYTES = 32, SHA1_BYTES = 20, MD5_BYTES = 16 };

struct sha256 {
    uint8_t bytes[SHA256_BYTES];
};

// For protocols that prescribe it: it keeps nothing secret.
struct sha1 {
    uint8_t bytes[SHA1_BYTES];
};

struct md5 {
    uint8_t bytes[MD5_BYTES];
};

struct sha256 sha256_of(struct str data);
struct sha256 hmac_sha256(struct str key, struct str data);
struct sha1 sha1_of(struct str data);
struct md5 md5_of(struct str data);

// Data that comes in pieces; SQS hashes message attributes so. Opaque storage, no allocation.
struct md5_stream {
    uint64_t state[16];
};
void md5_stream_init(struct md5_stream *s);
void md5_stream_add(struct md5_stream *s, struct str data);
struct md5 md5_stream_end(struct md5_stream *s);
