// The encryption of contents, chunk by chunk.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/aes.h"
#include "src/store/blob.h"

enum {
    BLOB_KEY_BYTES = 32,
    BLOB_TAG_BYTES = BLOB_CHUNK_BYTES - BLOB_CHUNK_DATA_BYTES,
};

struct blob_key {
    uint8_t bytes[BLOB_KEY_BYTES];
};

// One blob in one direction; about 1 KiB.
enum blob_direction { BLOB_DECRYPT, BLOB_ENCRYPT };
struct blob_cipher;
struct blob_cipher *blob_cipher_new(struct aes *aes, enum blob_direction direction,
                                    const struct blob_id *id, const struct blob_key *key);
void blob_cipher_free(struct blob_cipher *c); // accepts NULL

// Both in place: data_len bytes, and behind them the tag. A key encrypts each number once.
void blob_chunk_seal(struct blob_cipher *c, uint64_t number, bool is_last, char *chunk,
                     size_t data_len);
// E_INVALID, with the bytes wiped, when anything is not as it was sealed.
MUST_USE int blob_chunk_open(struct blob_cipher *c, uint64_t number, bool is_last, char *chunk,
                             size_t data_len);

// An empty blob has one chunk.
static inline uint64_t
blob_chunk_count(uint64_t size)
{
    return size == 0 ? 1 : (size - 1) / BLOB_CHUNK_DATA_BYTES + 1;
}

// Of the data of that chunk.
static inline size_t
blob_chunk_data_len(uint64_t size, uint64_t number)
{
    uint64_t left = size - number * BLOB_CHUNK_DATA_BYTES;
    return left < BLOB_CHUNK_DATA_BYTES ? (size_t)left : BLOB_CHUNK_DATA_BYTES;
}

// Of all chunks, as stored.
static inline uint64_t
blob_stored_bytes(uint64_t size)
{
    return size + blob_chunk_count(size) * BLOB_TAG_BYTES;
}
