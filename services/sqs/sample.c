// What a queue looks like at one moment, for CloudWatch.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/sample.h"

#include "services/sqs/entries.h"
#include "services/sqs/group.h"

struct tally {
    int64_t now_ms;
    const struct shares *shares; // NULL: all groups are quiet
    struct counts noisy;
    struct sample *out;
};

static void
make_earlier(int64_t *at, int64_t ms)
{
    if (ms < *at)
        *at = ms;
}

// When the message came into this queue.
static int64_t
arrival_ms(const struct sqs_delivery_record *d, int64_t due_ms)
{
    if (d->arrived_ms.is_present)
        return d->arrived_ms.value;
    return d->sent_ms.is_present ? d->sent_ms.value : due_ms;
}

static int
entry_tally(void *arg, struct arena *a, struct str key, struct str value)
{
    struct tally *t = arg;
    struct sqs_delivery_record d;
    struct message_id id;
    int64_t due_ms;
    TRY(key_due_parse(a, key, &due_ms, &id));
    TRY(record_decode(&sqs_delivery_record_type, value, a, &d));
    bool is_visible = due_ms <= t->now_ms, is_received = d.receive_count.value > 0;
    bool is_noisy = t->shares && d.share.is_present && shares_is_noisy(t->shares, d.share.value);
    struct counts one = {is_visible, !is_visible && is_received, !is_visible && !is_received};
    if (is_noisy) {
        t->noisy.visible += one.visible;
        t->noisy.in_flight += one.in_flight;
        t->noisy.delayed += one.delayed;
    }
    t->out->all.visible += one.visible;
    t->out->all.in_flight += one.in_flight;
    t->out->all.delayed += one.delayed;
    if (d.receive_count.value - d.receives_before.value >= SAMPLE_POISON_RECEIVES)
        return OK;
    make_earlier(&t->out->oldest_ms, arrival_ms(&d, due_ms));
    if (!is_noisy)
        make_earlier(&t->out->quiet_oldest_ms, arrival_ms(&d, due_ms));
    return OK;
}

// From the first visible ones, as if the rest of them were alike.
static void
quiet_estimate(struct tally *t, int64_t visible)
{
    struct sample *out = t->out;
    int64_t seen = out->all.visible;
    out->quiet = (struct counts){
        .visible = visible,
        .in_flight = out->all.in_flight - t->noisy.in_flight,
        .delayed = out->all.delayed - t->noisy.delayed,
    };
    if (seen > 0)
        out->quiet.visible = visible * (seen - t->noisy.visible) / seen;
}

static int
standard_take(struct kv_txn *txn, const struct queue *q, int64_t total, struct tally *t)
{
    struct arena *a = kv_txn_arena(txn);
    struct sample *out = t->out;
    struct str from, middle, to;
    key_due_range(a, &q->place, INT64_MIN, NULL, &from, &to);
    key_due_range(a, &q->place, t->now_ms + 1, NULL, &middle, &to);
    TRY(entries_each(txn, from, middle, SAMPLE_VISIBLE_MAX, entry_tally, t));
    TRY(entries_each(txn, middle, to, SIZE_MAX, entry_tally, t));
    int64_t visible = total - out->all.in_flight - out->all.delayed;
    out->has_groups = t->shares != NULL;
    if (!out->has_groups)
        out->quiet_oldest_ms = INT64_MAX;
    else
        quiet_estimate(t, visible);
    out->all.visible = visible;
    return OK;
}

static int
fifo_oldest(struct kv_txn *txn, const struct queue *q, int64_t *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = SAMPLE_GROUPS_MAX, .read = KV_SNAPSHOT};
    struct str *groups = ARENA_ARRAY(a, SAMPLE_GROUPS_MAX, struct str);
    struct kv_iter *it;
    struct str key, value;
    size_t count = 0, found;
    int64_t due_ms;
    int code = OK;
    key_ready_range(a, &q->place, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && count < SAMPLE_GROUPS_MAX) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = key_ready_parse(a, key, &due_ms, &groups[count]);
        count += code == OK;
    }
    kv_iter_close(it);
    for (size_t i = 0; i < count; i++) {
        struct slot slot;
        TRY(slots_read(txn, &q->place, groups[i], INT64_MAX, KV_SNAPSHOT, &slot, 1, &found));
        if (found > 0)
            make_earlier(out, slot.record.sent_ms.value);
    }
    return code == E_NOT_FOUND ? OK : code;
}

static int
fifo_take(struct kv_txn *txn, const struct queue *q, int64_t now_ms, int64_t total,
          struct sample *out)
{
    struct counts *all = &out->all;
    TRY(counts_fifo_in_flight(txn, q, now_ms, &all->in_flight, &out->groups_in_flight));
    all->visible = total - all->in_flight;
    if (total <= SAMPLE_FIFO_COUNT_MAX)
        TRY(counts_get(txn, q, now_ms, all));
    return fifo_oldest(txn, q, &out->oldest_ms);
}

int
sample_take(struct kv_txn *txn, const struct queue *q, int64_t now_ms, const struct shares *shares,
            struct sample *out)
{
    struct tally t = {.now_ms = now_ms, .shares = shares, .out = out};
    struct str value;
    *out = (struct sample){.is_fifo = q->record.is_fifo.value,
                           .oldest_ms = INT64_MAX,
                           .quiet_oldest_ms = INT64_MAX,
                           .has_groups = shares != NULL,
                           .noisy_groups = shares ? shares_noisy(shares) : 0};
    TRY(kv_get(txn, key_count(kv_txn_arena(txn), &q->place), KV_SNAPSHOT, &value));
    int64_t total = kv_counter(value);
    if (total == 0)
        return OK;
    return out->is_fifo ? fifo_take(txn, q, now_ms, total, out) : standard_take(txn, q, total, &t);
}
