// Recent commits, and whether one of them changed what a transaction has read.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/history.h"

#include <stdlib.h>

#include "src/base/omap.h"

// One key, in a list by version: what is written again moves to the end.
struct recent {
    uint64_t version;
    const struct omap_entry *entry;
    struct recent *older, *newer;
};

struct history {
    struct omap *keys;  // to struct recent
    struct recent ends; // ends.newer: the oldest, ends.older: the newest
    size_t bytes;
    uint64_t floor; // commits up to here are forgotten
};

enum { KEY_OVERHEAD_BYTES = 128 }; // list, map and heap; about

static void
unlink_recent(struct recent *r)
{
    r->older->newer = r->newer;
    r->newer->older = r->older;
}

static void
link_newest(struct history *h, struct recent *r)
{
    r->newer = &h->ends;
    r->older = h->ends.older;
    r->older->newer = r;
    h->ends.older = r;
}

static size_t
bytes_of(const struct recent *r)
{
    return r->entry->key.len + KEY_OVERHEAD_BYTES;
}

static void
forget_oldest(struct history *h)
{
    struct recent *r = h->ends.newer;
    unlink_recent(r);
    h->bytes -= bytes_of(r);
    free(omap_take(h->keys, r->entry->key));
}

static bool
point_conflicts(const struct history *h, struct str key, uint64_t read_version)
{
    return history_version(h, key) > read_version;
}

static bool
range_conflicts(const struct history *h, const struct read_range *range, uint64_t read_version)
{
    const struct omap_entry *e = omap_lower_bound(h->keys, range->from);
    for (; e != NULL && str_cmp(e->key, range->to) < 0; e = omap_next(e)) {
        if (((const struct recent *)e->value)->version > read_version)
            return true;
    }
    return false;
}

struct history *
history_new(void)
{
    struct history *h = calloc(1, sizeof *h);
    CHECK(h != NULL);
    h->keys = omap_new(1);
    h->ends.older = h->ends.newer = &h->ends;
    return h;
}

void
history_free(struct history *h)
{
    if (h == NULL)
        return;
    omap_free(h->keys, free);
    free(h);
}

void
history_put(struct history *h, struct str key, uint64_t version)
{
    struct omap_entry *e = omap_put(h->keys, key);
    struct recent *r = e->value;
    if (r == NULL) {
        r = calloc(1, sizeof *r);
        CHECK(r != NULL);
        e->value = r;
        r->entry = e;
        h->bytes += bytes_of(r);
    } else {
        unlink_recent(r);
    }
    r->version = version;
    link_newest(h, r);
}

uint64_t
history_version(const struct history *h, struct str key)
{
    const struct omap_entry *e = omap_find(h->keys, key);
    return e == NULL ? 0 : ((const struct recent *)e->value)->version;
}

void
history_prune(struct history *h, uint64_t version)
{
    if (version > h->floor)
        h->floor = version;
    for (; h->bytes > HISTORY_BYTES_MAX; forget_oldest(h))
        h->floor = h->ends.newer->version > h->floor ? h->ends.newer->version : h->floor;
    while (h->ends.newer != &h->ends && h->ends.newer->version <= h->floor)
        forget_oldest(h);
}

void
history_reset(struct history *h, uint64_t version)
{
    while (h->ends.newer != &h->ends)
        forget_oldest(h);
    h->floor = version;
}

bool
history_conflicts(const struct history *h, const struct reads *reads, uint64_t read_version)
{
    if (reads->point_count == 0 && reads->range_count == 0)
        return false;
    if (read_version < h->floor)
        return true;
    if (h->ends.older->version <= read_version)
        return false; // nothing was committed since
    for (size_t i = 0; i < reads->point_count; i++) {
        if (point_conflicts(h, reads->points[i], read_version))
            return true;
    }
    for (size_t i = 0; i < reads->range_count; i++) {
        if (range_conflicts(h, &reads->ranges[i], read_version))
            return true;
    }
    return false;
}
