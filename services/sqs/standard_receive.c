// Receiving from standard queues: what the head knows is claimed, read and hidden.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/flights.h"
#include "services/sqs/redrive.h"
#include "services/sqs/sqs.h"
#include "services/sqs/standard.h"
#include "services/sqs/stored.h"
#include "src/base/plant.h"

// While there is something to receive; who finds nothing looks back at once.
enum { LOOK_BACK_EVERY_MS = 1000 };

struct sweep {
    const struct place *place;
    int64_t now_ms;
    struct head_entry from;
    struct head_entry to; // of noisy groups; due_ms 0: up to now_ms
    struct head_entry found[HEAD_SWEEP_MAX];
    size_t count;
    bool is_cut;
};

static int
sweep_read(struct kv_iter *it, struct arena *a, struct sweep *s)
{
    struct str key, value;
    for (;;) {
        struct head_entry e;
        struct sqs_delivery_record delivery;
        TRY(kv_iter_next(it, &key, &value));
        TRY(key_due_parse(a, key, &e.due_ms, &e.id));
        TRY(record_decode(&sqs_delivery_record_type, value, a, &delivery));
        e.share = delivery.share.value;
        if (s->count == HEAD_SWEEP_MAX) {
            s->is_cut = true;
            return OK;
        }
        s->found[s->count++] = e;
    }
}

