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
    struct due_state *state = head_lock(h);
    state->are_flights_known = true;
    state->flights_most = s.most;
    state->flights_counted_ms = is_exact ? call_now_ms(r->c) : 0;
    head_unlock(h);
    return OK;
}

static bool
is_count_known(struct head *h)
{
    const struct due_state *state = head_lock(h);
    bool is_known = state->are_flights_known;
    head_unlock(h);
    return is_known;
}

static bool
is_count_old(struct receive *r, struct head *h)
{
    const struct due_state *state = head_lock(h);
    int64_t age_ms = call_now_ms(r->c) - state->flights_counted_ms;
    head_unlock(h);
    return age_ms < 0 || age_ms > FLIGHTS_COUNT_MS; // the clock may be moved back
}

// Raises the bound by up to n, while it stays below max, and gives how much.
static size_t
reserve(struct head *h, size_t n, int64_t max)
{
    struct due_state *state = head_lock(h);
    int64_t room = max - state->flights_most;
    if ((int64_t)n > room)
        n = room > 0 ? (size_t)room : 0;
    state->flights_most += (int64_t)n;
    head_unlock(h);
    return n;
}

static void
give_back(struct head *h, size_t n)
{
    struct due_state *state = head_lock(h);
    state->flights_most -= (int64_t)n;
    head_unlock(h);
}

int
flights_begin(struct receive *r, struct head *h)
{
    int64_t max = sqs_of(r->c)->flights_max;
    size_t wanted = r->wanted;
    r->is_full = false;
    if (!is_count_known(h))
        TRY(count(r, h, false));
    r->wanted = reserve(h, wanted, max);
    if (r->wanted < wanted && is_count_old(r, h)) {
        give_back(h, r->wanted);
        r->wanted = 0;
        TRY(count(r, h, true));
        r->wanted = reserve(h, wanted, max);
    }
    r->is_full = r->wanted == 0;
    return OK;
}

void
flights_end(struct receive *r, struct head *h, size_t wanted)
{
    give_back(h, r->wanted - r->count);
    r->wanted = wanted;
}
