// How many messages a queue holds, by state.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/counts.h"

// Reads an index entry's value: whether the message is hidden at now_ms, and whether it was
// received.
typedef int entry_fn(struct arena *a, struct str value, int64_t now_ms, bool *is_hidden,
                     bool *is_received);

static int
delivery_entry(struct arena *a, struct str value, int64_t now_ms, bool *is_hidden,
               bool *is_received)
{
    struct sqs_delivery_record delivery;
    TRY(record_decode(&sqs_delivery_record_type, value, a, &delivery));
    *is_hidden = true; // the range begins after now_ms
    *is_received = delivery.receive_count.value > 0;
    return OK;
}

static int
slot_entry(struct arena *a, struct str value, int64_t now_ms, bool *is_hidden, bool *is_received)
{
    struct sqs_slot_record slot;
    TRY(record_decode(&sqs_slot_record_type, value, a, &slot));
    *is_hidden = slot.due_ms.value > now_ms;
    *is_received = slot.receive_count.value > 0;
    return OK;
}

static int
hidden_count(struct kv_txn *txn, const struct kv_range *range, entry_fn *entry, int64_t now_ms,
             struct counts *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_iter *it;
    TRY(kv_range_open(txn, range, &it));
    int code = OK;
    while (code == OK) {
        struct arena_mark mark = arena_mark(a);
        struct str key, value;
        bool is_hidden = false, is_received = false;
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = entry(a, value, now_ms, &is_hidden, &is_received);
        out->in_flight += is_hidden && is_received;
        out->delayed += is_hidden && !is_received;
        arena_rewind(a, mark);
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

int
counts_get(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct counts *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.read = KV_SNAPSHOT};
    bool is_fifo = q->record.is_fifo.value;
    struct str total;
    *out = (struct counts){0};
    if (is_fifo)
        key_slots_range(a, &q->place, &range.from, &range.to);
    else
        key_due_range(a, &q->place, now_ms + 1, NULL, &range.from, &range.to);
    TRY(hidden_count(txn, &range, is_fifo ? slot_entry : delivery_entry, now_ms, out));
    TRY(kv_get(txn, key_count(a, &q->place), KV_SNAPSHOT, &total));
    out->visible = kv_counter(total) - out->in_flight - out->delayed;
    return OK;
}

int
counts_add(struct kv_txn *txn, const struct place *p, int64_t delta)
{
    return kv_add(txn, key_count(kv_txn_arena(txn), p), delta);
}
