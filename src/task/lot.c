// A parking lot: queues of waiting fibers by key, in shards with a lock each.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/lot.h"

#include <pthread.h>
#include <stdlib.h>

#include "src/base/omap.h"

enum { LOT_SHARDS = 16 };

// The tickets of one key. Exists as long as there are any, woken ones included.
struct lot_queue {
    struct lot_shard *shard;
    struct str key; // the map's copy
    // Those not woken yet, in the order they came.
    struct lot_ticket *first;
    struct lot_ticket *last;
    size_t ticket_count;
};

struct lot_shard {
    pthread_mutex_t mutex;
    struct omap *queues;
};

struct lot {
    struct lot_shard shards[LOT_SHARDS];
};

// Keys that collide on purpose gain nothing: a shard is a map, not a chain.
static struct lot_shard *
shard_of(struct lot *lot, struct str key)
{
    return &lot->shards[(str_hash(key) >> 32) % LOT_SHARDS];
}

static struct lot_queue *
queue_put(struct lot_shard *shard, struct str key)
{
    struct omap_entry *entry = omap_put(shard->queues, key);
    if (!entry->value) {
        struct lot_queue *q = calloc(1, sizeof(*q));
        CHECK(q);
        q->shard = shard;
        q->key = entry->key;
        entry->value = q;
    }
    return entry->value;
}

static void
queue_add(struct lot_queue *q, struct lot_ticket *t)
{
    t->next = NULL;
    t->prev = q->last;
    if (q->last)
        q->last->next = t;
    else
        q->first = t;
    q->last = t;
}

static void
queue_del(struct lot_queue *q, struct lot_ticket *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        q->first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        q->last = t->prev;
}

static size_t
queue_wake(struct lot_queue *q, size_t n)
{
    size_t woken = 0;
    for (struct lot_ticket *t; woken < n && (t = q->first); woken++) {
        queue_del(q, t);
        // Under the lock, which the fiber needs for leaving, so that it and its ticket still exist.
        __atomic_store_n(&t->is_woken, true, __ATOMIC_RELEASE);
        fiber_wake(t->fiber);
    }
    return woken;
}

static bool
ticket_is_woken(const struct lot_ticket *t)
{
    return __atomic_load_n(&t->is_woken, __ATOMIC_ACQUIRE);
}

struct lot *
lot_new(void)
{
    struct lot *lot = calloc(1, sizeof(*lot));
    CHECK(lot);
    for (int i = 0; i < LOT_SHARDS; i++) {
        pthread_mutex_init(&lot->shards[i].mutex, NULL);
        lot->shards[i].queues = omap_new((uint64_t)i);
    }
    return lot;
}

void
lot_free(struct lot *lot)
{
    if (!lot)
        return;
    for (int i = 0; i < LOT_SHARDS; i++) {
        CHECK(omap_count(lot->shards[i].queues) == 0);
        omap_free(lot->shards[i].queues, NULL);
        pthread_mutex_destroy(&lot->shards[i].mutex);
    }
    free(lot);
}

void
lot_enter(struct lot *lot, struct str key, struct lot_ticket *ticket)
{
    *ticket = (struct lot_ticket){.lot = lot, .fiber = fiber_self()};
    CHECK(ticket->fiber);
    struct lot_shard *shard = shard_of(lot, key);
    pthread_mutex_lock(&shard->mutex);
    ticket->queue = queue_put(shard, key);
    ticket->queue->ticket_count++;
    queue_add(ticket->queue, ticket);
    pthread_mutex_unlock(&shard->mutex);
}

int
lot_wait(struct lot_ticket *ticket, int64_t deadline_ns)
{
    int code = OK;
    while (!ticket_is_woken(ticket) && code == OK)
        code = fiber_park(deadline_ns, FIBER_CANCELLABLE);
    return ticket_is_woken(ticket) ? OK : code;
}

void
lot_leave(struct lot_ticket *ticket, bool used)
{
    struct lot_queue *q = ticket->queue;
    struct lot_shard *shard = q->shard;
    pthread_mutex_lock(&shard->mutex);
    if (!ticket->is_woken)
        queue_del(q, ticket);
    else if (!used)
        (void)queue_wake(q, 1);
    if (--q->ticket_count == 0) {
        CHECK(omap_take(shard->queues, q->key) == q);
        free(q);
    }
    pthread_mutex_unlock(&shard->mutex);
    ticket->queue = NULL;
}

size_t
lot_wake(struct lot *lot, struct str key, size_t n)
{
    struct lot_shard *shard = shard_of(lot, key);
    pthread_mutex_lock(&shard->mutex);
    struct omap_entry *entry = omap_find(shard->queues, key);
    size_t woken = entry ? queue_wake(entry->value, n) : 0;
    pthread_mutex_unlock(&shard->mutex);
    return woken;
}

void
lot_wake_all(struct lot *lot)
{
    for (int i = 0; i < LOT_SHARDS; i++) {
        struct lot_shard *shard = &lot->shards[i];
        pthread_mutex_lock(&shard->mutex);
        for (struct omap_entry *e = omap_first(shard->queues); e != NULL; e = omap_next(e))
            (void)queue_wake(e->value, SIZE_MAX);
        pthread_mutex_unlock(&shard->mutex);
    }
}
