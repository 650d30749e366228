// Sealing short secrets: AES-256-GCM under keys derived from the root key.
// SPDX-License-Identifier: Apache-2.0

// The EVP layer would load providers: about 1.6 MiB for secrets that are rarely touched. These
// older functions load nothing; they encrypt 0.2 GB/s, which is enough for a few bytes. Blobs use
// EVP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "src/store/seal.h"

#include <openssl/aes.h>
#include <openssl/modes.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/digest.h"
#include "src/store/seal_file.h"
#include "src/store/tuple.h"

enum {
    VERSION = 1,
    // A random nonce for GCM alone would do for 2^32 secrets only. So this one is longer, and its
    // first part goes into the key.
    KEY_NONCE_BYTES = 12,
    GCM_NONCE_BYTES = 12,
    NONCE_BYTES = KEY_NONCE_BYTES + GCM_NONCE_BYTES,
    TAG_BYTES = 16,
    INFO_BYTES_MAX = 256,
    PROBLEM_BYTES_MAX = 512,
};

_Static_assert(SEAL_EXTRA_BYTES == 1 + NONCE_BYTES + TAG_BYTES, "as seal.h says");

struct seal {
    struct runtime *runtime;
    struct sha256 prk; // RFC 5869's name for the root key, extracted
};

struct gcm {
    AES_KEY aes;
    GCM128_CONTEXT *context;
};

static struct str
str_of_bytes(const void *bytes, size_t len)
{
    return (struct str){bytes, len};
}

// HKDF-Expand for one block.
static struct sha256
expand(const struct sha256 *prk, struct str info)
{
    char text[INFO_BYTES_MAX + 1];
    CHECK(info.len <= INFO_BYTES_MAX);
    if (info.len > 0)
        memcpy(text, info.ptr, info.len);
    text[info.len] = 1;
    return hmac_sha256(str_of_bytes(prk->bytes, SHA256_BYTES), (struct str){text, info.len + 1});
}

static struct sha256
secret_key(const struct seal *s, struct str purpose, const uint8_t *nonce)
{
    struct sha256 key = expand(&s->prk, purpose);
    struct sha256 own =
        hmac_sha256(str_of_bytes(key.bytes, SHA256_BYTES), str_of_bytes(nonce, KEY_NONCE_BYTES));
    explicit_bzero(&key, sizeof key);
    return own;
}

static void
encrypt_block(const unsigned char in[16], unsigned char out[16], const void *key)
{
    AES_encrypt(in, out, key);
}

static void
gcm_init(struct gcm *g, const struct sha256 *key, const uint8_t *nonce, struct str bound)
{
    CHECK(AES_set_encrypt_key(key->bytes, 8 * SHA256_BYTES, &g->aes) == 0);
    g->context = CRYPTO_gcm128_new(&g->aes, encrypt_block);
    CHECK(g->context != NULL);
    CRYPTO_gcm128_setiv(g->context, nonce, GCM_NONCE_BYTES);
    CHECK(CRYPTO_gcm128_aad(g->context, (const unsigned char *)bound.ptr, bound.len) == 0);
}

static void
gcm_fini(struct gcm *g)
{
    CRYPTO_gcm128_release(g->context);
    explicit_bzero(g, sizeof *g);
}

static struct seal *
seal_of_key(struct runtime *rt, const uint8_t root_key[ROOT_KEY_BYTES])
{
    struct seal *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    s->runtime = rt;
    uint8_t no_salt[SHA256_BYTES] = {0};
    s->prk =
        hmac_sha256(str_of_bytes(no_salt, sizeof no_salt), str_of_bytes(root_key, ROOT_KEY_BYTES));
    return s;
}

// One seal_open.
struct opening {
    const struct seal_options *options;
    struct seal *seal;
    enum { NEVER_USED, SAME_KEY, OTHER_KEY } found;
};

static struct str
check_key(struct arena *arena)
{
    struct tuple t;
    tuple_init(&t, arena);
    tuple_add_str(&t, STR("seal"));
    tuple_add_str(&t, STR("check"));
    return tuple_key(&t);
}

// Looks which key the store was used with; when with none, notes this one if there is one.
static int
check_body(struct kv_txn *txn, void *arg)
{
    struct opening *o = arg;
    struct str key = check_key(kv_txn_arena(txn)), found;
    o->found = NEVER_USED;
    TRY(kv_get(txn, key, KV_SERIALIZABLE, &found));
    if (str_is_present(found))
        o->found = OTHER_KEY;
    if (o->seal == NULL)
        return OK;
    // One way: it says nothing about the key or what is derived for other purposes.
    struct sha256 *check = ARENA_NEW(kv_txn_arena(txn), struct sha256);
    *check = expand(&o->seal->prk, STR("seal.check"));
    struct str expected = str_of_bytes(check->bytes, SHA256_BYTES);
    if (str_is_present(found) && str_eq_constant_time(found, expected))
        o->found = SAME_KEY;
    return o->found == NEVER_USED ? kv_set(txn, key, expected) : OK;
}

static int
check_store(struct opening *o)
{
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(o->options->kv, &arena, check_body, o);
    arena_fini(&arena);
    return code;
}

