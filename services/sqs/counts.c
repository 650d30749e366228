// How many messages a queue holds, by state.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/counts.h"

#include "services/sqs/entries.h"
#include "services/sqs/group.h"

enum { GROUP_PAGE = 100 };

struct hidden {
    int64_t now_ms;
    struct counts *out;
};

// The range begins after now_ms: all of them are hidden.
static int
delivery_count(void *arg, struct arena *a, struct str key, struct str value)
{
    struct hidden *h = arg;
    struct sqs_delivery_record delivery;
    TRY(record_decode(&sqs_delivery_record_type, value, a, &delivery));
    bool is_received = delivery.receive_count.value > 0;
    h->out->in_flight += is_received;
    h->out->delayed += !is_received;
    return OK;
}

static int
slot_count(void *arg, struct arena *a, struct str key, struct str value)
{
    struct hidden *h = arg;
    struct sqs_slot_record slot;
    TRY(record_decode(&sqs_slot_record_type, value, a, &slot));
    bool is_hidden = slot.due_ms.value > h->now_ms;
    bool is_received = slot.receive_count.value > 0;
    h->out->in_flight += is_hidden && is_received;
    h->out->delayed += is_hidden && !is_received;
    return OK;
}

int
counts_get(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct counts *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct hidden h = {.now_ms = now_ms, .out = out};
    bool is_fifo = q->record.is_fifo.value;
    struct str from, to, total;
    *out = (struct counts){0};
    if (is_fifo)
        key_slots_range(a, &q->place, &from, &to);
    else
        key_due_range(a, &q->place, now_ms + 1, NULL, &from, &to);
    TRY(entries_each(txn, from, to, SIZE_MAX, is_fifo ? slot_count : delivery_count, &h));
    TRY(kv_get(txn, key_count(a, &q->place), KV_SNAPSHOT, &total));
    out->visible = kv_counter(total) - out->in_flight - out->delayed;
    return OK;
}

struct flight_scan {
    const struct place *place;
    struct kv_range range; // of groups that may not be read
    char *last_key;        // room for KV_KEY_BYTES_MAX
    int64_t now_ms;
    int64_t in_flight;
    int64_t groups; // with any
};

// Only the first slots of such a group can be in flight.
static int
group_count(struct kv_txn *txn, struct flight_scan *s, struct str group)
{
    struct slot slots[RECEIVE_MAX];
    size_t count;
    TRY(slots_read(txn, s->place, group, INT64_MAX, KV_SNAPSHOT, slots, RECEIVE_MAX, &count));
    int64_t before = s->in_flight;
    for (size_t i = 0; i < count; i++)
        s->in_flight +=
            slots[i].record.receive_count.value > 0 && slots[i].record.due_ms.value > s->now_ms;
    s->groups += s->in_flight > before;
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

int
counts_fifo_in_flight(struct kv_txn *txn, const struct queue *q, int64_t now_ms, int64_t *messages,
                      int64_t *groups)
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
    *messages = s.in_flight;
    *groups = s.groups;
    return code == E_NOT_FOUND ? OK : code;
}

int
counts_in_flight(struct kv_txn *txn, const struct queue *q, int64_t now_ms, int64_t *out)
{
    struct counts counts;
    int64_t groups;
    if (q->record.is_fifo.value)
        return counts_fifo_in_flight(txn, q, now_ms, out, &groups);
    TRY(counts_get(txn, q, now_ms, &counts));
    *out = counts.in_flight;
    return OK;
}
