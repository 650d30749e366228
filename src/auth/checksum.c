// CRCs by a table of sixteen entries, SHA by libcrypto.
// SPDX-License-Identifier: Apache-2.0

// As in src/base/digest.c: the EVP layer would load providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "src/auth/checksum.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct checksum *)0)->state), "it holds a context");
_Static_assert(sizeof(SHA_CTX) <= sizeof(((struct checksum *)0)->state), "it holds a context");

static const char *const headers[CHECKSUM_KINDS] = {
    [CHECKSUM_CRC32] = "x-amz-checksum-crc32",         [CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
    [CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme", [CHECKSUM_SHA1] = "x-amz-checksum-sha1",
    [CHECKSUM_SHA256] = "x-amz-checksum-sha256",
};

static const struct {
    uint64_t polynomial; // reflected
    uint64_t ones;
    size_t bytes;
} crcs[] = {
    [CHECKSUM_CRC32] = {0xedb88320, UINT32_MAX, 4},
    [CHECKSUM_CRC32C] = {0x82f63b78, UINT32_MAX, 4},
    [CHECKSUM_CRC64NVME] = {0x9a6c9329ac4bc9b5, UINT64_MAX, 8},
};

static bool
is_crc(const struct checksum *c)
{
    return c->kind <= CHECKSUM_CRC64NVME;
}

static void
crc_add(struct checksum *c, struct str data)
{
    uint64_t table[16], crc = c->state[0];
    for (uint64_t i = 0; i < COUNT_OF(table); i++) {
        table[i] = i;
        for (int bit = 0; bit < 4; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? crcs[c->kind].polynomial : 0);
    }
    for (size_t i = 0; i < data.len; i++) {
        crc ^= (unsigned char)data.ptr[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    c->state[0] = crc;
}

static size_t
crc_end(const struct checksum *c, uint8_t *out)
{
    size_t bytes = crcs[c->kind].bytes;
    uint64_t crc = c->state[0] ^ crcs[c->kind].ones;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(crc >> 8 * (bytes - 1 - i));
    return bytes;
}

enum checksum_kind
checksum_kind_of(struct str header)
{
    int kind = 0;
    while (kind < CHECKSUM_KINDS && !str_eq_nocase(header, str_of(headers[kind])))
        kind++;
    return (enum checksum_kind)kind;
}

void
checksum_init(struct checksum *c, enum checksum_kind kind)
{
    c->kind = kind;
    if (is_crc(c))
        c->state[0] = crcs[kind].ones;
    else if (kind == CHECKSUM_SHA1)
        SHA1_Init((SHA_CTX *)c->state);
    else
        SHA256_Init((SHA256_CTX *)c->state);
}

void
checksum_add(struct checksum *c, struct str data)
{
    if (is_crc(c))
        crc_add(c, data);
    else if (c->kind == CHECKSUM_SHA1)
        SHA1_Update((SHA_CTX *)c->state, data.ptr, data.len);
    else
        SHA256_Update((SHA256_CTX *)c->state, data.ptr, data.len);
}

size_t
checksum_end(struct checksum *c, uint8_t out[CHECKSUM_BYTES_MAX])
{
    if (is_crc(c))
        return crc_end(c, out);
    if (c->kind == CHECKSUM_SHA1) {
        SHA1_Final(out, (SHA_CTX *)c->state);
        return SHA_DIGEST_LENGTH;
    }
    SHA256_Final(out, (SHA256_CTX *)c->state);
    return SHA256_DIGEST_LENGTH;
}
