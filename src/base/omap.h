// An ordered map from byte strings to pointers: write sets, conflict history, the mem: back end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

// A skip list. Keys are copied in; values belong to the caller. Not thread-safe. Iteration stays
// valid over inserts, and over the removal of other entries than the one it stands on.
struct omap;
struct omap_entry {
    struct str key; // owned by the map
    void *value;
};

// The seed decides the levels only, so that a run can be repeated.
struct omap *omap_new(uint64_t seed);
// All of it lives in the arena, taken entries too, and goes with it: never omap_free.
struct omap *omap_new_in(struct arena *arena, uint64_t seed);
// value_free may be NULL.
void omap_free(struct omap *m, void (*value_free)(void *value));
size_t omap_count(const struct omap *m);

struct omap_entry *omap_find(const struct omap *m, struct str key);
// The entry of that key, made with a NULL value when absent.
struct omap_entry *omap_put(struct omap *m, struct str key);
// Takes the entry out and hands its value back; NULL when absent.
void *omap_take(struct omap *m, struct str key);

// First entry with key >= the given; last entry with key < the given. NULL when there is none.
struct omap_entry *omap_lower_bound(const struct omap *m, struct str key);
struct omap_entry *omap_before(const struct omap *m, struct str key);
struct omap_entry *omap_first(const struct omap *m);
struct omap_entry *omap_next(const struct omap_entry *e);
