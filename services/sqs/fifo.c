// FIFO queues: groups of messages, each read in its order and by one receiver at a time.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fifo.h"

#include "services/sqs/counts.h"
#include "services/sqs/sqs.h"

enum { UNSEE_PER_SEND = 4 };

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

// Deduplication ids count per queue, or per group in high-throughput mode.
static struct str
scope_of(const struct queue *q, const struct sqs_message_record *m)
{
    return q->record.deduplicates_per_group.value ? m->group_id : STR("");
}

static int
unsee_one(struct kv_txn *txn, const struct place *p, struct str unsee, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_duplicate_record seen;
    struct str scope, dedup_id;
    TRY(key_unsee_parse(a, unsee, &scope, &dedup_id));
    TRY(kv_del(txn, unsee));
    struct str key = key_seen(a, p, scope, dedup_id);
    int code = record_get(txn, &sqs_duplicate_record_type, key, KV_SERIALIZABLE, &seen);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    // The id may have been used again since.
    return seen.expires_ms.value <= now_ms ? kv_del(txn, key) : OK;
}

// Forgets a few of the deduplication ids whose time is over: each send makes one and removes more.
static int
unsee_some(struct kv_txn *txn, const struct place *p, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = UNSEE_PER_SEND, .read = KV_SNAPSHOT};
    struct str expired[UNSEE_PER_SEND], value;
    size_t count = 0;
    key_unsee_range(a, p, now_ms, &range.from, &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    int code = OK;
    while (code == OK && count < UNSEE_PER_SEND) {
        code = kv_iter_next(it, &expired[count], &value);
        count += code == OK;
    }
    kv_iter_close(it);
    if (code != OK && code != E_NOT_FOUND)
        return code;
    for (size_t i = 0; i < count; i++)
        TRY(unsee_one(txn, p, expired[i], now_ms));
    return OK;
}

static int
seen_get(struct kv_txn *txn, struct str key, int64_t now_ms, struct message_id *id,
         bool *is_duplicate, struct sequence *original)
{
    struct sqs_duplicate_record seen;
    int code = record_get(txn, &sqs_duplicate_record_type, key, KV_SERIALIZABLE, &seen);
    *is_duplicate = code == OK && seen.expires_ms.value > now_ms;
    if (*is_duplicate) {
        memcpy(id->bytes, seen.message_id.ptr, MESSAGE_ID_BYTES);
        memcpy(original->bytes, seen.sequence.ptr, SEQUENCE_BYTES);
    }
    return code == E_NOT_FOUND ? OK : code;
}

static int
seen_set(struct kv_txn *txn, const struct queue *q, struct str key, const struct message_id *id,
         const struct sqs_message_record *m, const struct sequence *sequence)
{
    struct arena *a = kv_txn_arena(txn);
    int64_t expires_ms = m->sent_ms.value + DEDUPLICATION_MS;
    struct sqs_duplicate_record seen = {
        .message_id = {id->bytes, MESSAGE_ID_BYTES},
        .expires_ms = OPT_LONG(expires_ms),
        .sequence = {sequence->bytes, SEQUENCE_BYTES},
    };
    struct buf value;
    buf_init(&value, a, 64);
    record_encode(&sqs_duplicate_record_type, &seen, &value);
    // The sequence is the last field, so its bytes are the last of the value.
    TRY(kv_set_stamped(txn, key, KV_NO_STAMP, buf_str(&value), value.len - SEQUENCE_BYTES));
    return kv_set(txn, key_unsee(a, &q->place, expires_ms, scope_of(q, m), m->deduplication_id),
                  STR(""));
}

static int
slot_put(struct kv_txn *txn, const struct place *p, const struct message_id *id, struct str group,
         int64_t due_ms, const struct sequence *sequence)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_slot_record slot = {
        .message_id = {id->bytes, MESSAGE_ID_BYTES},
        .due_ms = OPT_LONG(due_ms),
        .receive_count = OPT_INT(0),
    };
    struct buf value;
    buf_init(&value, a, 64);
    record_encode(&sqs_slot_record_type, &slot, &value);
    struct str key = key_slot(a, p, group, sequence);
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
static int
group_ensure(struct kv_txn *txn, const struct place *p, struct str group, int64_t due_ms)
{
    struct sqs_group_record record;
    int code = record_get(txn, &sqs_group_record_type, key_group(kv_txn_arena(txn), p, group),
                          KV_SERIALIZABLE, &record);
    return code == E_NOT_FOUND ? group_set(txn, p, group, due_ms) : code;
}

