// Reading long ranges of the store in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/entries.h"

enum { PAGE = 1000 };

struct walk {
    struct kv_range range;
    char *last_key; // room for KV_KEY_BYTES_MAX
    size_t left;
    entry_fn *fn;
    void *arg;
};

// Reads one page and moves the range behind it. E_NOT_FOUND: it was the last.
static int
page_each(struct kv_txn *txn, struct walk *w)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_iter *it;
    struct str key, value;
    int code = OK;
    w->range.limit = w->left < PAGE ? w->left : PAGE;
    if (w->range.limit == 0)
        return E_NOT_FOUND;
    TRY(kv_range_open(txn, &w->range, &it));
    for (size_t i = 0; code == OK && i < w->range.limit; i++) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = w->fn(w->arg, a, key, value);
    }
    kv_iter_close(it);
    TRY(code);
    memcpy(w->last_key, key.ptr, key.len);
    w->last_key[key.len] = 0; // the first key after this one
    w->range.from = (struct str){w->last_key, key.len + 1};
    w->left -= w->range.limit;
    return OK;
}

int
entries_each(struct kv_txn *txn, struct str from, struct str to, size_t max, entry_fn *fn,
             void *arg)
{
    struct arena *a = kv_txn_arena(txn);
    struct walk w = {.range = {.from = from, .to = to, .read = KV_SNAPSHOT},
                     .last_key = arena_alloc_bytes(a, KV_KEY_BYTES_MAX + 1),
                     .left = max,
                     .fn = fn,
                     .arg = arg};
    int code = OK;
    while (code == OK) {
        struct arena_mark mark = arena_mark(a);
        code = page_each(txn, &w);
        arena_rewind(a, mark);
    }
    return code == E_NOT_FOUND ? OK : code;
}
