// What a transaction has read: the points and ranges that a later write must not have changed.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/reads.h"

enum { READS_FIRST = 8 };

// Room for one element more in an array that doubles.
static void *
grow(struct arena *a, void *items, size_t count, size_t *size, size_t item_bytes)
{
    if (count < *size)
        return items;
    size_t bigger = *size == 0 ? READS_FIRST : 2 * *size;
    items = arena_grow(a, items, *size * item_bytes, bigger * item_bytes);
    *size = bigger;
    return items;
}

void
reads_init(struct reads *r, struct arena *arena)
{
    *r = (struct reads){.arena = arena};
}

void
reads_add_point(struct reads *r, struct str key)
{
    r->points = grow(r->arena, r->points, r->point_count, &r->point_size, sizeof *r->points);
    r->points[r->point_count++] = arena_copy(r->arena, key);
    r->bytes += key.len;
}

void
reads_add_range(struct reads *r, struct str from, struct str to)
{
    if (str_cmp(from, to) >= 0)
        return;
    r->ranges = grow(r->arena, r->ranges, r->range_count, &r->range_size, sizeof *r->ranges);
    r->ranges[r->range_count++] = (struct read_range){from, to};
    r->bytes += from.len + to.len;
}
