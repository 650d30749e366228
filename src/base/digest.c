// SHA-256, HMAC-SHA-256, SHA-1 and MD5 over libcrypto's plain functions.
// SPDX-License-Identifier: Apache-2.0

// The EVP layer would load providers: about 3 MiB, and a fetch per call, before the first TLS byte.
// These older functions touch nothing but their context.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "src/base/digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

enum { SHA256_BLOCK_BYTES = 64 };

_Static_assert(sizeof(MD5_CTX) <= sizeof(struct md5_stream), "the stream holds OpenSSL's context");
_Static_assert(_Alignof(MD5_CTX) <= _Alignof(struct md5_stream), "the stream is aligned for it");

static struct sha256
sha256_of_two(struct str first, struct str second)
{
    SHA256_CTX ctx;
    struct sha256 digest;
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, first.ptr, first.len);
    SHA256_Update(&ctx, second.ptr, second.len);
    SHA256_Final(digest.bytes, &ctx);
    return digest;
}

struct sha256
sha256_of(struct str data)
{
    return sha256_of_two(data, (struct str){0});
}

static void
xor_all(uint8_t *block, uint8_t with)
{
    for (size_t i = 0; i < SHA256_BLOCK_BYTES; i++)
        block[i] ^= with;
}

// RFC 2104.
struct sha256
hmac_sha256(struct str key, struct str data)
{
    enum { INNER = 0x36, OUTER = 0x5c };
    uint8_t pad[SHA256_BLOCK_BYTES] = {0};
    struct str pad_str = {(const char *)pad, sizeof(pad)};
    struct sha256 short_key;
    if (key.len > sizeof(pad)) {
        short_key = sha256_of(key);
        key = (struct str){(const char *)short_key.bytes, SHA256_BYTES};
    }
    if (key.len > 0)
        memcpy(pad, key.ptr, key.len);

    xor_all(pad, INNER);
    struct sha256 digest = sha256_of_two(pad_str, data);
    xor_all(pad, INNER ^ OUTER);
    digest = sha256_of_two(pad_str, (struct str){(const char *)digest.bytes, SHA256_BYTES});
    explicit_bzero(pad, sizeof(pad));
    return digest;
}

struct sha1
sha1_of(struct str data)
{
    SHA_CTX ctx;
    struct sha1 digest;
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, data.ptr, data.len);
    SHA1_Final(digest.bytes, &ctx);
    return digest;
}

struct md5
md5_of(struct str data)
{
    struct md5_stream s;
    md5_stream_init(&s);
    md5_stream_add(&s, data);
    return md5_stream_end(&s);
}

void
md5_stream_init(struct md5_stream *s)
{
    MD5_Init((MD5_CTX *)s->state);
}

void
md5_stream_add(struct md5_stream *s, struct str data)
{
    MD5_Update((MD5_CTX *)s->state, data.ptr, data.len);
}

struct md5
md5_stream_end(struct md5_stream *s)
{
    struct md5 digest;
    MD5_Final(digest.bytes, (MD5_CTX *)s->state);
    return digest;
}