static int
get_or_make(struct opening *o, uint8_t key[ROOT_KEY_BYTES], struct seal_file *file)
{
    seal_file_read(file, key);
    if (file->code != E_NOT_FOUND || !o->options->is_made)
        return file->code;
    file->code = OK;
    TRY(check_store(o));
    if (o->found != NEVER_USED)
        return seal_file_fail(file, E_NOT_FOUND,
                              "the root key %s is missing: put it back from a backup, since what "
                              "the store keeps sealed cannot be read without it",
                              file->path);
    random_bytes(o->options->runtime, key, ROOT_KEY_BYTES);
    seal_file_make(file, key);
    return file->code;
}

int
seal_open(const struct seal_options *options, struct seal **out, char *problem, size_t problem_size)
{
    uint8_t key[ROOT_KEY_BYTES];
    struct opening o = {.options = options};
    struct seal_file file = {.runtime = options->runtime,
                             .path = options->path,
                             .problem = problem,
                             .problem_size = problem_size};
    int code = get_or_make(&o, key, &file);
    if (code == OK) {
        o.seal = seal_of_key(options->runtime, key);
        code = check_store(&o);
    }
    explicit_bzero(key, sizeof key);
    if (code != OK && file.code == OK)
        seal_file_fail(&file, code, "cannot look up in the store which root key it uses: %s",
                       code_name(code));
    if (code == OK && o.found == OTHER_KEY)
        code = seal_file_fail(&file, E_INVALID,
                              "%s is not the root key that this store was used with: put the right "
                              "one in its place",
                              options->path);
    if (code != OK) {
        seal_free(o.seal);
        return code;
    }
    *out = o.seal;
    return OK;
}

int
seal_prepare(struct runtime *rt, const char *path)
{
    uint8_t key[ROOT_KEY_BYTES];
    char problem[PROBLEM_BYTES_MAX];
    struct seal_file file = {.path = path, .problem = problem, .problem_size = sizeof problem};
    if (access(path, F_OK) == 0)
        return OK;
    random_bytes(rt, key, sizeof key);
    seal_file_make_here(&file, key);
    explicit_bzero(key, sizeof key);
    return file.code;
}

struct seal *
seal_new(struct runtime *rt)
{
    uint8_t key[ROOT_KEY_BYTES];
    random_bytes(rt, key, sizeof key);
    struct seal *s = seal_of_key(rt, key);
    explicit_bzero(key, sizeof key);
    return s;
}

void
seal_free(struct seal *s)
{
    if (s == NULL)
        return;
    explicit_bzero(s, sizeof *s);
    free(s);
}

// Sealed: the version, the nonce, the encrypted secret, the tag.
struct str
seal_encode(const struct seal *s, struct str purpose, struct str bound, struct str secret,
            struct arena *arena)
{
    CHECK(secret.len <= SEAL_SECRET_BYTES_MAX);
    uint8_t *out = arena_alloc(arena, secret.len + SEAL_EXTRA_BYTES);
    uint8_t *nonce = out + 1, *text = nonce + NONCE_BYTES;
    out[0] = VERSION;
    random_bytes(s->runtime, nonce, NONCE_BYTES);
    struct sha256 key = secret_key(s, purpose, nonce);
    struct gcm g;
    gcm_init(&g, &key, nonce + KEY_NONCE_BYTES, bound);
    CHECK(CRYPTO_gcm128_encrypt(g.context, (const unsigned char *)secret.ptr, text, secret.len) ==
          0);
    CRYPTO_gcm128_tag(g.context, text + secret.len, TAG_BYTES);
    gcm_fini(&g);
    explicit_bzero(&key, sizeof key);
    return str_of_bytes(out, secret.len + SEAL_EXTRA_BYTES);
}

int
seal_decode(const struct seal *s, struct str purpose, struct str bound, struct str sealed,
            struct arena *arena, struct str *out)
{
    if (sealed.len < SEAL_EXTRA_BYTES || sealed.len > SEAL_SECRET_BYTES_MAX + SEAL_EXTRA_BYTES)
        return E_INVALID;
    const uint8_t *from = (const uint8_t *)sealed.ptr;
    if (from[0] != VERSION)
        return from[0] > VERSION ? E_NEWER : E_INVALID;
    const uint8_t *nonce = from + 1, *text = nonce + NONCE_BYTES;
    size_t len = sealed.len - SEAL_EXTRA_BYTES;
    uint8_t *secret = arena_alloc(arena, len);
    struct sha256 key = secret_key(s, purpose, nonce);
    struct gcm g;
    gcm_init(&g, &key, nonce + KEY_NONCE_BYTES, bound);
    CHECK(CRYPTO_gcm128_decrypt(g.context, text, secret, len) == 0);
    bool is_same = CRYPTO_gcm128_finish(g.context, text + len, TAG_BYTES) == 0;
    gcm_fini(&g);
    explicit_bzero(&key, sizeof key);
    if (!is_same) {
        explicit_bzero(secret, len);
        return E_INVALID;
    }
    *out = str_of_bytes(secret, len);
    return OK;
}

void
hkdf_sha256(struct str salt, struct str secret, struct str info, uint8_t out[SEAL_KEY_BYTES])
{
    uint8_t zeroes[SHA256_BYTES] = {0};
    if (!str_is_present(salt))
        salt = str_of_bytes(zeroes, sizeof zeroes);
    struct sha256 prk = hmac_sha256(salt, secret);
    struct sha256 key = expand(&prk, info);
    memcpy(out, key.bytes, SEAL_KEY_BYTES);
}
