// Data keys: under which a service keeps many small contents sealed.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/data_key.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum {
    VERSION = 1,
    TAG_BYTES = 16,
    NONCE_BYTES = 12,
    SEALED_KEY_BYTES = SEAL_KEY_BYTES + SEAL_EXTRA_BYTES,
    KEYS_REMEMBERED = 256, // of each loop
};

_Static_assert(DATA_EXTRA_BYTES == 1 + TAG_BYTES, "as data_key.h says");

#define DATA_KEY_PURPOSE "data key"

struct remembered {
    char sealed[SEALED_KEY_BYTES];
    EVP_CIPHER_CTX *deriving; // NULL: the place is free
};

// What one loop has; its fibers do not wait in here, so that nothing is locked.
struct loop_keys {
    EVP_CIPHER_CTX *gcm;
    struct remembered keys[KEYS_REMEMBERED]; // by the sealed key's first random byte
};

struct data_keys {
    const struct seal *seal;
    struct aes *aes;
    struct loop_keys *loops[RUNTIME_LOOPS_MAX];
};

struct data_keys *
data_keys_new(const struct seal *seal, struct aes *aes)
{
    struct data_keys *ks = calloc(1, sizeof *ks);
    CHECK(ks != NULL);
    ks->seal = seal;
    ks->aes = aes;
    return ks;
}

static void
loop_keys_free(struct loop_keys *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < KEYS_REMEMBERED; i++)
        EVP_CIPHER_CTX_free(l->keys[i].deriving); // wipes the key
    EVP_CIPHER_CTX_free(l->gcm);
    free(l);
}

void
data_keys_free(struct data_keys *ks)
{
    if (ks == NULL)
        return;
    for (size_t i = 0; i < RUNTIME_LOOPS_MAX; i++)
        loop_keys_free(ks->loops[i]);
    free(ks);
}

struct str
data_key_new(struct data_keys *ks, struct str bound, struct arena *arena)
{
    char key[SEAL_KEY_BYTES];
    random_bytes(loop_runtime(loop_current()), key, sizeof key);
    struct str sealed =
        seal_encode(ks->seal, STR(DATA_KEY_PURPOSE), bound, (struct str){key, sizeof key}, arena);
    explicit_bzero(key, sizeof key);
    return sealed;
}

static struct loop_keys *
loop_keys_get(struct data_keys *ks)
{
    struct loop *loop = loop_current();
    CHECK(loop != NULL);
    struct loop_keys **l = &ks->loops[loop_index(loop)];
    if (*l == NULL) {
        *l = calloc(1, sizeof **l);
        CHECK(*l != NULL);
        (*l)->gcm = EVP_CIPHER_CTX_new();
        CHECK((*l)->gcm != NULL);
    }
    return *l;
}

static int
remember(struct data_keys *ks, struct remembered *r, struct str sealed, struct str bound,
         struct arena *arena)
{
    struct str key;
    TRY(seal_decode(ks->seal, STR(DATA_KEY_PURPOSE), bound, sealed, arena, &key));
    if (r->deriving == NULL)
        r->deriving = EVP_CIPHER_CTX_new();
    CHECK(r->deriving != NULL && key.len == SEAL_KEY_BYTES);
    CHECK(EVP_CipherInit_ex(r->deriving, aes_ecb(ks->aes), NULL, (const unsigned char *)key.ptr,
                            NULL, 1) == 1);
    EVP_CIPHER_CTX_set_padding(r->deriving, 0);
    explicit_bzero((char *)key.ptr, key.len);
    memcpy(r->sealed, sealed.ptr, sealed.len);
    return OK;
}

static int
deriving_get(struct data_keys *ks, struct loop_keys *l, struct str sealed, struct str bound,
             struct arena *arena, EVP_CIPHER_CTX **out)
{
    if (sealed.len != SEALED_KEY_BYTES)
        return E_INVALID;
    struct remembered *r = &l->keys[(unsigned char)sealed.ptr[1] % KEYS_REMEMBERED];
    if (r->deriving == NULL || memcmp(r->sealed, sealed.ptr, SEALED_KEY_BYTES) != 0)
        TRY(remember(ks, r, sealed, bound, arena));
    *out = r->deriving;
    return OK;
}

