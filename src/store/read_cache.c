// Tables of one key a slot, and the versions of the last writes by the keys' hashes.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/read_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { WRITTEN_SLOTS = 4096 };

struct slot {
    uint64_t missed;  // hash of the key that was last asked for in vain
    uint64_t version; // at which the value was read
    uint32_t key_len, value_len;
    char *bytes; // key, then value; NULL: the slot is free
};

struct read_cache {
    _Atomic uint64_t written[WRITTEN_SLOTS]; // version of the last write of a key of that hash
    int loop_count;
    struct slot *loops[]; // each touched by its own thread; made when first needed
};

struct read_cache *
read_cache_new(int loop_count)
{
    struct read_cache *c = calloc(1, sizeof *c + (size_t)loop_count * sizeof c->loops[0]);
    CHECK(c != NULL);
    c->loop_count = loop_count;
    return c;
}

void
read_cache_free(struct read_cache *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < c->loop_count; i++) {
        for (size_t k = 0; c->loops[i] != NULL && k < READ_CACHE_SLOTS; k++)
            free(c->loops[i][k].bytes);
        free(c->loops[i]);
    }
    free(c);
}

static const _Atomic uint64_t *
last_write(const struct read_cache *c, uint64_t hash)
{
    return &c->written[(hash >> 32) % WRITTEN_SLOTS];
}

void
read_cache_written(struct read_cache *c, struct str key, uint64_t version)
{
    atomic_store(&c->written[(str_hash(key) >> 32) % WRITTEN_SLOTS], version);
}

static bool
is_of(const struct slot *s, struct str key)
{
    return s->bytes != NULL && str_eq((struct str){s->bytes, s->key_len}, key);
}

bool
read_cache_get(const struct read_cache *c, int loop, struct str key, uint64_t version,
               struct arena *arena, struct str *out)
{
    if (c->loops[loop] == NULL)
        return false;
    uint64_t hash = str_hash(key);
    const struct slot *s = &c->loops[loop][hash % READ_CACHE_SLOTS];
    if (!is_of(s, key))
        return false;
    // Nobody wrote it between the two versions, nor behind them what the snapshot holds already.
    uint64_t written = atomic_load(last_write(c, hash));
    if (written > version || written > s->version)
        return false;
    *out = arena_copy(arena, (struct str){s->bytes + s->key_len, s->value_len});
    return true;
}

static void
fill(struct slot *s, struct str key, struct str value, uint64_t version)
{
    free(s->bytes);
    s->bytes = malloc(key.len + value.len + 1); // never none
    CHECK(s->bytes != NULL);
    memcpy(s->bytes, key.ptr, key.len);
    memcpy(s->bytes + key.len, value.ptr, value.len);
    s->key_len = (uint32_t)key.len;
    s->value_len = (uint32_t)value.len;
    s->version = version;
}

void
read_cache_put(struct read_cache *c, int loop, struct str key, struct str value, uint64_t version)
{
    if (!str_is_present(value) || value.len > READ_CACHE_VALUE_BYTES_MAX)
        return;
    if (c->loops[loop] == NULL)
        c->loops[loop] = calloc(READ_CACHE_SLOTS, sizeof *c->loops[loop]);
    CHECK(c->loops[loop] != NULL);
    uint64_t hash = str_hash(key);
    struct slot *s = &c->loops[loop][hash % READ_CACHE_SLOTS];
    if (is_of(s, key) || s->missed == hash)
        fill(s, key, value, version);
    s->missed = hash;
}
