// Counters that many transactions raise at the same time on every back end.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/sharded.h"

static struct str
shard_key(struct arena *a, struct str key, unsigned shard)
{
    char *bytes = arena_alloc_bytes(a, key.len + 1);
    memcpy(bytes, key.ptr, key.len);
    bytes[key.len] = (char)shard;
    return (struct str){bytes, key.len + 1};
}

int
sharded_add(struct kv_txn *txn, struct runtime *rt, struct str key, int64_t delta)
{
    unsigned shard = (unsigned)(random_u64(rt) % SHARDED_KEYS);
    return kv_add(txn, shard_key(kv_txn_arena(txn), key, shard), delta);
}

int
sharded_get(struct kv_txn *txn, struct str key, enum kv_read read, int64_t *out)
{
    struct str keys[SHARDED_KEYS], values[SHARDED_KEYS];
    for (unsigned i = 0; i < SHARDED_KEYS; i++)
        keys[i] = shard_key(kv_txn_arena(txn), key, i);
    TRY(kv_get_many(txn, keys, SHARDED_KEYS, read, values));
    *out = 0;
    for (unsigned i = 0; i < SHARDED_KEYS; i++)
        *out += kv_counter(values[i]);
    return OK;
}

int
sharded_del(struct kv_txn *txn, struct str key)
{
    for (unsigned i = 0; i < SHARDED_KEYS; i++)
        TRY(kv_del(txn, shard_key(kv_txn_arena(txn), key, i)));
    return OK;
}
