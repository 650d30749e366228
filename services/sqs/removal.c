// DeleteQueue and PurgeQueue: one record changes, and what the queue held becomes garbage.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/queue.h"
#include "services/sqs/redrive.h"
#include "services/sqs/sqs.h"
#include "services/sqs/sqs_api.h"

struct removal {
    struct call *c;
    struct str url;
    char generation[GENERATION_BYTES]; // of a purge: the new one
    struct queue queue;
};

// Nobody finds the old generation any more: polls look again, and the reaper deletes it.
static void
removal_announce(struct removal *s)
{
    struct sqs *sqs = sqs_of(s->c);
    heads_del(sqs->heads, s->queue.place.generation);
    lot_wake(sqs->receivers, s->queue.place.generation, SIZE_MAX);
}

static int
garbage_add(struct call *c, struct kv_txn *txn, const struct place *p)
{
    struct kv_range range;
    key_data_range(kv_txn_arena(txn), p, &range.from, &range.to);
    return reaper_add(c->cloud->reaper, txn, NULL, range.from, range.to);
}

static int
name_block(struct kv_txn *txn, const struct queue_name *name, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    int64_t until_ms = now_ms + QUEUE_DELETED_MS;
    struct sqs_deleted_record deleted = {.until_ms = OPT_LONG(until_ms)};
    TRY(kv_set(txn, key_release(a, until_ms, name), STR("")));
    return record_set(txn, &sqs_deleted_record_type, key_deleted(a, name), &deleted);
}

static int
delete_body(struct kv_txn *txn, void *arg)
{
    struct removal *s = arg;
    struct arena *a = kv_txn_arena(txn);
    TRY(queue_get(s->c, txn, s->url, &s->queue));
    const struct place *p = &s->queue.place;
    struct place lasting = place_lasting(a, p);
    struct queue_name name = {p->account, p->region, s->queue.name};
    TRY(garbage_add(s->c, txn, p));
    TRY(garbage_add(s->c, txn, &lasting));
    TRY(name_block(txn, &name, call_now_ms(s->c)));
    return queue_del(txn, &s->queue);
}

int
sqs_delete_queue(struct call *c, const struct sqs_delete_queue_request *in)
{
    struct removal s = {.c = c, .url = in->QueueUrl};
    TRY(kv_run(c->kv, c->arena, delete_body, &s));
    removal_announce(&s);
    return OK;
}

static bool
is_purged_recently(const struct queue *q, int64_t now_ms)
{
    struct opt_long purged_ms = q->record.purged_ms;
    return purged_ms.is_present && now_ms < purged_ms.value + QUEUE_PURGED_MS;
}

static int
purge_body(struct kv_txn *txn, void *arg)
{
    struct removal *s = arg;
    int64_t now_ms = call_now_ms(s->c);
    TRY(queue_get(s->c, txn, s->url, &s->queue));
    if (is_purged_recently(&s->queue, now_ms))
        return fault(s->c, SQS_PURGE_QUEUE_IN_PROGRESS,
                     "Only one PurgeQueue operation on " STR_FMT " is allowed every 60 seconds.",
                     STR_ARG(s->queue.name));
    struct queue after = s->queue;
    memcpy(s->generation, s->queue.record.generation.ptr, QUEUE_ID_BYTES);
    after.record.generation = (struct str){s->generation, GENERATION_BYTES};
    after.record.purged_ms = OPT_LONG(now_ms);
    TRY(garbage_add(s->c, txn, &s->queue.place));
    return queue_set(txn, &after);
}

int
sqs_purge_queue(struct call *c, const struct sqs_purge_queue_request *in)
{
    struct removal s = {.c = c, .url = in->QueueUrl};
    random_bytes(c->cloud->runtime, s.generation, GENERATION_BYTES);
    TRY(kv_run(c->kv, c->arena, purge_body, &s));
    removal_announce(&s);
    return OK;
}
