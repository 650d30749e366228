// FIFO queues: groups of messages, each read in its order and by one receiver at a time.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fifo.h"

#include "services/sqs/duplicates.h"
#include "services/sqs/stored.h"

int
fifo_append(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
            const struct sqs_message_record *message, int64_t due_ms, uint16_t index,
            const struct history *history)
{
    const struct place *p = &q->place;
    struct sequence sequence = sequence_of(&(struct kv_stamp){{0}}, index);
    TRY(stored_add(txn, q, id, message));
    TRY(slot_put(txn, p, id, message, due_ms, &sequence, history));
    return group_ensure(txn, p, message->group_id, due_ms);
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
