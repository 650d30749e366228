// An ordered map as a skip list.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/omap.h"

#include <stdlib.h>

// Each level holds a quarter of the one below, so 16 of them serve 4^16 entries.
enum { LEVELS_MAX = 16 };

struct node {
    struct omap_entry entry; // first, so that an entry is its node
    size_t levels;
    struct node *next[]; // of each level, followed by the bytes of the key
};

struct omap {
    struct arena *arena; // NULL: on the heap
    struct node *head;   // of all levels, before every entry
    size_t levels;       // in use
    size_t count;
    uint64_t random;
};

// For each level the last node whose key is less than the one that was looked for.
struct path {
    struct node *before[LEVELS_MAX];
};

static void *
alloc(struct arena *arena, size_t size)
{
    if (arena != NULL)
        return arena_alloc(arena, size);
    void *zeroed = calloc(1, size);
    CHECK(zeroed != NULL);
    return zeroed;
}

static struct node *
node_new(struct arena *arena, struct str key, size_t levels)
{
    size_t next_bytes = levels * sizeof(struct node *);
    struct node *n = alloc(arena, sizeof(*n) + next_bytes + key.len);
    char *bytes = (char *)n + sizeof(*n) + next_bytes;
    if (key.len > 0)
        memcpy(bytes, key.ptr, key.len);
    n->entry.key = (struct str){bytes, key.len};
    n->levels = levels;
    return n;
}

// splitmix64
static uint64_t
random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t
levels_draw(struct omap *m)
{
    size_t levels = 1;
    for (uint64_t bits = random_next(&m->random); (bits & 3) == 0 && levels < LEVELS_MAX;
         bits >>= 2)
        levels++;
    return levels;
}

// The last node with a key less than the given: the head when there is none. path may be NULL.
static struct node *
descend(const struct omap *m, struct str key, struct path *path)
{
    struct node *n = m->head;
    for (size_t level = m->levels; level-- > 0;) {
        while (n->next[level] != NULL && str_cmp(n->next[level]->entry.key, key) < 0)
            n = n->next[level];
        if (path != NULL)
            path->before[level] = n;
    }
    return n;
}

static bool
has_key(const struct node *n, struct str key)
{
    return n != NULL && str_eq(n->entry.key, key);
}

// NULL stays NULL.
static struct omap_entry *
entry_of(struct node *n)
{
    return (struct omap_entry *)n;
}

struct omap *
omap_new(uint64_t seed)
{
    return omap_new_in(NULL, seed);
}

struct omap *
omap_new_in(struct arena *arena, uint64_t seed)
{
    struct omap *m = alloc(arena, sizeof(*m));
    m->arena = arena;
    m->head = node_new(arena, (struct str){0}, LEVELS_MAX);
    m->levels = 1;
    m->random = seed;
    return m;
}

void
omap_free(struct omap *m, void (*value_free)(void *value))
{
    if (m == NULL)
        return;
    CHECK(m->arena == NULL);
    for (struct node *n = m->head->next[0], *next; n != NULL; n = next) {
        next = n->next[0];
        if (value_free != NULL)
            value_free(n->entry.value);
        free(n);
    }
    free(m->head);
    free(m);
}

size_t
omap_count(const struct omap *m)
{
    return m->count;
}

struct omap_entry *
omap_find(const struct omap *m, struct str key)
{
    struct node *n = descend(m, key, NULL)->next[0];
    return has_key(n, key) ? entry_of(n) : NULL;
}

struct omap_entry *
omap_put(struct omap *m, struct str key)
{
    struct path path;
    struct node *n = descend(m, key, &path)->next[0];
    if (has_key(n, key))
        return entry_of(n);
    n = node_new(m->arena, key, levels_draw(m));
    for (; m->levels < n->levels; m->levels++)
        path.before[m->levels] = m->head;
    for (size_t level = 0; level < n->levels; level++) {
        n->next[level] = path.before[level]->next[level];
        path.before[level]->next[level] = n;
    }
    m->count++;
    return entry_of(n);
}

void *
omap_take(struct omap *m, struct str key)
{
    struct path path;
    struct node *n = descend(m, key, &path)->next[0];
    if (!has_key(n, key))
        return NULL;
    for (size_t level = 0; level < n->levels; level++)
        path.before[level]->next[level] = n->next[level];
    void *value = n->entry.value;
    if (m->arena == NULL)
        free(n);
    m->count--;
    return value;
}

struct omap_entry *
omap_lower_bound(const struct omap *m, struct str key)
{
    return entry_of(descend(m, key, NULL)->next[0]);
}

struct omap_entry *
omap_before(const struct omap *m, struct str key)
{
    struct node *n = descend(m, key, NULL);
    return n == m->head ? NULL : entry_of(n);
}

struct omap_entry *
omap_first(const struct omap *m)
{
    return entry_of(m->head->next[0]);
}

struct omap_entry *
omap_next(const struct omap_entry *e)
{
    return entry_of(((const struct node *)e)->next[0]);
}