static int
sweep_body(struct kv_txn *txn, void *arg)
{
    struct sweep *s = arg;
    struct arena *a = kv_txn_arena(txn);
    // What it finds are hints, so it must not conflict with those who send and delete.
    struct kv_range range = {.limit = HEAD_SWEEP_MAX + 1, .read = KV_SNAPSHOT};
    struct str rest;
    bool is_start = s->from.due_ms == 0;
    key_due_range(a, s->place, s->from.due_ms, is_start ? NULL : &s->from.id, &range.from, &rest);
    // Not further: ahead lie the tombstones of what was received and deleted in time.
    key_due_range(a, s->place, (s->to.due_ms > 0 ? s->to.due_ms : s->now_ms) + 1, NULL, &range.to,
                  &rest);
    s->count = 0;
    s->is_cut = false;
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    int code = sweep_read(it, a, s);
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
sweep(struct receive *r, struct head *h, bool *is_cut)
{
    struct sweep *s = ARENA_NEW(r->c->arena, struct sweep);
    s->place = &r->queue.place;
    s->now_ms = call_now_ms(r->c);
    head_sweep_begin(h, s->now_ms, &s->from);
    int code = kv_run(r->c->kv, r->c->arena, sweep_body, s);
    head_sweep_end(h, s->found, s->count, s->is_cut, code != OK);
    *is_cut = s->is_cut;
    return code;
}

// More of noisy groups, after what was put aside.
static int
sweep_noisy(struct receive *r, struct head *h)
{
    struct sweep *s = ARENA_NEW(r->c->arena, struct sweep);
    s->place = &r->queue.place;
    s->now_ms = call_now_ms(r->c);
    if (!head_noisy_begin(h, &s->from, &s->to))
        return OK;
    int code = kv_run(r->c->kv, r->c->arena, sweep_body, s);
    head_noisy_end(h, s->found, s->count, s->is_cut, code != OK);
    return code;
}

struct take {
    struct receive *r;
    struct head_entry claims[RECEIVE_MAX];
    size_t claim_count;
    int64_t now_ms;
    int64_t due_ms; // of what is taken: the end of its visibility timeout
};

static int
hide(struct kv_txn *txn, struct take *t, const struct head_entry *claim, struct delivery *d,
     const struct sqs_delivery_record *before)
{
    struct arena *a = kv_txn_arena(txn);
    const struct place *p = &t->r->queue.place;
    struct sqs_delivery_record delivery = *before;
    delivery.receive_count = OPT_INT(d->receive_count);
    delivery.first_received_ms = OPT_LONG(d->first_received_ms);
    delivery.sent_ms = d->message.sent_ms;
    delivery.received_ms = OPT_LONG(t->now_ms);
    d->due_ms = t->due_ms;
    d->share = before->share.value;
    d->is_first = before->receive_count.value == before->receives_before.value;
    TRY(kv_del(txn, key_due(a, p, claim->due_ms, &claim->id)));
    return record_set(txn, &sqs_delivery_record_type, key_due(a, p, t->due_ms, &claim->id),
                      &delivery);
}

// The message was received too often.
static int
bury(struct kv_txn *txn, struct take *t, const struct head_entry *claim, struct delivery *d,
     const struct sqs_delivery_record *before, const struct queue *target)
{
    struct queue *q = &t->r->queue;
    struct history history = {d->receive_count - 1, d->first_received_ms};
    TRY(standard_remove(txn, &q->place, claim, before));
    d->message.source_arn = queue_arn(kv_txn_arena(txn), q);
    arrivals_add(&t->r->arrivals, kv_txn_arena(txn), target, t->now_ms, &d->id,
                 d->message.group_id);
    return standard_put(txn, target, &d->id, &d->message, t->now_ms, &history);
}

// E_NOT_FOUND: somebody else took or deleted it since the sweep.
static int
take_one(struct kv_txn *txn, struct take *t, const struct head_entry *claim)
{
    struct arena *a = kv_txn_arena(txn);
    struct queue *q = &t->r->queue;
    struct delivery *d = &t->r->deliveries[t->r->count];
    struct sqs_delivery_record before = {0};
    struct queue target;
    *d = (struct delivery){.id = claim->id};
    int code =
        record_get(txn, &sqs_delivery_record_type, key_due(a, &q->place, claim->due_ms, &claim->id),
                   KV_SERIALIZABLE, &before);
    if (code != OK && !(code == E_NOT_FOUND && PLANT(STALE_CLAIM)))
        return code;
    // The body never changes, and goes only together with the entry just read.
    TRY(stored_get(txn, q, &claim->id, &d->message));
    if (message_is_expired(q, &d->message, t->now_ms))
        return standard_remove(txn, &q->place, claim, &before);
    d->receive_count = before.receive_count.value + 1;
    d->first_received_ms =
        before.first_received_ms.is_present ? before.first_received_ms.value : t->now_ms;
    code =
        redrive_target(txn, q, before.receive_count.value - before.receives_before.value, &target);
    if (code != E_NOT_FOUND)
        return code == OK ? bury(txn, t, claim, d, &before, &target) : code;
    TRY(hide(txn, t, claim, d, &before));
    t->r->count++;
    return OK;
}

static int
take_body(struct kv_txn *txn, void *arg)
{
    struct take *t = arg;
    receive_reset(t->r);
    TRY(queue_get(t->r->c, txn, t->r->url, &t->r->queue));
    t->now_ms = call_now_ms(t->r->c);
    t->due_ms = receive_hidden_until(t->r, t->now_ms);
    for (size_t i = 0; i < t->claim_count; i++) {
        int code = take_one(txn, t, &t->claims[i]);
        if (code != OK && code != E_NOT_FOUND)
            return code;
    }
    return OK;
}

static void
claims_give_back(struct take *t, struct head *h)
{
    for (size_t i = 0; i < t->claim_count; i++)
        head_add(h, &t->claims[i]);
}

static int
take(struct take *t, struct head *h)
{
    TRY(kv_run(t->r->c->kv, t->r->c->arena, take_body, t));
    for (size_t i = 0; i < t->r->count; i++) {
        const struct delivery *d = &t->r->deliveries[i];
        head_add(h, &(struct head_entry){t->due_ms, d->id, d->share});
        if (d->is_first)
            head_share_add(h, d->share, t->now_ms);
    }
    arrivals_announce(sqs_of(t->r->c), &t->r->arrivals);
    return OK;
}

static void
claim_more(struct take *t, struct head *h)
{
    t->claim_count += head_claim(h, call_now_ms(t->r->c), t->claims + t->claim_count,
                                 t->r->wanted - t->claim_count);
}

// Sweeps until there is enough of quiet groups, or nothing more of them.
static int
claim_by_sweeps(struct take *t, struct head *h)
{
    bool is_cut = true;
    for (int i = 0; i < HEAD_SEARCH_MAX && is_cut && t->claim_count < t->r->wanted; i++) {
        TRY(sweep(t->r, h, &is_cut));
        claim_more(t, h);
    }
    return OK;
}

static void
claim_noisy(struct take *t, struct head *h)
{
    t->claim_count += head_claim_noisy(h, call_now_ms(t->r->c), t->claims + t->claim_count,
                                       t->r->wanted - t->claim_count);
}

static int
claim_found(struct take *t, struct head *h)
{
    TRY(claim_by_sweeps(t, h));
    if (t->claim_count == t->r->wanted)
        return OK;
    claim_noisy(t, h);
    if (t->claim_count == t->r->wanted)
        return OK;
    TRY(sweep_noisy(t->r, h));
    claim_noisy(t, h);
    return OK;
}

static int
claim_in_turn(struct take *t, struct head *h)
{
    bool is_shared = sqs_is_shared(sqs_of(t->r->c));
    // Whoever had the turn before may have found enough for both.
    claim_more(t, h);
    if (is_shared)
        head_look_back(h, call_now_ms(t->r->c), LOOK_BACK_EVERY_MS);
    TRY(claim_found(t, h));
    if (!is_shared || t->claim_count > 0)
        return OK;
    head_look_back(h, call_now_ms(t->r->c), 0);
    return claim_found(t, h);
}

static int
claim(struct take *t, struct head *h)
{
    claim_more(t, h);
    if (t->claim_count == t->r->wanted)
        return OK;
    TRY(head_turn_begin(h));
    int code = claim_in_turn(t, h);
    head_turn_end(h);
    return code;
}

static int
receive_from(struct receive *r, struct head *h)
{
    struct take t = {.r = r};
    do {
        t.claim_count = 0;
        int code = claim(&t, h);
        if (code == OK && t.claim_count > 0)
            code = take(&t, h);
        if (code != OK) {
            claims_give_back(&t, h);
            return code;
        }
    } while (r->count == 0 && t.claim_count > 0);
    return OK;
}

int
standard_receive(struct receive *r)
{
    struct heads *heads = sqs_of(r->c)->heads;
    struct head *h = heads_ref(heads, r->queue.place.generation);
    size_t wanted = r->wanted;
    int code = flights_begin(r, h);
    if (code == OK && !r->is_full)
        code = receive_from(r, h);
    flights_end(r, h, wanted);
    head_unref(heads, h);
    return code;
}

struct ahead {
    const struct place *place;
    int64_t now_ms;
    int64_t due_ms;
};

static int
ahead_body(struct kv_txn *txn, void *arg)
{
    struct ahead *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = 1, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    struct message_id id;
    s->due_ms = INT64_MAX;
    key_due_range(a, s->place, s->now_ms + 1, NULL, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &key, &value);
    if (code == OK)
        code = key_due_parse(a, key, &s->due_ms, &id);
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
next_due_read(struct receive *r, struct head *h, int64_t now_ms)
{
    struct ahead s = {.place = &r->queue.place, .now_ms = now_ms};
    head_next_due_begin(h);
    int code = kv_run(r->c->kv, r->c->arena, ahead_body, &s);
    head_next_due_end(h, code == OK ? s.due_ms : 0);
    return code;
}

int
standard_next_due(struct receive *r)
{
    struct heads *heads = sqs_of(r->c)->heads;
    struct head *h = heads_ref(heads, r->queue.place.generation);
    int64_t now_ms = call_now_ms(r->c);
    int code = OK;
    // What other processes add is not known here.
    if (sqs_is_shared(sqs_of(r->c)) || head_next_due(h, now_ms) == 0)
        code = next_due_read(r, h, now_ms);
    r->next_due_ms = head_next_due(h, now_ms);
    head_unref(heads, h);
    return code;
}

// E_NOT_FOUND: somebody took or deleted it. E_AGAIN: it had expired.
static int
pull_one(struct kv_txn *txn, const struct queue *q, int64_t now_ms, const struct head_entry *e,
         struct delivery *d)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_delivery_record before;
    *d = (struct delivery){.id = e->id};
    TRY(record_get(txn, &sqs_delivery_record_type, key_due(a, &q->place, e->due_ms, &e->id),
                   KV_SERIALIZABLE, &before));
    TRY(stored_get(txn, q, &e->id, &d->message));
    TRY(standard_remove(txn, &q->place, e, &before));
    return message_is_expired(q, &d->message, now_ms) ? E_AGAIN : OK;
}

int
standard_pull(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct head_entry *after,
              struct delivery *out, size_t max, size_t *count)
{
    struct sweep *s = ARENA_NEW(kv_txn_arena(txn), struct sweep);
    CHECK(max <= HEAD_SWEEP_MAX);
    *s = (struct sweep){.place = &q->place, .now_ms = now_ms, .from = *after};
    TRY(sweep_body(txn, s));
    *count = 0;
    for (size_t i = 0; i < s->count && *count < max; i++) {
        int code = pull_one(txn, q, now_ms, &s->found[i], &out[*count]);
        if (code != OK && code != E_NOT_FOUND && code != E_AGAIN)
            return code;
        *count += code == OK;
        *after = s->found[i];
    }
    return OK;
}
