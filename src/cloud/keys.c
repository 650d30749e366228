// Root keys from options, files and the store; the admin token.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/keys.h"

#include <stdio.h>

#include "src/auth/credentials.h"
#include "src/base/encoding.h"
#include "src/cloud/private_file.h"
#include "src/store/seal.h"
#include "src/store/tuple.h"

// As AWS's keys look.
enum { MADE_KEY_RANDOM_BYTES = 16, MADE_SECRET_RANDOM_BYTES = 30, TOKEN_RANDOM_BYTES = 32 };

#define MADE_KEY_ACCOUNT "000000000000"
#define SEAL_PURPOSE "root key"

struct opening {
    struct cloud *cloud;
    struct cloud_options *options;
    char *problem;
    size_t problem_size;
    struct arena arena;
    struct str sealed; // in the store; absent: none
};

static struct str
store_key(struct arena *arena)
{
    struct tuple t;
    tuple_init(&t, arena);
    tuple_add_str(&t, STR("c10m"));
    tuple_add_str(&t, STR("root-key"));
    return tuple_key(&t);
}

static int
get_sealed(struct kv_txn *txn, void *arg)
{
    struct opening *o = arg;
    return kv_get(txn, store_key(kv_txn_arena(txn)), KV_SERIALIZABLE, &o->sealed);
}

static int
put_sealed(struct kv_txn *txn, void *arg)
{
    struct opening *o = arg;
    return kv_set(txn, store_key(kv_txn_arena(txn)), o->sealed);
}

static int
open_seal(struct opening *o)
{
    struct seal_options options = {
        .runtime = o->cloud->runtime,
        .kv = o->cloud->kv,
        .path = o->options->seal_file,
        .is_made = !str_is_present(o->sealed),
    };
    if (options.path != NULL)
        return seal_open(&options, &o->cloud->seal, o->problem, o->problem_size);
    o->cloud->seal = seal_new(o->cloud->runtime);
    return OK;
}

static struct str
random_text(struct opening *o, size_t bytes, void (*encode)(struct str bytes, struct buf *out))
{
    char random[64];
    struct buf out;
    CHECK(bytes <= sizeof(random));
    random_bytes(o->cloud->runtime, random, bytes);
    buf_init(&out, &o->arena, 2 * bytes);
    encode((struct str){random, bytes}, &out);
    explicit_bzero(random, sizeof(random));
    return buf_str(&out);
}

// Letters and digits of base32, one of each byte.
static void
encode_key(struct str bytes, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for (size_t i = 0; i < bytes.len; i++)
        buf_put_char(out, digits[(unsigned char)bytes.ptr[i] % 32]);
}

static void
encode_token(struct str bytes, struct buf *out)
{
    hex_encode(bytes.ptr, bytes.len, buf_reserve(out, 2 * bytes.len));
    out->len += 2 * bytes.len;
}

static int
make_key(struct opening *o)
{
    struct str secret = random_text(o, MADE_SECRET_RANDOM_BYTES, base64_encode);
    struct str id = random_text(o, MADE_KEY_RANDOM_BYTES, encode_key);
    struct str key = arena_print(&o->arena, MADE_KEY_ACCOUNT ":AKIA" STR_FMT ":" STR_FMT,
                                 STR_ARG(id), STR_ARG(secret));
    o->sealed =
        seal_encode(o->cloud->seal, STR(SEAL_PURPOSE), store_key(&o->arena), key, &o->arena);
    TRY(kv_run(o->cloud->kv, &o->arena, put_sealed, o));
    CHECK(key.len < sizeof(o->options->new_root_key));
    memcpy(o->options->new_root_key, key.ptr, key.len);
    return key_ring_add(o->cloud->keys, key, o->problem, o->problem_size);
}

static int
take_stored_key(struct opening *o)
{
    struct str key;
    TRY(seal_decode(o->cloud->seal, STR(SEAL_PURPOSE), store_key(&o->arena), o->sealed, &o->arena,
                    &key));
    int code = key_ring_add(o->cloud->keys, key, o->problem, o->problem_size);
    return code == E_EXISTS ? OK : code; // the operator gave it too
}

