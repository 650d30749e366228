// AES-256-GCM over chunks, by OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_crypt.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum {
    NONCE_BYTES = 12,
    BOUND_BYTES = BLOB_ID_BYTES + 8 + 1, // id, number, whether it is the last
};

struct blob_cipher {
    EVP_CIPHER_CTX *context;
    struct blob_id id;
};

struct blob_cipher *
blob_cipher_new(struct aes *aes, enum blob_direction direction, const struct blob_id *id,
                const struct blob_key *key)
{
    struct blob_cipher *cipher = calloc(1, sizeof *cipher);
    CHECK(cipher != NULL);
    cipher->id = *id;
    cipher->context = EVP_CIPHER_CTX_new();
    CHECK(cipher->context != NULL);
    CHECK(EVP_CipherInit_ex(cipher->context, aes_gcm(aes), NULL, key->bytes, NULL,
                            direction == BLOB_ENCRYPT) == 1);
    return cipher;
}

void
blob_cipher_free(struct blob_cipher *c)
{
    if (c == NULL)
        return;
    EVP_CIPHER_CTX_free(c->context); // wipes the key
    free(c);
}

static void
start_chunk(struct blob_cipher *c, uint64_t number, bool is_last)
{
    uint8_t nonce[NONCE_BYTES] = {0}, bound[BOUND_BYTES];
    uint64_t place = htobe64(number);
    memcpy(nonce + NONCE_BYTES - sizeof place, &place, sizeof place);
    memcpy(bound, c->id.bytes, BLOB_ID_BYTES);
    memcpy(bound + BLOB_ID_BYTES, &place, sizeof place);
    bound[BOUND_BYTES - 1] = is_last;
    int len;
    CHECK(EVP_CipherInit_ex(c->context, NULL, NULL, NULL, nonce, -1) == 1);
    CHECK(EVP_CipherUpdate(c->context, NULL, &len, bound, BOUND_BYTES) == 1);
}

static void
crypt(struct blob_cipher *c, char *data, size_t data_len)
{
    int len;
    unsigned char *bytes = (unsigned char *)data;
    CHECK(data_len <= BLOB_CHUNK_DATA_BYTES);
    CHECK(EVP_CipherUpdate(c->context, bytes, &len, bytes, (int)data_len) == 1);
    CHECK((size_t)len == data_len);
}

void
blob_chunk_seal(struct blob_cipher *c, uint64_t number, bool is_last, char *chunk, size_t data_len)
{
    int len;
    char *tag = chunk + data_len;
    start_chunk(c, number, is_last);
    crypt(c, chunk, data_len);
    CHECK(EVP_CipherFinal_ex(c->context, (unsigned char *)tag, &len) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c->context, EVP_CTRL_AEAD_GET_TAG, BLOB_TAG_BYTES, tag) == 1);
}

int
blob_chunk_open(struct blob_cipher *c, uint64_t number, bool is_last, char *chunk, size_t data_len)
{
    int len;
    char *tag = chunk + data_len;
    unsigned char nothing[BLOB_TAG_BYTES];
    start_chunk(c, number, is_last);
    CHECK(EVP_CIPHER_CTX_ctrl(c->context, EVP_CTRL_AEAD_SET_TAG, BLOB_TAG_BYTES, tag) == 1);
    crypt(c, chunk, data_len);
    if (EVP_CipherFinal_ex(c->context, nothing, &len) == 1)
        return OK;
    explicit_bzero(chunk, data_len);
    return E_INVALID;
}
