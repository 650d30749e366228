// How many messages a queue holds, by state.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/counts.h"

#include "services/sqs/group.h"

enum { COUNT_PAGE = 1000, GROUP_PAGE = 100 };

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

struct scan {
    struct kv_range range;
    entry_fn *entry;
    int64_t now_ms;
    char *last_key; // room for KV_KEY_BYTES_MAX
    struct counts *out;
};

// Counts one page and moves the range behind it. E_NOT_FOUND: it was the last.
static int
page_count(struct kv_txn *txn, struct scan *s)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_iter *it;
    struct str key, value;
    int code = OK;
    TRY(kv_range_open(txn, &s->range, &it));
    for (size_t i = 0; code == OK && i < s->range.limit; i++) {
        bool is_hidden = false, is_received = false;
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = s->entry(a, value, s->now_ms, &is_hidden, &is_received);
        s->out->in_flight += is_hidden && is_received;
        s->out->delayed += is_hidden && !is_received;
    }
    kv_iter_close(it);
    if (code == OK) {
        memcpy(s->last_key, key.ptr, key.len);
        s->last_key[key.len] = 0; // the first key after this one
        s->range.from = (struct str){s->last_key, key.len + 1};
    }
    return code;
}

// In pages, so that any number of messages is counted in bounded memory.
static int
hidden_count(struct kv_txn *txn, struct scan *s)
{
    struct arena *a = kv_txn_arena(txn);
    int code = OK;
    s->last_key = arena_alloc_bytes(a, KV_KEY_BYTES_MAX + 1);
    s->range.limit = COUNT_PAGE;
    s->range.read = KV_SNAPSHOT;
    while (code == OK) {
        struct arena_mark mark = arena_mark(a);
        code = page_count(txn, s);
        arena_rewind(a, mark);
    }
    return code == E_NOT_FOUND ? OK : code;
}

int
counts_get(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct counts *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct scan s = {.now_ms = now_ms, .out = out};
    bool is_fifo = q->record.is_fifo.value;
    struct str total;
    *out = (struct counts){0};
    if (is_fifo)
        key_slots_range(a, &q->place, &s.range.from, &s.range.to);
    else
        key_due_range(a, &q->place, now_ms + 1, NULL, &s.range.from, &s.range.to);
    s.entry = is_fifo ? slot_entry : delivery_entry;
    TRY(hidden_count(txn, &s));
    TRY(kv_get(txn, key_count(a, &q->place), KV_SNAPSHOT, &total));
    out->visible = kv_counter(total) - out->in_flight - out->delayed;
    return OK;
}

int
counts_add(struct kv_txn *txn, const struct place *p, int64_t delta)
{
    return kv_add(txn, key_count(kv_txn_arena(txn), p), delta);
}

struct flight_scan {
    const struct place *place;
    struct kv_range range; // of groups that may not be read
    char *last_key;        // room for KV_KEY_BYTES_MAX
    int64_t now_ms;
    int64_t in_flight;
};

// Only the first slots of such a group can be in flight.
static int
group_count(struct kv_txn *txn, struct flight_scan *s, struct str group)
{
    struct slot slots[RECEIVE_MAX];
    size_t count;
    TRY(slots_read(txn, s->place, group, INT64_MAX, slots, RECEIVE_MAX, &count));
    for (size_t i = 0; i < count; i++)
        s->in_flight +=
            slots[i].record.receive_count.value > 0 && slots[i].record.due_ms.value > s->now_ms;
    return OK;
}

// Counts one page and moves the range behind it. E_NOT_FOUND: it was the last.
static int
groups_page_count(struct kv_txn *txn, struct flight_scan *s)
{
    struct arena *a = kv_txn_arena(txn);
    struct str names[GROUP_PAGE], key = {0}, value;
    size_t count = 0;
    int64_t due_ms;
    struct kv_iter *it;
    int code = OK;
    TRY(kv_range_open(txn, &s->range, &it));
    while (code == OK && count < GROUP_PAGE) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = key_ready_parse(a, key, &due_ms, &names[count]);
        count += code == OK;
    }
    kv_iter_close(it);
    for (size_t i = 0; i < count; i++)
        TRY(group_count(txn, s, names[i]));
    if (code == OK) {
        memcpy(s->last_key, key.ptr, key.len);
        s->last_key[key.len] = 0; // the first key after this one
        s->range.from = (struct str){s->last_key, key.len + 1};
    }
    return code;
}

static int
fifo_in_flight(struct kv_txn *txn, const struct queue *q, int64_t now_ms, int64_t *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct flight_scan s = {.place = &q->place, .now_ms = now_ms};
    int code = OK;
    s.last_key = arena_alloc_bytes(a, KV_KEY_BYTES_MAX + 1);
    s.range.limit = GROUP_PAGE;
    s.range.read = KV_SNAPSHOT;
    key_ready_range(a, &q->place, &s.range.from, &s.range.to);
    s.range.from = key_ready(a, &q->place, now_ms + 1, STR(""));
    while (code == OK) {
        struct arena_mark mark = arena_mark(a);
        code = groups_page_count(txn, &s);
        arena_rewind(a, mark);
    }
    *out = s.in_flight;
    return code == E_NOT_FOUND ? OK : code;
}

int
counts_in_flight(struct kv_txn *txn, const struct queue *q, int64_t now_ms, int64_t *out)
{
    struct counts counts;
    if (q->record.is_fifo.value)
        return fifo_in_flight(txn, q, now_ms, out);
    TRY(counts_get(txn, q, now_ms, &counts));
    *out = counts.in_flight;
    return OK;
}
