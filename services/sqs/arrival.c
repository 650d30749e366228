// Messages that a transaction moved into other queues: known to receivers after its commit.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/arrival.h"

#include "services/sqs/sqs.h"

static void
arrivals_grow(struct arrivals *as, struct arena *a)
{
    size_t size = as->size ? as->size * 2 : 8;
    as->items =
        arena_grow(a, as->items, as->size * sizeof(as->items[0]), size * sizeof(as->items[0]));
    as->size = size;
}

void
arrivals_add(struct arrivals *as, struct arena *a, const struct queue *q, int64_t due_ms,
             const struct message_id *id, struct str group_id)
{
    if (as->count == as->size)
        arrivals_grow(as, a);
    struct arrival *arrival = &as->items[as->count++];
    *arrival =
        (struct arrival){.is_fifo = q->record.is_fifo.value, .entry = due_entry(due_ms, id, 0)};
    if (str_is_present(group_id))
        arrival->entry.share = share_of(group_id);
    memcpy(arrival->generation, q->place.generation.ptr, GENERATION_BYTES);
}

static void
arrival_announce(struct sqs *s, const struct arrival *arrival)
{
    struct str generation = {arrival->generation, GENERATION_BYTES};
    if (!arrival->is_fifo) {
        struct head *h = heads_ref(s->heads, generation);
        head_add(h, &arrival->entry);
        head_unref(s->heads, h);
    }
    lot_wake(s->receivers, generation, 1);
}

void
arrivals_announce(struct sqs *s, const struct arrivals *as)
{
    for (size_t i = 0; i < as->count; i++)
        arrival_announce(s, &as->items[i]);
}
