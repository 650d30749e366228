// Entries of a queue head in the order in which they came.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/head_ring.h"

#include <stdlib.h>

static void
head_ring_grow(struct head_ring *r)
{
    size_t size = r->size ? r->size * 2 : 64;
    struct head_entry *entries = calloc(size, sizeof(*entries));
    CHECK(entries);
    for (size_t i = 0; i < r->count; i++)
        entries[i] = r->entries[(r->first + i) % r->size];
    free(r->entries);
    *r = (struct head_ring){entries, 0, r->count, size};
}

bool
head_ring_push(struct head_ring *r, const struct head_entry *e)
{
    if (r->count == HEAD_READY_MAX)
        return false;
    if (r->count == r->size)
        head_ring_grow(r);
    r->entries[(r->first + r->count++) % r->size] = *e;
    return true;
}

bool
head_ring_take(struct head_ring *r, int64_t now_ms, struct head_entry *out)
{
    if (r->count == 0 || r->entries[r->first].due_ms > now_ms)
        return false;
    *out = r->entries[r->first];
    r->first = (r->first + 1) % r->size;
    r->count--;
    return true;
}

static struct head_entry *
entry_at(const struct head_ring *r, size_t i)
{
    return &r->entries[(r->first + i) % r->size];
}

bool
head_ring_take_lowest(struct head_ring *r, int64_t now_ms,
                      uint32_t (*rank)(const void *arg, int32_t share), const void *arg,
                      struct head_entry *out)
{
    size_t end = r->count < HEAD_RANKED_MAX ? r->count : HEAD_RANKED_MAX, found = end;
    uint32_t lowest = UINT32_MAX;
    for (size_t i = 0; i < end; i++) {
        const struct head_entry *e = entry_at(r, i);
        uint32_t its = rank(arg, e->share);
        if (e->due_ms > now_ms || (found < end && its >= lowest))
            continue;
        found = i;
        lowest = its;
    }
    if (found == end)
        return false;
    *out = *entry_at(r, found);
    for (size_t i = found; i > 0; i--)
        *entry_at(r, i) = *entry_at(r, i - 1);
    r->first = (r->first + 1) % r->size;
    r->count--;
    return true;
}

void
head_ring_forget_from(struct head_ring *r, int64_t due_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct head_entry e = r->entries[(r->first + i) % r->size];
        if (e.due_ms < due_ms)
            r->entries[(r->first + kept++) % r->size] = e;
    }
    r->count = kept;
}
