// Reading ranges: the store's keys and the transaction's own, merged.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/kv.h"

#include "src/store/txn.h"

struct kv_iter {
    struct kv_txn *txn;
    struct kv_iter *next, **link; // among the transaction's open ones
    struct kv_range range;        // keys copied
    struct backend_iter *stored;  // NULL: the range is empty
    size_t count;                 // returned so far
    bool is_ended;                // nothing is left
    // The store's next key, read ahead of its turn.
    bool is_peeked;
    int peek_code;
    struct str peek_key, peek_value;
    // Where to go on, and where that was after the last open or seek.
    struct str at, start;
    bool is_at_included, is_start_included;
    bool has_moved; // since then
};

static void
start_at(struct kv_iter *it, struct str at, bool is_included)
{
    it->at = it->start = at;
    it->is_at_included = it->is_start_included = is_included;
    it->has_moved = false;
    it->is_ended = false;
    it->is_peeked = false;
}

static struct str
end_of(const struct kv_iter *it, struct str last, bool is_included)
{
    return is_included ? key_after(it->txn->arena, last) : last;
}

// Notes what was really seen from the start on.
static void
note_seen(const struct kv_iter *it)
{
    const struct kv_range *r = &it->range;
    if (r->read == KV_SNAPSHOT || (!it->has_moved && !it->is_ended))
        return;
    struct reads *reads = &it->txn->reads;
    if (r->is_reverse)
        reads_add_range(reads, it->is_ended ? r->from : it->at,
                        end_of(it, it->start, it->is_start_included));
    else
        reads_add_range(reads, it->start, it->is_ended ? r->to : end_of(it, it->at, true));
    txn_hold(it->txn);
}

static int
peek(struct kv_iter *it)
{
    if (it->is_peeked)
        return it->peek_code;
    it->peek_code =
        it->txn->kv->backend->ops->iter_next(it->stored, &it->peek_key, &it->peek_value);
    it->is_peeked = it->peek_code == OK || it->peek_code == E_NOT_FOUND;
    return it->peek_code;
}

static struct omap_entry *
find_own(const struct kv_iter *it)
{
    const struct overlay *writes = &it->txn->writes;
    if (it->range.is_reverse) {
        struct omap_entry *e = overlay_before(writes, it->at, it->is_at_included);
        return e != NULL && str_cmp(e->key, it->range.from) >= 0 ? e : NULL;
    }
    struct omap_entry *e = overlay_after(writes, it->at, it->is_at_included);
    return e != NULL && str_cmp(e->key, it->range.to) < 0 ? e : NULL;
}

static void
move_past(struct kv_iter *it, struct str key)
{
    it->at = key;
    it->is_at_included = false;
    it->has_moved = true;
}

// Whether own comes before or at the store's next key, in the direction of the range.
static bool
is_own_first(const struct kv_iter *it, struct str own)
{
    int order = str_cmp(own, it->peek_key);
    return it->range.is_reverse ? order >= 0 : order <= 0;
}

static void
take_own(struct kv_iter *it, const struct omap_entry *own, struct str *key, struct str *value)
{
    if (it->peek_code == OK && str_eq(own->key, it->peek_key))
        it->is_peeked = false; // hidden by the transaction's own
    *key = arena_copy(it->txn->arena, own->key);
    *value = ((const struct overlay_write *)own->value)->value;
    move_past(it, *key);
}

static int
next(struct kv_iter *it, struct str *key, struct str *value)
{
    for (;;) {
        int code = peek(it);
        if (code != OK && code != E_NOT_FOUND)
            return code;
        const struct omap_entry *own = find_own(it);
        if (own == NULL && code == E_NOT_FOUND) {
            it->is_ended = true;
            return E_NOT_FOUND;
        }
        if (own == NULL || (code == OK && !is_own_first(it, own->key))) {
            *key = it->peek_key;
            *value = it->peek_value;
            it->is_peeked = false;
            move_past(it, *key);
            return OK;
        }
        take_own(it, own, key, value);
        if (str_is_present(*value))
            return OK; // else it is a deletion: look further
    }
}

static void
link_iter(struct kv_iter *it)
{
    it->next = it->txn->iters;
    it->link = &it->txn->iters;
    if (it->next != NULL)
        it->next->link = &it->next;
    *it->link = it;
}

static void
unlink_iter(struct kv_iter *it)
{
    *it->link = it->next;
    if (it->next != NULL)
        it->next->link = it->link;
}

// Whether nothing of the range is left from `key` on, in its direction.
static bool
is_outside(const struct kv_iter *it, struct str key)
{
    return it->range.is_reverse ? str_cmp(key, it->range.from) < 0
                                : str_cmp(key, it->range.to) >= 0;
}

static void
seek_inside(struct kv_iter *it, struct str key)
{
    bool is_reverse = it->range.is_reverse;
    if (is_reverse && str_cmp(key, it->range.to) >= 0)
        start_at(it, it->range.to, false);
    else if (!is_reverse && str_cmp(key, it->range.from) < 0)
        start_at(it, it->range.from, true);
    else
        start_at(it, arena_copy(it->txn->arena, key), true);
    it->txn->kv->backend->ops->iter_seek(it->stored, it->at, it->is_at_included);
}

int
kv_range_open(struct kv_txn *txn, const struct kv_range *range, struct kv_iter **out)
{
    TRY(txn_read_begin(txn));
    TRY(txn_check_bytes(txn, range->from.len + range->to.len));
    struct kv_iter *it = ARENA_NEW(txn->arena, struct kv_iter);
    it->txn = txn;
    it->range = *range;
    struct str from = it->range.from = arena_copy(txn->arena, range->from);
    struct str to = it->range.to = arena_copy(txn->arena, range->to);
    start_at(it, range->is_reverse ? to : from, !range->is_reverse);
    struct backend *b = txn->kv->backend;
    it->is_ended = str_cmp(from, to) >= 0;
    if (!it->is_ended)
        it->stored = b->ops->iter_open(b, txn->snapshot, from, to, range->is_reverse, txn->arena);
    link_iter(it);
    *out = it;
    return OK;
}

int
kv_iter_next(struct kv_iter *it, struct str *key, struct str *value)
{
    if (it->is_ended || (it->range.limit != 0 && it->count == it->range.limit))
        return E_NOT_FOUND;
    TRY(txn_read_begin(it->txn));
    struct str k, v;
    TRY(next(it, &k, &v));
    it->count++;
    *key = k;
    *value = v;
    return OK;
}

int
kv_iter_seek(struct kv_iter *it, struct str key)
{
    TRY(txn_read_begin(it->txn));
    TRY(txn_check_bytes(it->txn, 2 * key.len));
    if (it->stored == NULL)
        return OK;
    note_seen(it);
    if (is_outside(it, key)) {
        start_at(it, it->range.is_reverse ? it->range.from : it->range.to, false);
        it->is_ended = true;
        return OK;
    }
    seek_inside(it, key);
    return OK;
}

void
kv_iter_close(struct kv_iter *it)
{
    if (it == NULL)
        return;
    note_seen(it);
    if (it->stored != NULL)
        it->txn->kv->backend->ops->iter_close(it->stored);
    unlink_iter(it);
}
