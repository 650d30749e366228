// Claims on the entries of a queue head: from memory, and from its index by sweeps.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/head_state.h"

// How many sweeps one claim may do in search of entries that need not stand aside, and how often a
// shared head goes back while there is something to take; who finds nothing goes back at once.
enum { SEARCH_MAX = 16, LOOK_BACK_EVERY_MS = 1000 };

// OK: there is more than was asked for.
static int
entries_read(struct kv_iter *it, struct arena *a, const struct head_index *index,
             struct head_entry *out, size_t max, size_t *count)
{
    struct str key, value;
    for (;;) {
        TRY(kv_iter_next(it, &key, &value));
        if (*count == max)
            return OK;
        out[*count] = (struct head_entry){0};
        TRY(index->parse(index->arg, a, key, value, &out[*count]));
        ++*count;
    }
}

int
head_read(struct kv_txn *txn, const struct head_index *index, const struct head_entry *after,
          int64_t until_ms, struct head_entry *out, size_t max, size_t *count, bool *is_cut)
{
    struct arena *a = kv_txn_arena(txn);
    // What is found are hints, so it must not conflict with those who add and take.
    struct kv_range range = {.limit = max + 1, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    index->range(index->arg, a, after, until_ms, &range.from, &range.to);
    *count = 0;
    TRY(kv_range_open(txn, &range, &it));
    int code = entries_read(it, a, index, out, max, count);
    kv_iter_close(it);
    *is_cut = code == OK;
    return code == E_NOT_FOUND ? OK : code;
}

struct sweep {
    const struct head_index *index;
    struct head_entry from;
    int64_t until_ms;
    struct head_entry found[HEAD_SWEEP_MAX];
    size_t count;
    bool is_cut;
};

static int
sweep_body(struct kv_txn *txn, void *arg)
{
    struct sweep *s = arg;
    return head_read(txn, s->index, &s->from, s->until_ms, s->found, HEAD_SWEEP_MAX, &s->count,
                     &s->is_cut);
}

struct claim {
    struct head *head;
    const struct head_source *source;
    struct head_entry *out;
    size_t wanted;
    size_t *count;
};

static int64_t
now_ms(const struct claim *c)
{
    return clock_service_ms(c->source->runtime);
}

static bool
is_full(const struct claim *c)
{
    return *c->count == c->wanted;
}

static void
claim_ready(const struct claim *c)
{
    *c->count += head_claim_ready(c->head, now_ms(c), c->out + *c->count, c->wanted - *c->count);
}

static void
claim_aside(const struct claim *c)
{
    *c->count += head_claim_aside(c->head, now_ms(c), c->out + *c->count, c->wanted - *c->count);
}

static struct sweep *
sweep_new(const struct claim *c)
{
    struct sweep *s = ARENA_NEW(c->source->arena, struct sweep);
    s->index = &c->source->index;
    s->until_ms = now_ms(c);
    return s;
}

// Not further than now: ahead lie the tombstones of what was taken and removed in time.
static int
sweep(const struct claim *c, bool *is_cut)
{
    struct sweep *s = sweep_new(c);
    head_sweep_begin(c->head, s->until_ms, &s->from);
    int code = kv_run(c->source->kv, c->source->arena, sweep_body, s);
    head_sweep_end(c->head, s->found, s->count, code == OK && s->is_cut, code != OK);
    *is_cut = s->is_cut;
    return code;
}

// More of what stands aside, after what memory has of it.
static int
sweep_aside(const struct claim *c)
{
    struct sweep *s = sweep_new(c);
    struct head_entry to;
    if (!head_aside_begin(c->head, &s->from, &to))
        return OK;
    if (to.due_ms > 0)
        s->until_ms = to.due_ms;
    int code = kv_run(c->source->kv, c->source->arena, sweep_body, s);
    head_aside_end(c->head, s->found, s->count, code == OK && s->is_cut, code != OK);
    return code;
}

static int
claim_found(const struct claim *c)
{
    bool is_cut = true;
    for (int i = 0; i < SEARCH_MAX && is_cut && !is_full(c); i++) {
        TRY(sweep(c, &is_cut));
        claim_ready(c);
    }
    if (!is_full(c))
        claim_aside(c);
    if (is_full(c))
        return OK;
    TRY(sweep_aside(c));
    claim_aside(c);
    return OK;
}

static int
claim_in_turn(const struct claim *c)
{
    // Whoever had the turn before may have found enough for both.
    claim_ready(c);
    if (c->source->is_shared)
        head_look_back(c->head, now_ms(c), LOOK_BACK_EVERY_MS);
    TRY(claim_found(c));
    if (!c->source->is_shared || *c->count > 0)
        return OK;
    head_look_back(c->head, now_ms(c), 0);
    return claim_found(c);
}

int
head_claim(struct head *h, const struct head_source *s, struct head_entry *out, size_t n,
           size_t *count)
{
    struct claim c = {h, s, out, n, count};
    *count = 0;
    claim_ready(&c);
    if (is_full(&c))
        return OK;
    TRY(head_turn_begin(h));
    int code = claim_in_turn(&c);
    head_turn_end(h);
    return code;
}

struct ahead {
    const struct head_index *index;
    int64_t now_ms;
    int64_t due_ms;
};

static int
ahead_body(struct kv_txn *txn, void *arg)
{
    struct ahead *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct head_entry first = {.due_ms = INT64_MAX}, now = {.due_ms = s->now_ms};
    struct kv_range range = {.limit = 1, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    memset(now.id, 0xff, sizeof(now.id));
    s->index->range(s->index->arg, a, &now, INT64_MAX, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    // Not the one after it: behind it may lie tombstones.
    int code = kv_iter_next(it, &key, &value);
    if (code == OK)
        code = s->index->parse(s->index->arg, a, key, value, &first);
    kv_iter_close(it);
    s->due_ms = first.due_ms;
    return code == E_NOT_FOUND ? OK : code;
}

int
head_next_due(struct head *h, const struct head_source *s, int64_t *out)
{
    struct ahead ahead = {.index = &s->index, .now_ms = clock_service_ms(s->runtime)};
    int code = OK;
    // What other processes add is not known here.
    if (s->is_shared || head_next_due_known(h, ahead.now_ms) == 0) {
        head_next_due_begin(h);
        code = kv_run(s->kv, s->arena, ahead_body, &ahead);
        head_next_due_end(h, code == OK ? ahead.due_ms : 0);
    }
    *out = head_next_due_known(h, ahead.now_ms);
    return code;
}
