// Keys and values of the records of blobs.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_head.h"

#include <endian.h>

#include "src/store/tuple.h"

enum {
    VERSION = 1,
    // Version, place, links, due, size, all big-endian; then the sealed key, which binds them.
    PLAIN_BYTES = 1 + 1 + 4 + 8 + 8,
    HEAD_BYTES = PLAIN_BYTES + BLOB_KEY_BYTES + SEAL_EXTRA_BYTES,
    BOUND_BYTES = BLOB_ID_BYTES + PLAIN_BYTES,
};

// The fields at their places in the value.
struct __attribute__((packed)) plain {
    uint8_t version;
    uint8_t place;
    uint32_t links;
    uint64_t due_ms;
    uint64_t size;
};

_Static_assert(sizeof(struct plain) == PLAIN_BYTES, "without gaps");

static struct str
str_of_id(const struct blob_id *id)
{
    return (struct str){(const char *)id->bytes, BLOB_ID_BYTES};
}

static struct tuple
tuple_of(struct str kind, struct arena *arena)
{
    struct tuple t;
    tuple_init(&t, arena);
    tuple_add_str(&t, STR("blob"));
    tuple_add_str(&t, kind);
    return t;
}

struct str
blob_head_key(const struct blob_id *id, struct arena *arena)
{
    struct tuple t = tuple_of(STR("head"), arena);
    tuple_add_fixed(&t, str_of_id(id));
    return tuple_key(&t);
}

struct str
blob_contents_key(const struct blob_id *id, struct arena *arena)
{
    struct tuple t = tuple_of(STR("contents"), arena);
    tuple_add_fixed(&t, str_of_id(id));
    return tuple_key(&t);
}

struct str
blob_garbage_key(int64_t due_ms, const struct blob_id *id, struct arena *arena)
{
    struct tuple t = tuple_of(STR("garbage"), arena);
    tuple_add_int(&t, due_ms);
    tuple_add_fixed(&t, str_of_id(id));
    return tuple_key(&t);
}

void
blob_garbage_range(int64_t now_ms, struct arena *arena, struct str *from, struct str *to)
{
    struct tuple t = tuple_of(STR("garbage"), arena);
    *from = arena_copy(arena, tuple_key(&t));
    tuple_add_int(&t, now_ms);
    *to = tuple_key(&t);
}

int
blob_garbage_parse(struct str key, struct arena *arena, struct blob_id *out)
{
    struct tuple_reader r;
    struct str text;
    int64_t due_ms;
    tuple_reader_init(&r, arena, key);
    TRY(tuple_read_str(&r, &text));
    TRY(tuple_read_str(&r, &text));
    TRY(tuple_read_int(&r, &due_ms));
    TRY(tuple_read_fixed(&r, BLOB_ID_BYTES, &text));
    memcpy(out->bytes, text.ptr, BLOB_ID_BYTES);
    return OK;
}

struct str
blob_garbage_encode(enum blob_place place)
{
    return place == BLOB_INLINE ? STR("i") : STR("o");
}

enum blob_place
blob_garbage_decode(struct str value)
{
    return str_eq(value, STR("i")) ? BLOB_INLINE : BLOB_OUTSIDE;
}

static struct str
bound_of(const struct blob_id *id, const struct plain *plain, char out[BOUND_BYTES])
{
    memcpy(out, id->bytes, BLOB_ID_BYTES);
    memcpy(out + BLOB_ID_BYTES, plain, PLAIN_BYTES);
    return (struct str){out, BOUND_BYTES};
}

struct str
blob_head_encode(const struct blobs *b, const struct blob_id *id, const struct blob_head *head,
                 struct arena *arena)
{
    struct plain plain = {.version = VERSION,
                          .place = (uint8_t)head->place,
                          .links = htobe32(head->links),
                          .due_ms = htobe64((uint64_t)head->due_ms),
                          .size = htobe64(head->size)};
    char bound[BOUND_BYTES];
    struct str key = {(const char *)head->key.bytes, BLOB_KEY_BYTES};
    struct str sealed = seal_encode(b->seal, STR("blob"), bound_of(id, &plain, bound), key, arena);
    struct buf value;
    buf_init(&value, arena, HEAD_BYTES);
    buf_put(&value, (struct str){(const char *)&plain, PLAIN_BYTES});
    buf_put(&value, sealed);
    return buf_str(&value);
}

static int
decode(const struct blobs *b, const struct blob_id *id, struct str value, struct arena *arena,
       struct blob_head *out)
{
    struct plain plain;
    struct str key;
    char bound[BOUND_BYTES];
    if (value.len > 0 && (uint8_t)value.ptr[0] > VERSION)
        return E_NEWER;
    if (value.len != HEAD_BYTES)
        return E_INVALID;
    memcpy(&plain, value.ptr, PLAIN_BYTES);
    TRY(seal_decode(b->seal, STR("blob"), bound_of(id, &plain, bound),
                    str_slice(value, PLAIN_BYTES, value.len), arena, &key));
    *out = (struct blob_head){.place = plain.place,
                              .links = be32toh(plain.links),
                              .due_ms = (int64_t)be64toh(plain.due_ms),
                              .size = be64toh(plain.size)};
    memcpy(out->key.bytes, key.ptr, BLOB_KEY_BYTES);
    return OK;
}

int
blob_head_decode(const struct blobs *b, const struct blob_id *id, struct str value,
                 struct arena *arena, struct blob_head *out)
{
    int code = decode(b, id, value, arena, out);
    if (code == E_INVALID)
        blob_log_broken(b, id, "head", 0);
    return code;
}

int
blob_head_set(struct blobs *b, struct kv_txn *txn, const struct blob_id *id,
              const struct blob_head *head)
{
    struct arena *arena = kv_txn_arena(txn);
    if (head->links == 0)
        TRY(kv_set(txn, blob_garbage_key(head->due_ms, id, arena),
                   blob_garbage_encode(head->place)));
    return kv_set(txn, blob_head_key(id, arena), blob_head_encode(b, id, head, arena));
}

int
blob_head_get(struct blobs *b, struct kv_txn *txn, const struct blob_id *id, enum kv_read read,
              struct blob_head *out)
{
    struct arena *arena = kv_txn_arena(txn);
    struct str value;
    TRY(kv_get(txn, blob_head_key(id, arena), read, &value));
    return str_is_present(value) ? blob_head_decode(b, id, value, arena, out) : E_NOT_FOUND;
}
