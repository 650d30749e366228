// The records of blobs in the kv: heads, contents that stay there, the list of garbage.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/blob_state.h"

enum blob_place { BLOB_INLINE = 1, BLOB_OUTSIDE = 2 };

struct blob_head {
    enum blob_place place;
    uint32_t links;
    int64_t due_ms; // wall time; with no links: it is in the list of garbage under this time
    uint64_t size;
    struct blob_key key;
};

// Keys in the kv, in the arena.
struct str blob_head_key(const struct blob_id *id, struct arena *arena);
struct str blob_contents_key(const struct blob_id *id, struct arena *arena);
struct str blob_garbage_key(int64_t due_ms, const struct blob_id *id, struct arena *arena);
// Garbage that was due before now_ms.
void blob_garbage_range(int64_t now_ms, struct arena *arena, struct str *from, struct str *to);
MUST_USE int blob_garbage_parse(struct str key, struct arena *arena, struct blob_id *out);
// Values of that list.
struct str blob_garbage_encode(enum blob_place place);
enum blob_place blob_garbage_decode(struct str value);

struct str blob_head_encode(const struct blobs *b, const struct blob_id *id,
                            const struct blob_head *head, struct arena *arena);
// E_INVALID, E_NEWER.
MUST_USE int blob_head_decode(const struct blobs *b, const struct blob_id *id, struct str value,
                              struct arena *arena, struct blob_head *out);
// With every head that has no links goes an entry in the list of garbage.
MUST_USE int blob_head_set(struct blobs *b, struct kv_txn *txn, const struct blob_id *id,
                           const struct blob_head *head);
// E_NOT_FOUND, E_INVALID, E_NEWER, E_IO.
MUST_USE int blob_head_get(struct blobs *b, struct kv_txn *txn, const struct blob_id *id,
                           enum kv_read read, struct blob_head *out);
