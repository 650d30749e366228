// What a transaction has written so far, kept until its commit.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/omap.h"
#include "src/store/kv.h"

enum overlay_kind { OVERLAY_SET, OVERLAY_DEL, OVERLAY_ADD, OVERLAY_STAMPED };

// The last word on one key. All of an overlay lives in the transaction's arena.
struct overlay_write {
    enum overlay_kind kind;
    struct str value; // SET, STAMPED
    int64_t delta;    // ADD
    size_t value_at;  // STAMPED
};

// A write whose key is known only at the commit.
struct overlay_stamped {
    struct overlay_stamped *next;
    struct str key;
    size_t key_at;
    struct str value;
    size_t value_at;
};

struct overlay {
    struct arena *arena;
    struct omap *writes; // to struct overlay_write; NULL before the first
    struct overlay_stamped *stamped;
    struct overlay_stamped **stamped_end;
    size_t bytes;  // of all keys and values ever written, replaced ones too
    bool has_puts; // grows the store; counters and deletions do not count
};

void overlay_init(struct overlay *o, struct arena *arena);
bool overlay_is_empty(const struct overlay *o);

// As the functions of kv.h. Sizes are checked by the caller.
void overlay_set(struct overlay *o, struct str key, struct str value);
void overlay_del(struct overlay *o, struct str key);
void overlay_add(struct overlay *o, struct str key, int64_t delta);
void overlay_set_stamped(struct overlay *o, struct str key, size_t key_at, struct str value,
                         size_t value_at);

// What a read sees of the transaction's own writes: a SET or a DEL, else NULL.
const struct overlay_write *overlay_find(const struct overlay *o, struct str key);
// The nearest such entry behind or before `at`, or at it when is_included. NULL: none.
struct omap_entry *overlay_after(const struct overlay *o, struct str at, bool is_included);
struct omap_entry *overlay_before(const struct overlay *o, struct str at, bool is_included);
