// A direct-mapped table: the fields in one text, its key beside it.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/key_cache.h"

#include <stdlib.h>

enum { NAME_BYTES_MAX = 220 };

struct slot {
    struct sha256 key;
    uint32_t len; // of name; 0: free
    char name[NAME_BYTES_MAX];
};

struct key_cache {
    struct slot slots[KEY_CACHE_SLOTS];
};

struct name {
    char bytes[NAME_BYTES_MAX];
    size_t len;
};

// Length first, so that no two lists of fields give the same name. False: too long to be cached.
static bool
name_add(struct name *n, struct str field)
{
    if (field.len > UINT8_MAX || n->len + 1 + field.len > NAME_BYTES_MAX)
        return false;
    n->bytes[n->len++] = (char)field.len;
    memcpy(n->bytes + n->len, field.ptr, field.len);
    n->len += field.len;
    return true;
}

static bool
name_of(const struct sigv4 *sig, struct str secret, struct name *out)
{
    out->len = 0;
    return name_add(out, sig->access_key) && name_add(out, sig->date) &&
           name_add(out, sig->region) && name_add(out, sig->service) && name_add(out, secret);
}

static size_t
slot_index(const struct name *n)
{
    uint64_t hash = str_hash((struct str){n->bytes, n->len});
    return (hash ^ (hash >> 32)) % KEY_CACHE_SLOTS;
}

struct key_cache *
key_cache_new(void)
{
    struct key_cache *cache = calloc(1, sizeof(*cache));
    CHECK(cache != NULL);
    return cache;
}

void
key_cache_free(struct key_cache *cache)
{
    if (cache == NULL)
        return;
    explicit_bzero(cache, sizeof(*cache));
    free(cache);
}

struct sha256
key_cache_get(struct key_cache *cache, const struct sigv4 *sig, struct str secret)
{
    struct name name;
    if (!name_of(sig, secret, &name))
        return sigv4_signing_key(secret, sig->date, sig->region, sig->service);
    struct slot *slot = &cache->slots[slot_index(&name)];
    if (slot->len != name.len || memcmp(slot->name, name.bytes, name.len) != 0) {
        slot->key = sigv4_signing_key(secret, sig->date, sig->region, sig->service);
        memcpy(slot->name, name.bytes, name.len);
        slot->len = (uint32_t)name.len;
    }
    return slot->key;
}
