// Receiving from standard queues: what the head knows is claimed, read and hidden.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/redrive.h"
#include "services/sqs/sqs.h"
#include "services/sqs/standard.h"
#include "services/sqs/stored.h"
#include "src/base/plant.h"

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
    TRY(kv_del(txn, key_due(a, p, claim->due_ms, due_id(claim))));
    return record_set(txn, &sqs_delivery_record_type, key_due(a, p, t->due_ms, due_id(claim)),
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
    *d = (struct delivery){.id = *due_id(claim)};
    int code = record_get(txn, &sqs_delivery_record_type,
                          key_due(a, &q->place, claim->due_ms, &d->id), KV_SERIALIZABLE, &before);
    if (code != OK && !(code == E_NOT_FOUND && PLANT(STALE_CLAIM)))
        return code;
    // The body never changes, and goes only together with the entry just read.
    TRY(stored_get(txn, q, &d->id, &d->message));
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
    kv_makes_room(txn); // what cannot be received cannot be deleted
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
        struct head_entry hidden = due_entry(t->due_ms, &d->id, d->share);
        head_add(h, &hidden);
        if (d->is_first)
            due_share_add(h, d->share, t->now_ms);
    }
    arrivals_announce(sqs_of(t->r->c), &t->r->arrivals);
    return OK;
}

static struct head_source
source_of(const struct receive *r)
{
    return (struct head_source){.index = due_index(&r->queue.place),
                                .kv = r->c->kv,
                                .arena = r->c->arena,
                                .runtime = r->c->cloud->runtime,
                                .is_shared = sqs_is_shared(sqs_of(r->c))};
}

int
standard_receive(struct receive *r, struct head *h)
{
    struct take t = {.r = r};
    struct head_source source = source_of(r);
    do {
        int code = head_claim(h, &source, t.claims, r->wanted, &t.claim_count);
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
standard_next_due(struct receive *r)
{
    struct heads *heads = sqs_of(r->c)->heads;
    struct head *h = heads_ref(heads, r->queue.place.generation);
    struct head_source source = source_of(r);
    int code = head_next_due(h, &source, &r->next_due_ms);
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
    *d = (struct delivery){.id = *due_id(e)};
    TRY(record_get(txn, &sqs_delivery_record_type, key_due(a, &q->place, e->due_ms, &d->id),
                   KV_SERIALIZABLE, &before));
    TRY(stored_get(txn, q, &d->id, &d->message));
    TRY(standard_remove(txn, &q->place, e, &before));
    return message_is_expired(q, &d->message, now_ms) ? E_AGAIN : OK;
}

int
standard_pull(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct head_entry *after,
              struct delivery *out, size_t max, size_t *count)
{
    struct head_index index = due_index(&q->place);
    struct head_entry *found = ARENA_ARRAY(kv_txn_arena(txn), HEAD_SWEEP_MAX, struct head_entry);
    size_t found_count;
    bool is_cut;
    TRY(head_read(txn, &index, after, now_ms, found, HEAD_SWEEP_MAX, &found_count, &is_cut));
    *count = 0;
    for (size_t i = 0; i < found_count && *count < max; i++) {
        int code = pull_one(txn, q, now_ms, &found[i], &out[*count]);
        if (code != OK && code != E_NOT_FOUND && code != E_AGAIN)
            return code;
        *count += code == OK;
        *after = found[i];
    }
    return OK;
}
