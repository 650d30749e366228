// Entries of a queue's head in the order in which they came.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/ring.h"

#include <stdlib.h>

static void
ring_grow(struct ring *r)
{
    size_t size = r->size ? r->size * 2 : 64;
    struct head_entry *entries = calloc(size, sizeof(*entries));
    CHECK(entries);
    for (size_t i = 0; i < r->count; i++)
        entries[i] = r->entries[(r->first + i) % r->size];
    free(r->entries);
    *r = (struct ring){entries, 0, r->count, size};
}

bool
ring_push(struct ring *r, const struct head_entry *e)
{
    if (r->count == HEAD_READY_MAX)
        return false;
    if (r->count == r->size)
        ring_grow(r);
    r->entries[(r->first + r->count++) % r->size] = *e;
    return true;
}

bool
ring_take(struct ring *r, int64_t now_ms, struct head_entry *out)
{
    if (r->count == 0 || r->entries[r->first].due_ms > now_ms)
        return false;
    *out = r->entries[r->first];
    r->first = (r->first + 1) % r->size;
    r->count--;
    return true;
}

void
ring_forget_from(struct ring *r, int64_t due_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct head_entry e = r->entries[(r->first + i) % r->size];
        if (e.due_ms < due_ms)
            r->entries[(r->first + kept++) % r->size] = e;
    }
    r->count = kept;
}
