// What the body of a transaction does with single keys.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/txn.h"

#include "src/store/counters.h"
#include "src/store/watches.h"

int
txn_read_begin(struct kv_txn *txn)
{
    struct kv *kv = txn->kv;
    if (clock_mono_ns(kv->runtime) > txn->deadline_ns)
        return E_TOO_OLD;
    if (txn->snapshot != NULL)
        return OK;
    // The version first: the snapshot may hold more than it says, never less.
    live_read_begin(txn->loop, &txn->reader, committer_published(kv->committer));
    txn->read_version = txn->reader.version;
    int code = kv->backend->ops->snapshot_new(kv->backend, &txn->read_version, &txn->snapshot);
    if (code != OK)
        live_read_end(txn->loop, &txn->reader);
    return code;
}

void
txn_hold(struct kv_txn *txn)
{
    arena_hold(txn->arena);
}

int
txn_check_bytes(const struct kv_txn *txn, size_t bytes)
{
    size_t used = txn->writes.bytes + txn->reads.bytes;
    return used + bytes > KV_TXN_BYTES_MAX ? E_LIMIT : OK;
}

// Whether the transaction itself says what the key holds.
static bool
get_own(const struct kv_txn *txn, struct str key, struct str *out)
{
    const struct overlay_write *own = overlay_find(&txn->writes, key);
    if (own != NULL)
        *out = own->value;
    return own != NULL;
}

static int
note_read(struct kv_txn *txn, struct str key, enum kv_read read)
{
    if (read != KV_SERIALIZABLE)
        return OK;
    TRY(txn_check_bytes(txn, key.len));
    reads_add_point(&txn->reads, key);
    txn_hold(txn);
    return OK;
}

static int
get_stored(struct kv_txn *txn, struct str key, struct str *out)
{
    struct backend *b = txn->kv->backend;
    struct read_cache *cache = txn->kv->read_cache;
    int loop = loop_index(loop_current());
    if (cache == NULL)
        return b->ops->get(b, txn->snapshot, key, txn->arena, out);
    if (read_cache_get(cache, loop, key, txn->read_version, txn->arena, out))
        return OK;
    TRY(b->ops->get(b, txn->snapshot, key, txn->arena, out));
    read_cache_put(cache, loop, key, *out, txn->read_version);
    return OK;
}

int
kv_get(struct kv_txn *txn, struct str key, enum kv_read read, struct str *out)
{
    if (get_own(txn, key, out))
        return OK;
    TRY(txn_read_begin(txn));
    TRY(note_read(txn, key, read));
    return get_stored(txn, key, out);
}

int
kv_get_many(struct kv_txn *txn, const struct str *keys, size_t n, enum kv_read read,
            struct str *out)
{
    TRY(txn_read_begin(txn));
    struct str *asked = ARENA_ARRAY(txn->arena, n, struct str);
    struct str *found = ARENA_ARRAY(txn->arena, n, struct str);
    size_t *places = ARENA_ARRAY(txn->arena, n, size_t), count = 0;
    for (size_t i = 0; i < n; i++) {
        if (get_own(txn, keys[i], &out[i]))
            continue;
        TRY(note_read(txn, keys[i], read));
        asked[count] = keys[i];
        places[count++] = i;
    }
    struct backend *b = txn->kv->backend;
    TRY(b->ops->get_many(b, txn->snapshot, asked, count, txn->arena, found));
    for (size_t i = 0; i < count; i++)
        out[places[i]] = found[i];
    return OK;
}

static int
check_write(const struct kv_txn *txn, struct str key, struct str value)
{
    if (key.len > txn->kv->backend->ops->key_bytes_max || value.len > KV_VALUE_BYTES_MAX)
        return E_LIMIT;
    return txn_check_bytes(txn, key.len + value.len);
}

int
kv_set(struct kv_txn *txn, struct str key, struct str value)
{
    CHECK(str_is_present(value));
    TRY(check_write(txn, key, value));
    overlay_set(&txn->writes, key, value);
    txn_hold(txn);
    return OK;
}

int
kv_del(struct kv_txn *txn, struct str key)
{
    TRY(check_write(txn, key, (struct str){0}));
    overlay_del(&txn->writes, key);
    txn_hold(txn);
    return OK;
}

void
kv_makes_room(struct kv_txn *txn)
{
    txn->makes_room = true;
}

int
kv_add(struct kv_txn *txn, struct str key, int64_t delta)
{
    TRY(check_write(txn, key, (struct str){.len = COUNTER_BYTES}));
    overlay_add(&txn->writes, key, delta);
    txn_hold(txn);
    return OK;
}

static bool
is_stamp_inside(struct str s, size_t at)
{
    return at == KV_NO_STAMP || (at <= s.len && s.len - at >= KV_STAMP_BYTES);
}

int
kv_set_stamped(struct kv_txn *txn, struct str key, size_t key_at, struct str value, size_t value_at)
{
    CHECK(str_is_present(value));
    CHECK(is_stamp_inside(key, key_at) && is_stamp_inside(value, value_at));
    TRY(check_write(txn, key, value));
    overlay_set_stamped(&txn->writes, key, key_at, value, value_at);
    txn_hold(txn);
    return OK;
}

int
kv_watch(struct kv_txn *txn, struct str key, struct kv_watch *out)
{
    if (key.len > txn->kv->backend->ops->key_bytes_max)
        return E_LIMIT;
    watches_add(txn->kv->watches, key, out);
    // Reads of before may have missed what was written since.
    uint64_t published = atomic_load(committer_published(txn->kv->committer));
    if (txn->snapshot != NULL && published != txn->read_version)
        watches_fire(txn->kv->watches, &key, 1);
    return OK;
}

struct arena *
kv_txn_arena(struct kv_txn *txn)
{
    return txn->arena;
}
