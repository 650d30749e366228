// CRCs by tables that are made on the way, SHA by libcrypto.
// SPDX-License-Identifier: Apache-2.0

// As in src/base/digest.c: the EVP layer would load providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "src/auth/checksum.h"

#include <endian.h>
#include <openssl/sha.h>

enum { SLICES = 8, SLICED_BYTES_MIN = 4096 };

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

// Sixteen entries, quickly made.
static uint64_t
crc_of_few(uint64_t polynomial, uint64_t crc, struct str data)
{
    uint64_t table[16];
    for (uint64_t i = 0; i < COUNT_OF(table); i++) {
        table[i] = i;
        for (int bit = 0; bit < 4; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? polynomial : 0);
    }
    for (size_t i = 0; i < data.len; i++) {
        crc ^= (unsigned char)data.ptr[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

// tables[n][byte] is what a byte does to the sum n bytes later.
static void
fill_tables(uint64_t polynomial, uint64_t tables[SLICES][256])
{
    for (uint64_t i = 0; i < 256; i++) {
        uint64_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (polynomial & -(crc & 1));
        tables[0][i] = crc;
    }
    for (size_t n = 1; n < SLICES; n++)
        for (size_t i = 0; i < 256; i++)
            tables[n][i] = tables[n - 1][i] >> 8 ^ tables[0][tables[n - 1][i] & 255];
}

// Eight bytes a step ("slicing by eight"), which is worth its 16 KiB of tables when there are many:
// eight times as fast. The bytes that are left over are the caller's.
static uint64_t
crc_of_many(uint64_t polynomial, uint64_t crc, struct str data)
{
    uint64_t tables[SLICES][256], word;
    fill_tables(polynomial, tables);
    for (size_t at = 0; at + sizeof(word) <= data.len; at += sizeof(word)) {
        memcpy(&word, data.ptr + at, sizeof(word));
        word = le64toh(word) ^ crc;
        crc = 0;
        for (size_t n = 0; n < SLICES; n++)
            crc ^= tables[SLICES - 1 - n][word >> 8 * n & 255];
    }
    return crc;
}

static void
crc_add(struct checksum *c, struct str data)
{
    uint64_t polynomial = crcs[c->kind].polynomial;
    size_t sliced = data.len >= SLICED_BYTES_MIN ? data.len / SLICES * SLICES : 0;
    if (sliced > 0)
        c->state[0] = crc_of_many(polynomial, c->state[0], str_slice(data, 0, sliced));
    c->state[0] = crc_of_few(polynomial, c->state[0], str_slice(data, sliced, data.len));
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