static int
open_stored_key(void *arg)
{
    struct opening *o = arg;
    TRY(kv_run(o->cloud->kv, &o->arena, get_sealed, o));
    bool is_stored = str_is_present(o->sealed);
    TRY(open_seal(o));
    if (!is_stored && !key_ring_is_empty(o->cloud->keys))
        return OK;
    return is_stored ? take_stored_key(o) : make_key(o);
}

static int
add_options(struct opening *o)
{
    for (size_t i = 0; i < o->options->root_keys.count; i++)
        TRY(key_ring_add(o->cloud->keys, str_of(o->options->root_keys.items[i]), o->problem,
                         o->problem_size));
    for (size_t i = 0; i < o->options->root_key_files.count; i++) {
        struct str text;
        TRY(private_file_read(&o->arena, o->options->root_key_files.items[i], &text, o->problem,
                              o->problem_size));
        TRY(key_ring_add_lines(o->cloud->keys, text, o->problem, o->problem_size));
    }
    return OK;
}

static bool
has_development_keys(const struct cloud_options *o)
{
    return o->development_keys == DEVELOPMENT_KEYS_ON ||
           (o->development_keys == DEVELOPMENT_KEYS_BY_ADDRESS && o->address.is_loopback);
}

static int
open_all(struct opening *o)
{
    o->cloud->keys = key_ring_new(has_development_keys(o->options));
    TRY(add_options(o));
    int code = runtime_call(o->cloud->runtime, open_stored_key, o);
    if (code != OK && *o->problem == 0)
        snprintf(o->problem, o->problem_size, "cannot open the root key in the store (%s)",
                 code_name(code));
    return code;
}

int
keys_check(const struct cloud_options *options, char *problem, size_t problem_size)
{
    if (options->address.is_loopback || !has_development_keys(options))
        return OK;
    snprintf(problem, problem_size,
             "refusing to listen on %s with --development-keys: everybody knows these keys; choose "
             "--listen 127.0.0.1:PORT or leave the option out",
             options->address.text);
    return E_INVALID;
}

int
keys_open(struct cloud *cloud, struct cloud_options *options, char *problem, size_t problem_size)
{
    struct opening o = {
        .cloud = cloud, .options = options, .problem = problem, .problem_size = problem_size};
    *problem = 0;
    arena_init(&o.arena);
    int code = open_all(&o);
    arena_fini(&o.arena);
    return code;
}

static int
open_token(struct opening *o, const char *path)
{
    struct str text;
    int code = private_file_read(&o->arena, path, &text, o->problem, o->problem_size);
    if (code == E_NOT_FOUND) {
        struct str token = random_text(o, TOKEN_RANDOM_BYTES, encode_token);
        text = arena_print(&o->arena, STR_FMT "\n", STR_ARG(token));
        code = private_file_add(path, text, o->problem, o->problem_size);
    }
    TRY(code);
    text = str_slice(text, 0, text.len - str_ends(text, STR("\n")));
    if (text.len < ADMIN_TOKEN_BYTES_MIN || text.len >= sizeof(o->cloud->admin_token)) {
        snprintf(o->problem, o->problem_size,
                 "the admin token in %s must have %d to %zu characters", path,
                 ADMIN_TOKEN_BYTES_MIN, sizeof(o->cloud->admin_token) - 1);
        return E_INVALID;
    }
    memcpy(o->cloud->admin_token, text.ptr, text.len);
    return OK;
}

int
admin_token_open(struct cloud *cloud, const struct cloud_options *options, char *problem,
                 size_t problem_size)
{
    if (options->admin_token_file == NULL)
        return OK;
    struct opening o = {.cloud = cloud, .problem = problem, .problem_size = problem_size};
    arena_init(&o.arena);
    int code = open_token(&o, options->admin_token_file);
    arena_fini(&o.arena);
    return code;
}
