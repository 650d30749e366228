// Receiving from FIFO queues: whole groups in their order, each by one receiver at a time.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/attempt.h"
#include "services/sqs/fifo.h"
#include "services/sqs/message.h"
#include "services/sqs/redrive.h"
#include "services/sqs/sqs.h"
#include "services/sqs/stored.h"

// The message was received too often. In a dead-letter queue it counts as sent now, under its own
// id as deduplication id.
static int
slot_bury(struct kv_txn *txn, struct receive *r, struct slot *slot, struct delivery *d,
          const struct queue *target, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct history history = {slot->record.receive_count.value,
                              slot->record.first_received_ms.value};
    uint16_t index = (uint16_t)r->arrivals.count;
    TRY(slot_remove(txn, &r->queue.place, slot->key, &d->id));
    d->message.source_arn = queue_arn(a, &r->queue);
    d->message.sent_ms = OPT_LONG(now_ms);
    d->message.deduplication_id = message_id_print(a, &d->id);
    arrivals_add(&r->arrivals, a, target, now_ms, &d->id, d->message.group_id);
    return fifo_append(txn, target, &d->id, &d->message, now_ms, index, &history);
}

// Delivers the message of the slot, or removes it when the queue has kept it for too long or
// delivered it too often.
static int
slot_take(struct kv_txn *txn, struct receive *r, struct slot *slot, int64_t now_ms)
{
    struct delivery *d = &r->deliveries[r->count];
    struct sqs_slot_record *record = &slot->record;
    *d = (struct delivery){.id = slot_message_id(record), .sequence = key_slot_sequence(slot->key)};
    TRY(stored_get(txn, &r->queue, &d->id, &d->message));
    if (message_is_expired(&r->queue, &d->message, now_ms))
        return slot_remove(txn, &r->queue.place, slot->key, &d->id);
    struct queue target;
    int code = redrive_target(txn, &r->queue,
                              record->receive_count.value - record->receives_before.value, &target);
    if (code != E_NOT_FOUND)
        return code == OK ? slot_bury(txn, r, slot, d, &target, now_ms) : code;
    record->receive_count.value++;
    if (!record->first_received_ms.is_present)
        record->first_received_ms = OPT_LONG(now_ms);
    record->received_ms = OPT_LONG(now_ms);
    record->due_ms = OPT_LONG(receive_hidden_until(r, now_ms));
    d->receive_count = record->receive_count.value;
    d->first_received_ms = record->first_received_ms.value;
    r->count++;
    return slot_set(txn, slot);
}

static int
group_take(struct kv_txn *txn, struct receive *r, struct str group, int64_t now_ms)
{
    struct slot slots[RECEIVE_MAX];
    size_t count;
    const struct place *p = &r->queue.place;
    TRY(slots_read(txn, p, group, now_ms, KV_SERIALIZABLE, slots, r->wanted - r->count, &count));
    for (size_t i = 0; i < count; i++)
        TRY(slot_take(txn, r, &slots[i], now_ms));
    return group_settle(txn, p, group, now_ms);
}

struct take {
    struct receive *r;
    struct groups groups;
};

static int
take_body(struct kv_txn *txn, void *arg)
{
    struct take *t = arg;
    struct receive *r = t->r;
    receive_reset(r);
    kv_makes_room(txn); // what cannot be received cannot be deleted
    TRY(queue_get(r->c, txn, r->url, &r->queue));
    int64_t now_ms = call_now_ms(r->c);
    if (str_is_present(r->attempt_id))
        TRY(attempt_replay(txn, r, now_ms));
    if (r->count > 0)
        return OK;
    TRY(groups_read(txn, &r->queue.place, now_ms, &t->groups, &r->next_due_ms));
    for (size_t i = 0; i < t->groups.count && r->count < r->wanted; i++)
        TRY(group_take(txn, r, t->groups.names[i], now_ms));
    return str_is_present(r->attempt_id) && r->count > 0 ? attempt_set(txn, r, now_ms) : OK;
}

// In turn: two receivers would choose the same groups, and one would have to do it all again.
int
fifo_receive(struct receive *r, struct head *h)
{
    struct take t = {.r = r};
    TRY(head_turn_begin(h));
    int code;
    do {
        code = kv_run(r->c->kv, r->c->arena, take_body, &t);
        if (code == OK)
            arrivals_announce(sqs_of(r->c), &r->arrivals);
    } while (code == OK && r->count == 0 && t.groups.count > 0);
    head_turn_end(h);
    return code;
}

// E_AGAIN: it had expired.
static int
slot_pull(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct slot *slot,
          struct delivery *d)
{
    *d = (struct delivery){.id = slot_message_id(&slot->record)};
    TRY(stored_get(txn, q, &d->id, &d->message));
    TRY(slot_remove(txn, &q->place, slot->key, &d->id));
    return message_is_expired(q, &d->message, now_ms) ? E_AGAIN : OK;
}

static int
group_pull(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct str group,
           struct delivery *out, size_t max, size_t *count)
{
    struct slot slots[RECEIVE_MAX];
    size_t found;
    size_t room = max - *count < RECEIVE_MAX ? max - *count : RECEIVE_MAX;
    TRY(slots_read(txn, &q->place, group, now_ms, KV_SERIALIZABLE, slots, room, &found));
    for (size_t i = 0; i < found; i++) {
        int code = slot_pull(txn, q, now_ms, &slots[i], &out[*count]);
        if (code != OK && code != E_AGAIN)
            return code;
        *count += code == OK;
    }
    return group_settle(txn, &q->place, group, now_ms);
}

int
fifo_pull(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct delivery *out,
          size_t max, size_t *count, bool *is_empty)
{
    struct groups groups;
    int64_t next_due_ms;
    TRY(groups_read(txn, &q->place, now_ms, &groups, &next_due_ms));
    *count = 0;
    *is_empty = groups.count == 0;
    for (size_t i = 0; i < groups.count && *count < max; i++)
        TRY(group_pull(txn, q, now_ms, groups.names[i], out, max, count));
    return OK;
}
