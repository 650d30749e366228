// How many messages of a queue may be in flight: received, and not yet deleted or visible again.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/flights.h"

#include "services/sqs/counts.h"
#include "services/sqs/sqs.h"

struct counting {
    struct receive *r;
    bool is_exact;
    int64_t most;
};

// The first time all messages of the queue are bound enough.
static int
count_body(struct kv_txn *txn, void *arg)
{
    struct counting *s = arg;
    const struct queue *q = &s->r->queue;
    struct str total;
    if (s->is_exact)
        return counts_in_flight(txn, q, call_now_ms(s->r->c), &s->most);
    TRY(kv_get(txn, key_count(kv_txn_arena(txn), &q->place), KV_SNAPSHOT, &total));
    s->most = kv_counter(total);
    return OK;
}

static int
count(struct receive *r, struct head *h, bool is_exact)
{
    struct counting s = {.r = r, .is_exact = is_exact};
    TRY(kv_run(r->c->kv, r->c->arena, count_body, &s));
    head_flights_set(h, s.most, is_exact ? call_now_ms(r->c) : 0);
    return OK;
}

static bool
is_count_old(struct receive *r, struct head *h)
{
    int64_t age_ms = call_now_ms(r->c) - head_flights_counted_ms(h);
    return age_ms < 0 || age_ms > FLIGHTS_COUNT_MS; // the clock may be moved back
}

int
flights_begin(struct receive *r, struct head *h)
{
    int64_t max = sqs_of(r->c)->flights_max;
    size_t wanted = r->wanted;
    r->is_full = false;
    if (!head_flights_are_known(h))
        TRY(count(r, h, false));
    r->wanted = head_flights_reserve(h, wanted, max);
    if (r->wanted < wanted && is_count_old(r, h)) {
        head_flights_return(h, r->wanted);
        r->wanted = 0;
        TRY(count(r, h, true));
        r->wanted = head_flights_reserve(h, wanted, max);
    }
    r->is_full = r->wanted == 0;
    return OK;
}

void
flights_end(struct receive *r, struct head *h, size_t wanted)
{
    head_flights_return(h, r->wanted - r->count);
    r->wanted = wanted;
}
