// Tables of one key a slot, and the versions of the last writes by the keys' hashes.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/read_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    WRITTEN_SLOTS = 4096,
    BYTES_A_SLOT = 512, // of the budget: more keys than that allows are rarely read again and again
    SLOTS_MIN = 8,
    ALLOCATION_BYTES = 16, // of the allocator, for each value
};

struct slot {
    uint64_t missed;  // hash of the key that was last asked for in vain
    uint64_t version; // at which the value was read
    uint32_t key_len, value_len;
    char *bytes; // key, then value; NULL: the slot is free
};

// Of one loop, and touched by its thread alone.
struct table {
    size_t used_bytes; // by keys and values
    size_t hand;       // the slot that is emptied next
    struct slot slots[];
};

struct read_cache {
    _Atomic uint64_t written[WRITTEN_SLOTS]; // version of the last write of a key of that hash
    size_t slot_count, values_bytes_max;     // of a loop
    int loop_count;
    struct table *loops[]; // made when first needed
};

struct read_cache *
read_cache_new(int loop_count, size_t bytes_max)
{
    struct read_cache *c = calloc(1, sizeof *c + (size_t)loop_count * sizeof c->loops[0]);
    CHECK(c != NULL);
    c->loop_count = loop_count;
    size_t left = bytes_max > READ_CACHE_BYTES_MIN ? bytes_max - READ_CACHE_BYTES_MIN : 0;
    left /= (size_t)loop_count;
    c->slot_count = left / BYTES_A_SLOT > SLOTS_MIN ? left / BYTES_A_SLOT : SLOTS_MIN;
    size_t slots_bytes = sizeof(struct table) + c->slot_count * sizeof(struct slot);
    c->values_bytes_max = left > slots_bytes ? left - slots_bytes : 0;
    return c;
}

void
read_cache_free(struct read_cache *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < c->loop_count; i++) {
        for (size_t k = 0; c->loops[i] != NULL && k < c->slot_count; k++)
            free(c->loops[i]->slots[k].bytes);
        free(c->loops[i]);
    }
    free(c);
}

size_t
read_cache_bytes(const struct read_cache *c)
{
    size_t bytes = sizeof *c + (size_t)c->loop_count * sizeof c->loops[0];
    for (int i = 0; i < c->loop_count; i++)
        if (c->loops[i] != NULL)
            bytes += sizeof(struct table) + c->slot_count * sizeof(struct slot) +
                     c->loops[i]->used_bytes;
    return bytes;
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
    const struct slot *s = &c->loops[loop]->slots[hash % c->slot_count];
    if (!is_of(s, key))
        return false;
    // Nobody wrote it between the two versions, nor behind them what the snapshot holds already.
    uint64_t written = atomic_load(last_write(c, hash));
    if (written > version || written > s->version)
        return false;
    *out = arena_copy(arena, (struct str){s->bytes + s->key_len, s->value_len});
    return true;
}

static size_t
bytes_of(const struct slot *s)
{
    return s->bytes != NULL ? s->key_len + s->value_len + ALLOCATION_BYTES : 0;
}

static void
empty(struct table *t, struct slot *s)
{
    t->used_bytes -= bytes_of(s);
    free(s->bytes);
    s->bytes = NULL;
}

static void
fill(struct table *t, struct slot *s, struct str key, struct str value)
{
    s->bytes = malloc(key.len + value.len + 1); // never none
    CHECK(s->bytes != NULL);
    memcpy(s->bytes, key.ptr, key.len);
    memcpy(s->bytes + key.len, value.ptr, value.len);
    s->key_len = (uint32_t)key.len;
    s->value_len = (uint32_t)value.len;
    t->used_bytes += bytes_of(s);
}

// Empties one slot after the other until there is room for so many more.
static bool
make_room(const struct read_cache *c, struct table *t, size_t bytes)
{
    if (bytes > c->values_bytes_max)
        return false;
    while (t->used_bytes + bytes > c->values_bytes_max)
        empty(t, &t->slots[t->hand++ % c->slot_count]);
    return true;
}

static struct table *
table_of(struct read_cache *c, int loop)
{
    if (c->loops[loop] == NULL)
        c->loops[loop] = calloc(1, sizeof(struct table) + c->slot_count * sizeof(struct slot));
    CHECK(c->loops[loop] != NULL);
    return c->loops[loop];
}

void
read_cache_put(struct read_cache *c, int loop, struct str key, struct str value, uint64_t version)
{
    if (!str_is_present(value) || value.len > READ_CACHE_VALUE_BYTES_MAX)
        return;
    struct table *t = table_of(c, loop);
    uint64_t hash = str_hash(key);
    struct slot *s = &t->slots[hash % c->slot_count];
    if (is_of(s, key) || s->missed == hash) {
        empty(t, s);
        if (make_room(c, t, key.len + value.len + ALLOCATION_BYTES))
            fill(t, s, key, value);
        s->version = version;
    }
    s->missed = hash;
}
