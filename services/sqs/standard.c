// Standard queues: messages by the time at which they become visible.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/standard.h"

#include "services/sqs/stored.h"
#include "src/base/plant.h"

int
standard_put(struct kv_txn *txn, const struct queue *q, const struct message_id *id,
             const struct sqs_message_record *message, int64_t due_ms,
             const struct history *history)
{
    struct arena *a = kv_txn_arena(txn);
    const struct place *p = &q->place;
    struct sqs_delivery_record delivery = {0};
    if (due_ms != message->sent_ms.value)
        delivery.sent_ms = message->sent_ms;
    if (str_is_present(message->group_id))
        delivery.share = OPT_INT(share_of(message->group_id));
    // AWS counts the age in a dead-letter queue from there on.
    if (history && due_ms != message->sent_ms.value)
        delivery.arrived_ms = OPT_LONG(due_ms);
    if (history) {
        delivery.receive_count = delivery.receives_before = OPT_INT(history->receive_count);
        delivery.first_received_ms = OPT_LONG(history->first_received_ms);
    }
    TRY(stored_add(txn, q, id, message));
    return record_set(txn, &sqs_delivery_record_type, key_due(a, p, due_ms, id), &delivery);
}

int
standard_remove(struct kv_txn *txn, const struct place *p, const struct head_entry *e,
                const struct sqs_delivery_record *delivery)
{
    struct arena *a = kv_txn_arena(txn);
    const struct message_id *id = due_id(e);
    if (delivery->has_flight.value && !PLANT(LEFT_FLIGHT))
        TRY(kv_del(txn, key_flight(a, p, id)));
    TRY(kv_del(txn, key_due(a, p, e->due_ms, id)));
    return stored_del(txn, p, due_id(e));
}

// Where the receipt's message is in the index. Most are where their receive put them; a flight says
// where a changed visibility timeout did. E_NOT_FOUND: the message is gone, or was received again
// since.
static int
receipt_find(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
             struct head_entry *entry, struct sqs_delivery_record *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_flight_record flight;
    *entry = due_entry(receipt->due_ms, &receipt->id, 0);
    int code = record_get(txn, &sqs_delivery_record_type,
                          key_due(a, &q->place, entry->due_ms, &receipt->id), KV_SERIALIZABLE, out);
    if (code == E_NOT_FOUND) {
        TRY(record_get(txn, &sqs_flight_record_type, key_flight(a, &q->place, &receipt->id),
                       KV_SERIALIZABLE, &flight));
        entry->due_ms = flight.due_ms.value;
        code = record_get(txn, &sqs_delivery_record_type,
                          key_due(a, &q->place, entry->due_ms, &receipt->id), KV_SERIALIZABLE, out);
    }
    TRY(code);
    return out->receive_count.value == receipt->receive_count ? OK : E_NOT_FOUND;
}

int
standard_delete(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
                int32_t *share)
{
    struct head_entry entry;
    struct sqs_delivery_record delivery;
    int code = receipt_find(txn, q, receipt, &entry, &delivery);
    *share = code == OK ? delivery.share.value : 0;
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    return standard_remove(txn, &q->place, &entry, &delivery);
}

int
standard_hide(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt,
              int64_t now_ms, int64_t due_ms, int32_t *share)
{
    struct arena *a = kv_txn_arena(txn);
    struct head_entry entry;
    struct sqs_delivery_record delivery;
    TRY(receipt_find(txn, q, receipt, &entry, &delivery));
    if (entry.due_ms <= now_ms)
        return E_NOT_FOUND;
    if (due_ms > delivery.received_ms.value + VISIBILITY_S_MAX * 1000LL)
        return E_LIMIT;
    struct sqs_flight_record flight = {
        .due_ms = OPT_LONG(due_ms),
        .receive_count = delivery.receive_count,
    };
    *share = delivery.share.value;
    delivery.has_flight = OPT_BOOL(true);
    const struct message_id *id = &receipt->id;
    TRY(kv_del(txn, key_due(a, &q->place, entry.due_ms, id)));
    TRY(record_set(txn, &sqs_delivery_record_type, key_due(a, &q->place, due_ms, id), &delivery));
    return record_set(txn, &sqs_flight_record_type, key_flight(a, &q->place, id), &flight);
}
