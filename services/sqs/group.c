// The groups of a FIFO queue: rows of slots, and the order in which the groups may be read.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/group.h"

#include "services/sqs/stored.h"

struct sequence
sequence_of(const struct kv_stamp *stamp, uint16_t index)
{
    struct sequence s;
    memcpy(s.bytes, stamp->bytes, KV_STAMP_BYTES);
    s.bytes[KV_STAMP_BYTES] = (char)(index >> 8);
    s.bytes[KV_STAMP_BYTES + 1] = (char)index;
    return s;
}

struct str
sequence_print(struct arena *a, const struct sequence *s)
{
    // The upper two bytes of a stamp stay zero for longer than any disk lives.
    uint64_t number = 0;
    for (size_t i = 2; i < SEQUENCE_BYTES; i++)
        number = number << 8 | (unsigned char)s->bytes[i];
    return arena_print(a, "%020llu", (unsigned long long)number);
}

int
slot_put(struct kv_txn *txn, const struct place *p, const struct message_id *id,
         const struct sqs_message_record *m, int64_t due_ms, const struct sequence *sequence,
         const struct history *history)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_slot_record slot = {
        .message_id = {id->bytes, MESSAGE_ID_BYTES},
        .due_ms = OPT_LONG(due_ms),
        .receive_count = OPT_INT(0),
        .sent_ms = m->sent_ms,
    };
    if (history) {
        slot.receive_count = slot.receives_before = OPT_INT(history->receive_count);
        slot.first_received_ms = OPT_LONG(history->first_received_ms);
    }
    struct buf value;
    buf_init(&value, a, 64);
    record_encode(&sqs_slot_record_type, &slot, &value);
    struct str key = key_slot(a, p, m->group_id, sequence);
    return kv_set_stamped(txn, key, key.len - SEQUENCE_BYTES, buf_str(&value), KV_NO_STAMP);
}

static int
group_set(struct kv_txn *txn, const struct place *p, struct str group, int64_t due_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_group_record record = {.due_ms = OPT_LONG(due_ms)};
    TRY(kv_set(txn, key_ready(a, p, due_ms, group), STR("")));
    return record_set(txn, &sqs_group_record_type, key_group(a, p, group), &record);
}

// Reading the group makes its removal, by whoever deletes its last message, a conflict.
int
group_ensure(struct kv_txn *txn, const struct place *p, struct str group, int64_t due_ms)
{
    struct sqs_group_record record;
    int code = record_get(txn, &sqs_group_record_type, key_group(kv_txn_arena(txn), p, group),
                          KV_SERIALIZABLE, &record);
    return code == E_NOT_FOUND ? group_set(txn, p, group, due_ms) : code;
}

int
slot_remove(struct kv_txn *txn, const struct place *p, struct str slot_key,
            const struct message_id *id)
{
    TRY(kv_del(txn, slot_key));
    return stored_del(txn, p, id);
}

struct message_id
slot_message_id(const struct sqs_slot_record *slot)
{
    struct message_id id;
    CHECK(slot->message_id.len == MESSAGE_ID_BYTES);
    memcpy(id.bytes, slot->message_id.ptr, MESSAGE_ID_BYTES);
    return id;
}

int
slot_get(struct kv_txn *txn, const struct place *p, const struct receipt *receipt, struct slot *out)
{
    out->key = key_slot(kv_txn_arena(txn), p, receipt->group, &receipt->sequence);
    return record_get(txn, &sqs_slot_record_type, out->key, KV_SERIALIZABLE, &out->record);
}

int
slot_set(struct kv_txn *txn, const struct slot *slot)
{
    return record_set(txn, &sqs_slot_record_type, slot->key, &slot->record);
}

int
slots_read(struct kv_txn *txn, const struct place *p, struct str group, int64_t now_ms,
           enum kv_read read, struct slot *out, size_t max, size_t *count)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = max, .read = read};
    key_slot_range(a, p, group, &range.from, &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    int code = OK;
    *count = 0;
    while (code == OK && *count < max) {
        struct slot *slot = &out[*count];
        struct str value;
        code = kv_iter_next(it, &slot->key, &value);
        if (code == OK)
            code = record_decode(&sqs_slot_record_type, value, a, &slot->record);
        if (code == OK && slot->record.due_ms.value > now_ms)
            break;
        *count += code == OK;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

// When the group may be read again: when all of its messages in flight are deleted or visible
// again, or when its first one is due. At most RECEIVE_MAX messages of a group are ever in flight,
// and they are its first ones. E_NOT_FOUND: the group is empty.
static int
group_due(struct kv_txn *txn, const struct place *p, struct str group, int64_t now_ms,
          int64_t *due_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = RECEIVE_MAX};
    key_slot_range(a, p, group, &range.from, &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    struct str key, value;
    size_t count = 0;
    int code;
    while ((code = kv_iter_next(it, &key, &value)) == OK) {
        struct sqs_slot_record slot;
        code = record_decode(&sqs_slot_record_type, value, a, &slot);
        if (code != OK)
            break;
        bool is_in_flight = slot.receive_count.value > 0 && slot.due_ms.value > now_ms;
        if (count++ == 0 || (is_in_flight && slot.due_ms.value > *due_ms))
            *due_ms = slot.due_ms.value;
    }
    kv_iter_close(it);
    if (code != E_NOT_FOUND)
        return code;
    return count > 0 ? OK : E_NOT_FOUND;
}

int
group_settle(struct kv_txn *txn, const struct place *p, struct str group, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_group_record before;
    int64_t due_ms = 0;
    TRY(record_get(txn, &sqs_group_record_type, key_group(a, p, group), KV_SERIALIZABLE, &before));
    int code = group_due(txn, p, group, now_ms, &due_ms);
    if (code == OK && due_ms == before.due_ms.value)
        return OK;
    TRY(kv_del(txn, key_ready(a, p, before.due_ms.value, group)));
    if (code == OK)
        return group_set(txn, p, group, due_ms);
    return code == E_NOT_FOUND ? kv_del(txn, key_group(a, p, group)) : code;
}

int
groups_read(struct kv_txn *txn, const struct place *p, int64_t now_ms, struct groups *out,
            int64_t *next_due_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = RECEIVE_MAX + 1, .read = KV_SNAPSHOT};
    key_ready_range(a, p, &range.from, &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    struct str key, value;
    int code = OK;
    out->count = 0;
    *next_due_ms = INT64_MAX;
    while (code == OK && out->count < RECEIVE_MAX) {
        int64_t due_ms;
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = key_ready_parse(a, key, &due_ms, &out->names[out->count]);
        if (code == OK && due_ms > now_ms) {
            *next_due_ms = due_ms;
            break;
        }
        out->count += code == OK;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}
