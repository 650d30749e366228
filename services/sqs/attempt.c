// Receive request attempts of FIFO queues: a receive that is asked for again gives the same again.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/attempt.h"

#include "services/sqs/group.h"
#include "services/sqs/stored.h"

enum { FORGOTTEN_PER_ATTEMPT = 4 };

static int
forget_one(struct kv_txn *txn, const struct place *p, struct str unattempt, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_attempt_record attempt;
    struct str attempt_id;
    TRY(key_unattempt_parse(a, unattempt, &attempt_id));
    TRY(kv_del(txn, unattempt));
    struct str key = key_attempt(a, p, attempt_id);
    int code = record_get(txn, &sqs_attempt_record_type, key, KV_SERIALIZABLE, &attempt);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    // The id may have been used again since.
    return attempt.until_ms.value <= now_ms ? kv_del(txn, key) : OK;
}

static int
forget_some(struct kv_txn *txn, const struct place *p, int64_t now_ms)
{
    struct kv_range range = {.limit = FORGOTTEN_PER_ATTEMPT, .read = KV_SNAPSHOT};
    struct str expired[FORGOTTEN_PER_ATTEMPT], value;
    size_t count = 0;
    struct kv_iter *it;
    int code = OK;
    key_unattempt_range(kv_txn_arena(txn), p, now_ms, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && count < FORGOTTEN_PER_ATTEMPT) {
        code = kv_iter_next(it, &expired[count], &value);
        count += code == OK;
    }
    kv_iter_close(it);
    if (code != OK && code != E_NOT_FOUND)
        return code;
    for (size_t i = 0; i < count; i++)
        TRY(forget_one(txn, p, expired[i], now_ms));
    return OK;
}

struct replay {
    struct slot slots[RECEIVE_MAX];
    size_t count;    // 0: it cannot be given again
    bool is_changed; // since a message was deleted, received again, or had its visibility changed
};

// Finds all slots of the attempt, each as the attempt left it and still hidden.
static int
slots_find(struct kv_txn *txn, const struct place *p, const struct sqs_attempt_record *attempt,
           int64_t now_ms, struct replay *out)
{
    const struct sqs_attempt_message_list_record *list = &attempt->messages;
    CHECK(list->count <= RECEIVE_MAX);
    bool is_over = false;
    out->count = 0;
    out->is_changed = false;
    for (size_t i = 0; i < list->count && !out->is_changed; i++) {
        const struct sqs_attempt_message_record *m = &list->items[i];
        struct slot *slot = &out->slots[i];
        struct receipt receipt = {.group = m->group};
        memcpy(receipt.sequence.bytes, m->sequence.ptr, SEQUENCE_BYTES);
        int code = slot_get(txn, p, &receipt, slot);
        if (code != OK && code != E_NOT_FOUND)
            return code;
        out->is_changed = code != OK ||
                          slot->record.receive_count.value != m->receive_count.value ||
                          slot->record.due_ms.value != m->due_ms.value;
        is_over = is_over || m->due_ms.value <= now_ms;
    }
    out->count = out->is_changed || is_over ? 0 : list->count;
    return OK;
}

static int
slot_deliver(struct kv_txn *txn, struct receive *r, struct slot *slot, int64_t now_ms)
{
    struct delivery *d = &r->deliveries[r->count];
    struct sqs_slot_record *record = &slot->record;
    *d = (struct delivery){
        .id = slot_message_id(record),
        .sequence = key_slot_sequence(slot->key),
        .receive_count = record->receive_count.value,
        .first_received_ms = record->first_received_ms.value,
    };
    TRY(stored_get(txn, &r->queue, &d->id, &d->message));
    record->received_ms = OPT_LONG(now_ms);
    record->due_ms = OPT_LONG(receive_hidden_until(r, now_ms));
    r->count++;
    return slot_set(txn, slot);
}

static int
groups_settle(struct kv_txn *txn, const struct receive *r, int64_t now_ms)
{
    for (size_t i = 0; i < r->count; i++)
        TRY(group_settle(txn, &r->queue.place, r->deliveries[i].message.group_id, now_ms));
    return OK;
}

static int
attempt_put(struct kv_txn *txn, const struct receive *r, int64_t now_ms, int64_t until_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_attempt_message_record items[RECEIVE_MAX];
    struct sqs_attempt_record attempt = {
        .until_ms = OPT_LONG(until_ms),
        .messages = {.items = items, .count = r->count},
    };
    for (size_t i = 0; i < r->count; i++) {
        const struct delivery *d = &r->deliveries[i];
        items[i] = (struct sqs_attempt_message_record){
            .group = d->message.group_id,
            .sequence = {d->sequence.bytes, SEQUENCE_BYTES},
            .receive_count = OPT_INT(d->receive_count),
            .due_ms = OPT_LONG(receive_hidden_until(r, now_ms)),
        };
    }
    return record_set(txn, &sqs_attempt_record_type, key_attempt(a, &r->queue.place, r->attempt_id),
                      &attempt);
}

int
attempt_replay(struct kv_txn *txn, struct receive *r, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    const struct place *p = &r->queue.place;
    struct sqs_attempt_record attempt;
    struct replay *replay = ARENA_NEW(a, struct replay);
    int code = record_get(txn, &sqs_attempt_record_type, key_attempt(a, p, r->attempt_id),
                          KV_SERIALIZABLE, &attempt);
    if (code != OK || attempt.until_ms.value <= now_ms)
        return code == E_NOT_FOUND ? OK : code;
    TRY(slots_find(txn, p, &attempt, now_ms, replay));
    // aws/aws-sdk-java#2613
    if (replay->is_changed)
        return fault(r->c, FAULT_INVALID_PARAMETER,
                     "Value " STR_FMT " for parameter ReceiveRequestAttemptId is invalid. Reason: "
                     "The receiveRequestAttemptId is not valid anymore since the receive call is "
                     "not retryable.",
                     STR_ARG(r->attempt_id));
    for (size_t i = 0; i < replay->count; i++)
        TRY(slot_deliver(txn, r, &replay->slots[i], now_ms));
    if (r->count == 0)
        return OK;
    TRY(groups_settle(txn, r, now_ms));
    // The five minutes are those of the first receive.
    return attempt_put(txn, r, now_ms, attempt.until_ms.value);
}

int
attempt_set(struct kv_txn *txn, struct receive *r, int64_t now_ms)
{
    int64_t until_ms = now_ms + ATTEMPT_MS;
    TRY(forget_some(txn, &r->queue.place, now_ms));
    TRY(kv_set(txn, key_unattempt(kv_txn_arena(txn), &r->queue.place, until_ms, r->attempt_id),
               STR("")));
    return attempt_put(txn, r, now_ms, until_ms);
}