// The first half of the content's key is the id encrypted, the second that half turned over and
// encrypted: no two ids share the first.
static void
content_key(EVP_CIPHER_CTX *deriving, const void *id, unsigned char out[SEAL_KEY_BYTES])
{
    unsigned char blocks[SEAL_KEY_BYTES];
    int len;
    memcpy(blocks, id, DATA_ID_BYTES);
    CHECK(EVP_CipherUpdate(deriving, out, &len, blocks, DATA_ID_BYTES) == 1);
    memcpy(blocks, out, DATA_ID_BYTES);
    for (size_t i = 0; i < DATA_ID_BYTES; i++)
        blocks[i] ^= 0xff;
    CHECK(EVP_CipherUpdate(deriving, out + DATA_ID_BYTES, &len, blocks, DATA_ID_BYTES) == 1);
    explicit_bzero(blocks, sizeof blocks);
}

static int
content_begin(struct data_keys *ks, struct str key, struct str bound, const void *id,
              struct arena *arena, int is_encrypting, EVP_CIPHER_CTX **out)
{
    static const unsigned char nonce[NONCE_BYTES] = {0}; // each key is for one content
    struct loop_keys *l = loop_keys_get(ks);
    unsigned char own[SEAL_KEY_BYTES];
    EVP_CIPHER_CTX *deriving;
    TRY(deriving_get(ks, l, key, bound, arena, &deriving));
    content_key(deriving, id, own);
    CHECK(EVP_CipherInit_ex(l->gcm, aes_gcm(ks->aes), NULL, own, nonce, is_encrypting) == 1);
    explicit_bzero(own, sizeof own);
    *out = l->gcm;
    return OK;
}

// Sealed: the version, the encrypted content, the tag.
int
data_encode(struct data_keys *ks, struct str key, struct str bound, const void *id,
            struct str content, struct arena *arena, struct str *out)
{
    EVP_CIPHER_CTX *gcm;
    int len;
    CHECK(content.len <= KV_VALUE_BYTES_MAX);
    TRY(content_begin(ks, key, bound, id, arena, 1, &gcm));
    unsigned char *to = (unsigned char *)arena_alloc_bytes(arena, content.len + DATA_EXTRA_BYTES);
    unsigned char *text = to + 1, *tag = text + content.len;
    to[0] = VERSION;
    CHECK(EVP_CipherUpdate(gcm, text, &len, (const unsigned char *)content.ptr, (int)content.len) ==
          1);
    CHECK(EVP_CipherFinal_ex(gcm, tag, &len) == 1 && len == 0);
    CHECK(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1);
    *out = (struct str){(const char *)to, content.len + DATA_EXTRA_BYTES};
    return OK;
}

int
data_decode(struct data_keys *ks, struct str key, struct str bound, const void *id,
            struct str sealed, struct arena *arena, struct str *out)
{
    EVP_CIPHER_CTX *gcm;
    int len;
    if (sealed.len < DATA_EXTRA_BYTES || sealed.len > KV_VALUE_BYTES_MAX + DATA_EXTRA_BYTES)
        return E_INVALID;
    if ((unsigned char)sealed.ptr[0] != VERSION)
        return (unsigned char)sealed.ptr[0] > VERSION ? E_NEWER : E_INVALID;
    TRY(content_begin(ks, key, bound, id, arena, 0, &gcm));
    size_t content_len = sealed.len - DATA_EXTRA_BYTES;
    const unsigned char *from = (const unsigned char *)sealed.ptr + 1;
    unsigned char tag[TAG_BYTES], nothing[TAG_BYTES];
    memcpy(tag, from + content_len, TAG_BYTES);
    unsigned char *text = (unsigned char *)arena_alloc_bytes(arena, content_len);
    CHECK(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1);
    CHECK(EVP_CipherUpdate(gcm, text, &len, from, (int)content_len) == 1);
    if (EVP_CipherFinal_ex(gcm, nothing, &len) != 1) {
        explicit_bzero(text, content_len);
        return E_INVALID;
    }
    *out = (struct str){(const char *)text, content_len};
    return OK;
}
