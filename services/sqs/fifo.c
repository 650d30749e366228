// FIFO queues: groups of messages, each read in its order and by one receiver at a time.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fifo.h"

#include "services/sqs/attempt.h"
#include "services/sqs/counts.h"
#include "services/sqs/duplicates.h"
#include "services/sqs/flights.h"
#include "services/sqs/group.h"
#include "services/sqs/message.h"
#include "services/sqs/redrive.h"
#include "services/sqs/sqs.h"
#include "services/sqs/stored.h"

int
fifo_append(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
            const struct sqs_message_record *message, int64_t due_ms, uint16_t index,
            const struct history *history)
{
    const struct place *p = &q->place;
    struct sequence sequence = sequence_of(&(struct kv_stamp){{0}}, index);
    TRY(stored_set(txn, q, id, message));
    TRY(slot_put(txn, p, id, message, due_ms, &sequence, history));
    TRY(group_ensure(txn, p, message->group_id, due_ms));
    return counts_add(txn, p, 1);
}

int
fifo_put(struct kv_txn *txn, const struct queue *q, struct message_id *id,
         const struct sqs_message_record *message, int64_t due_ms, uint16_t index,
         bool *is_duplicate, struct sequence *original)
{
    TRY(duplicates_forget_some(txn, &q->place, message->sent_ms.value));
    TRY(duplicate_get(txn, q, message, id, is_duplicate, original));
    if (*is_duplicate)
        return OK;
    struct sequence sequence = sequence_of(&(struct kv_stamp){{0}}, index);
    TRY(duplicate_set(txn, q, message, id, &sequence));
    return fifo_append(txn, q, id, message, due_ms, index, NULL);
}

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

// Two receivers would choose the same groups, and one would have to do it all again.
static int
receive_in_turn(struct receive *r, struct head *h)
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

int
fifo_receive(struct receive *r)
{
    struct heads *heads = sqs_of(r->c)->heads;
    struct head *h = heads_ref(heads, r->queue.place.generation);
    size_t wanted = r->wanted;
    int code = flights_begin(r, h);
    if (code == OK && !r->is_full)
        code = receive_in_turn(r, h);
    flights_end(r, h, wanted);
    head_unref(heads, h);
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

static bool
slot_is_expired(const struct queue *q, const struct slot *slot, int64_t now_ms)
{
    return slot->record.sent_ms.value + q->record.retention_s.value * 1000 <= now_ms;
}

int
fifo_expire(struct kv_txn *txn, const struct queue *q, struct str group, int64_t now_ms,
            size_t *expired)
{
    struct slot slots[RECEIVE_MAX];
    size_t count;
    *expired = 0;
    // Hidden ones too: the end of time.
    TRY(slots_read(txn, &q->place, group, INT64_MAX, KV_SERIALIZABLE, slots, RECEIVE_MAX, &count));
    while (*expired < count && slot_is_expired(q, &slots[*expired], now_ms)) {
        struct message_id id = slot_message_id(&slots[*expired].record);
        TRY(slot_remove(txn, &q->place, slots[(*expired)++].key, &id));
    }
    return *expired > 0 ? group_settle(txn, &q->place, group, now_ms) : OK;
}

static bool
is_in_flight_by(const struct slot *slot, const struct receipt *receipt, int64_t now_ms)
{
    return slot->record.receive_count.value == receipt->receive_count &&
           slot->record.due_ms.value > now_ms;
}

int
fifo_delete(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
            int64_t now_ms)
{
    struct slot slot;
    int code = slot_get(txn, &q->place, receipt, &slot);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    if (!is_in_flight_by(&slot, receipt, now_ms))
        return E_NOT_FOUND;
    TRY(slot_remove(txn, &q->place, slot.key, &receipt->id));
    return group_settle(txn, &q->place, receipt->group, now_ms);
}

int
fifo_hide(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt, int64_t now_ms,
          int64_t due_ms)
{
    struct slot slot;
    TRY(slot_get(txn, &q->place, receipt, &slot));
    if (!is_in_flight_by(&slot, receipt, now_ms))
        return E_NOT_FOUND;
    if (due_ms > slot.record.received_ms.value + VISIBILITY_S_MAX * 1000LL)
        return E_LIMIT;
    slot.record.due_ms = OPT_LONG(due_ms);
    TRY(slot_set(txn, &slot));
    return group_settle(txn, &q->place, receipt->group, now_ms);
}
