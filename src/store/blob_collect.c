// Removing garbage: first the heads, then the files, then the entries in the list.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_head.h"

enum progress {
    KEPT,    // somebody took the entry away in the meantime
    DONE,    // with the entry
    UNNAMED, // without a head; the file and the entry are left
    ENTRY_LEFT,
};

// A crash in between leaves the entries, so that the next collection does it all again.
struct collection {
    struct blobs *blobs;
    int64_t now_ms;
    size_t limit;
    size_t count;
    struct str *keys; // of entries; in the arena
    struct str *values;
    struct blob_id *ids;
    enum progress *progress;
};

static int
find_body(struct kv_txn *txn, void *arg)
{
    struct collection *c = arg;
    struct kv_range range = {.limit = c->limit, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    int code = OK;
    blob_garbage_range(c->now_ms, kv_txn_arena(txn), &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    for (c->count = 0; c->count < c->limit; c->count++) {
        size_t i = c->count;
        code = kv_iter_next(it, &c->keys[i], &c->values[i]);
        if (code == OK)
            code = blob_garbage_parse(c->keys[i], kv_txn_arena(txn), &c->ids[i]);
        if (code != OK)
            break;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

// A link takes the entry away in its transaction, so that one of the two sees the other.
static int
del_head(struct collection *c, struct kv_txn *txn, size_t i)
{
    struct arena *arena = kv_txn_arena(txn);
    struct str entry;
    TRY(kv_get(txn, c->keys[i], KV_SERIALIZABLE, &entry));
    c->progress[i] = KEPT;
    if (!str_is_present(entry))
        return OK;
    TRY(kv_del(txn, blob_head_key(&c->ids[i], arena)));
    c->progress[i] = UNNAMED;
    if (blob_garbage_decode(c->values[i]) == BLOB_OUTSIDE)
        return OK;
    c->progress[i] = DONE;
    TRY(kv_del(txn, blob_contents_key(&c->ids[i], arena)));
    return kv_del(txn, c->keys[i]);
}

// From now on nobody can link or open them.
static int
heads_body(struct kv_txn *txn, void *arg)
{
    struct collection *c = arg;
    for (size_t i = 0; i < c->count; i++)
        TRY(del_head(c, txn, i));
    return OK;
}

static void
remove_outside(void *arg)
{
    struct collection *c = arg;
    struct blob_backend *b = c->blobs->backend;
    for (size_t i = 0; i < c->count; i++) {
        if (c->progress[i] == UNNAMED && b->ops->remove(b, &c->ids[i]) == OK)
            c->progress[i] = ENTRY_LEFT;
    }
}

static int
entries_body(struct kv_txn *txn, void *arg)
{
    struct collection *c = arg;
    for (size_t i = 0; i < c->count; i++) {
        if (c->progress[i] == ENTRY_LEFT)
            TRY(kv_del(txn, c->keys[i]));
    }
    return OK;
}

static int
collect(struct collection *c, struct arena *arena)
{
    struct blobs *b = c->blobs;
    TRY(kv_run(b->kv, arena, find_body, c));
    if (c->count == 0)
        return OK;
    blob_step(&b->hook, "collect heads");
    TRY(kv_run(b->kv, arena, heads_body, c));
    pool_run(b->runtime, remove_outside, c);
    blob_step(&b->hook, "collect entries");
    TRY(kv_run(b->kv, arena, entries_body, c));
    for (size_t i = 0; i < c->count; i++) {
        if (c->progress[i] == UNNAMED)
            return E_IO;
    }
    return OK;
}

static int
collect_some(struct blobs *b, int64_t now_ms, size_t limit, size_t *out)
{
    struct arena arena;
    arena_init(&arena);
    struct collection c = {
        .blobs = b,
        .now_ms = now_ms,
        .limit = limit,
        .keys = ARENA_ARRAY(&arena, limit, struct str),
        .values = ARENA_ARRAY(&arena, limit, struct str),
        .ids = ARENA_ARRAY(&arena, limit, struct blob_id),
        .progress = ARENA_ARRAY(&arena, limit, enum progress),
    };
    int code = collect(&c, &arena);
    *out = c.count;
    arena_fini(&arena);
    return code;
}

int
blob_collect(struct blobs *b, int64_t now_ms, size_t limit, size_t *out)
{
    CHECK(limit > 0 && limit <= BLOB_COLLECT_MAX);
    *out = 0;
    // In this order on both sides, so that one of the two sees the other.
    atomic_fetch_add(&b->collections, 1);
    int code = atomic_load(&b->holds) > 0 ? OK : collect_some(b, now_ms, limit, out);
    atomic_fetch_sub(&b->collections, 1);
    return code;
}