int
fifo_put(struct kv_txn *txn, const struct queue *q, struct message_id *id,
         const struct sqs_message_record *message, int64_t due_ms, uint16_t index,
         bool *is_duplicate, struct sequence *original)
{
    struct arena *a = kv_txn_arena(txn);
    const struct place *p = &q->place;
    int64_t now_ms = message->sent_ms.value;
    struct str seen = key_seen(a, p, scope_of(q, message), message->deduplication_id);
    TRY(unsee_some(txn, p, now_ms));
    TRY(seen_get(txn, seen, now_ms, id, is_duplicate, original));
    if (*is_duplicate)
        return OK;
    struct sequence sequence = sequence_of(&(struct kv_stamp){{0}}, index);
    TRY(seen_set(txn, q, seen, id, message, &sequence));
    TRY(record_set(txn, &sqs_message_record_type, key_body(a, p, id), message));
    TRY(slot_put(txn, p, id, message->group_id, due_ms, &sequence));
    TRY(group_ensure(txn, p, message->group_id, due_ms));
    return counts_add(txn, p, 1);
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

// Moves the group to its new place among those that may be read, after its slots have changed.
static int
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

static int
slot_remove(struct kv_txn *txn, const struct place *p, struct str slot_key,
            const struct message_id *id)
{
    TRY(kv_del(txn, slot_key));
    TRY(kv_del(txn, key_body(kv_txn_arena(txn), p, id)));
    return counts_add(txn, p, -1);
}

static struct message_id
slot_message_id(const struct sqs_slot_record *slot)
{
    struct message_id id;
    CHECK(slot->message_id.len == MESSAGE_ID_BYTES);
    memcpy(id.bytes, slot->message_id.ptr, MESSAGE_ID_BYTES);
    return id;
}

struct slot {
    struct str key;
    struct sqs_slot_record record;
};

// Delivers the message of the slot, or removes it when the queue has kept it for too long.
static int
slot_take(struct kv_txn *txn, struct receive *r, struct slot *slot, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct delivery *d = &r->deliveries[r->count];
    struct sqs_slot_record *record = &slot->record;
    *d = (struct delivery){.id = slot_message_id(record), .sequence = key_slot_sequence(slot->key)};
    TRY(record_get(txn, &sqs_message_record_type, key_body(a, &r->queue.place, &d->id), KV_SNAPSHOT,
                   &d->message));
    if (message_is_expired(&r->queue, &d->message, now_ms))
        return slot_remove(txn, &r->queue.place, slot->key, &d->id);
    record->receive_count.value++;
    if (!record->first_received_ms.is_present)
        record->first_received_ms = OPT_LONG(now_ms);
    record->received_ms = OPT_LONG(now_ms);
    record->due_ms = OPT_LONG(receive_hidden_until(r, now_ms));
    d->receive_count = record->receive_count.value;
    d->first_received_ms = record->first_received_ms.value;
    r->count++;
    return record_set(txn, &sqs_slot_record_type, slot->key, record);
}

// The first slots of the group that are due, at most `max`.
static int
slots_read(struct kv_txn *txn, const struct place *p, struct str group, int64_t now_ms,
           struct slot *out, size_t max, size_t *count)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = max};
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

static int
group_take(struct kv_txn *txn, struct receive *r, struct str group, int64_t now_ms)
{
    struct slot slots[RECEIVE_MAX];
    size_t count;
    const struct place *p = &r->queue.place;
    TRY(slots_read(txn, p, group, now_ms, slots, r->wanted - r->count, &count));
    for (size_t i = 0; i < count; i++)
        TRY(slot_take(txn, r, &slots[i], now_ms));
    return group_settle(txn, p, group, now_ms);
}

struct groups {
    struct str names[RECEIVE_MAX];
    size_t count;
};

// The groups that may be read now, longest waiting first; a hint, since each is read again.
static int
groups_read(struct kv_txn *txn, struct receive *r, int64_t now_ms, struct groups *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = RECEIVE_MAX + 1, .read = KV_SNAPSHOT};
    key_ready_range(a, &r->queue.place, &range.from, &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    struct str key, value;
    int code = OK;
    out->count = 0;
    r->next_due_ms = INT64_MAX;
    while (code == OK && out->count < RECEIVE_MAX) {
        int64_t due_ms;
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = key_ready_parse(a, key, &due_ms, &out->names[out->count]);
        if (code == OK && due_ms > now_ms) {
            r->next_due_ms = due_ms;
            break;
        }
        out->count += code == OK;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
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
    r->count = 0;
    TRY(queue_get(r->c, txn, r->url, &r->queue));
    int64_t now_ms = call_now_ms(r->c);
    TRY(groups_read(txn, r, now_ms, &t->groups));
    for (size_t i = 0; i < t->groups.count && r->count < r->wanted; i++)
        TRY(group_take(txn, r, t->groups.names[i], now_ms));
    return OK;
}

int
fifo_receive(struct receive *r)
{
    struct heads *heads = sqs_of(r->c)->heads;
    struct head *h = heads_ref(heads, r->queue.place.generation);
    struct take t = {.r = r};
    // Two receivers would choose the same groups, and one would have to do it all again.
    int code = head_turn_begin(h);
    if (code == OK) {
        do {
            code = kv_run(r->c->kv, r->c->arena, take_body, &t);
        } while (code == OK && r->count == 0 && t.groups.count > 0);
        head_turn_end(h);
    }
    head_unref(heads, h);
    return code;
}

static int
slot_get(struct kv_txn *txn, const struct queue *q, const struct receipt *receipt, struct slot *out)
{
    out->key = key_slot(kv_txn_arena(txn), &q->place, receipt->group, &receipt->sequence);
    return record_get(txn, &sqs_slot_record_type, out->key, KV_SERIALIZABLE, &out->record);
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
    int code = slot_get(txn, q, receipt, &slot);
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
    TRY(slot_get(txn, q, receipt, &slot));
    if (!is_in_flight_by(&slot, receipt, now_ms))
        return E_NOT_FOUND;
    if (due_ms > slot.record.received_ms.value + VISIBILITY_S_MAX * 1000LL)
        return E_LIMIT;
    slot.record.due_ms = OPT_LONG(due_ms);
    TRY(record_set(txn, &sqs_slot_record_type, slot.key, &slot.record));
    return group_settle(txn, &q->place, receipt->group, now_ms);
}
