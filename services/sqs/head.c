// The head of a standard queue in memory: which messages are due, and who may take them.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/head.h"

#include <pthread.h>
#include <stdlib.h>

#include "services/sqs/ring.h"
#include "src/base/omap.h"

struct head {
    char generation[GENERATION_BYTES];
    unsigned refs; // under the map's lock
    bool is_turn_taken;
    struct lot *turns; // the map's
    pthread_mutex_t lock;
    struct head_entry mark;        // sweeps have come so far
    struct head_entry mark_before; // the mark when the sweep under way began
    int64_t looked_back_ms;        // 0: never
    int64_t next_due_ms;           // 0: not known
    bool are_flights_known;
    int64_t flights_most;
    int64_t flights_counted_ms;
    struct ring ready;
    struct ring noisy;
    bool has_more_noisy; // than is in the ring: after more_noisy
    struct head_entry more_noisy;
    struct shares *shares; // NULL: no message had a group
};

struct heads {
    pthread_mutex_t lock;
    struct omap *by_generation;
    struct lot *turns;
};

// Callers read the clock at different moments; a mark further ahead than this means that the
// service clock was moved back.
enum { HEAD_CLOCK_SLACK_MS = 1000 };

static const struct message_id id_last = {
    {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}};

static int
entry_cmp(const struct head_entry *a, const struct head_entry *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms ? -1 : 1;
    return memcmp(a->id.bytes, b->id.bytes, MESSAGE_ID_BYTES);
}

static void
head_free(void *head)
{
    struct head *h = head;
    pthread_mutex_destroy(&h->lock);
    free(h->ready.entries);
    free(h->noisy.entries);
    free(h->shares);
    free(h);
}

static void
head_drop(struct head *h)
{
    if (--h->refs == 0)
        head_free(h);
}

// Forgetting is safe, since another sweep from the start finds everything again.
static void
head_restart(struct head *h)
{
    h->ready.count = h->noisy.count = 0;
    h->has_more_noisy = false;
    h->mark = (struct head_entry){0};
    h->next_due_ms = 0;
}

static bool
is_noisy(const struct head *h, const struct head_entry *e)
{
    return e->share != 0 && h->shares && shares_is_noisy(h->shares, e->share);
}

// What does not fit is looked for again, from before it.
static void
noisy_push(struct head *h, const struct head_entry *e)
{
    struct head_entry before = {e->due_ms - 1, id_last, 0};
    if (ring_push(&h->noisy, e))
        return;
    if (!h->has_more_noisy || entry_cmp(&before, &h->more_noisy) < 0)
        h->more_noisy = before;
    h->has_more_noisy = true;
}

static void
ready_push(struct head *h, const struct head_entry *e)
{
    if (is_noisy(h, e))
        noisy_push(h, e);
    else if (!ring_push(&h->ready, e))
        head_restart(h);
}

struct heads *
heads_new(void)
{
    struct heads *hs = calloc(1, sizeof(*hs));
    CHECK(hs);
    pthread_mutex_init(&hs->lock, NULL);
    hs->by_generation = omap_new(1);
    hs->turns = lot_new();
    return hs;
}

void
heads_free(struct heads *hs)
{
    omap_free(hs->by_generation, head_free);
    lot_free(hs->turns);
    pthread_mutex_destroy(&hs->lock);
    free(hs);
}

static struct head *
head_new(struct heads *hs, struct str generation)
{
    struct head *h = calloc(1, sizeof(*h));
    CHECK(h && generation.len == GENERATION_BYTES);
    memcpy(h->generation, generation.ptr, GENERATION_BYTES);
    pthread_mutex_init(&h->lock, NULL);
    h->turns = hs->turns;
    h->refs = 1; // the map's own
    return h;
}

struct head *
heads_ref(struct heads *hs, struct str generation)
{
    pthread_mutex_lock(&hs->lock);
    struct omap_entry *e = omap_put(hs->by_generation, generation);
    if (!e->value)
        e->value = head_new(hs, generation);
    struct head *h = e->value;
    h->refs++;
    pthread_mutex_unlock(&hs->lock);
    return h;
}

void
head_unref(struct heads *hs, struct head *h)
{
    pthread_mutex_lock(&hs->lock);
    head_drop(h);
    pthread_mutex_unlock(&hs->lock);
}

void
heads_del(struct heads *hs, struct str generation)
{
    pthread_mutex_lock(&hs->lock);
    struct head *h = omap_take(hs->by_generation, generation);
    if (h)
        head_drop(h);
    pthread_mutex_unlock(&hs->lock);
}

// What was put aside long ago goes before all else once its group is quiet again.
static bool
take_quieted(struct head *h, int64_t now_ms, struct head_entry *out)
{
    struct ring *r = &h->noisy;
    return r->count > 0 && !is_noisy(h, &r->entries[r->first]) && ring_take(r, now_ms, out);
}

size_t
head_claim(struct head *h, int64_t now_ms, struct head_entry *out, size_t n)
{
    size_t count = 0;
    pthread_mutex_lock(&h->lock);
    if (now_ms + HEAD_CLOCK_SLACK_MS < h->mark.due_ms)
        head_restart(h);
    while (count < n &&
           (take_quieted(h, now_ms, &out[count]) || ring_take(&h->ready, now_ms, &out[count]))) {
        // It was quiet when it was found.
        if (is_noisy(h, &out[count]))
            noisy_push(h, &out[count]);
        else
            count++;
    }
    pthread_mutex_unlock(&h->lock);
    return count;
}

size_t
head_claim_noisy(struct head *h, int64_t now_ms, struct head_entry *out, size_t n)
{
    size_t count = 0;
    pthread_mutex_lock(&h->lock);
    while (count < n && ring_take(&h->noisy, now_ms, &out[count]))
        count++;
    pthread_mutex_unlock(&h->lock);
    return count;
}

void
head_share_add(struct head *h, int32_t share, int64_t now_ms)
{
    if (share == 0)
        return;
    pthread_mutex_lock(&h->lock);
    if (!h->shares) {
        h->shares = calloc(1, sizeof(*h->shares));
        CHECK(h->shares);
        h->shares->halved_ms = now_ms;
    }
    shares_add(h->shares, share, now_ms);
    pthread_mutex_unlock(&h->lock);
}

void
head_share_remove(struct head *h, int32_t share)
{
    if (share == 0)
        return;
    pthread_mutex_lock(&h->lock);
    if (h->shares)
        shares_remove(h->shares, share);
    pthread_mutex_unlock(&h->lock);
}

void
head_add(struct head *h, const struct head_entry *e)
{
    pthread_mutex_lock(&h->lock);
    if (entry_cmp(e, &h->mark) <= 0)
        ready_push(h, e);
    else if (e->due_ms < h->next_due_ms)
        h->next_due_ms = e->due_ms;
    pthread_mutex_unlock(&h->lock);
}

int64_t
head_next_due(struct head *h, int64_t now_ms)
{
    pthread_mutex_lock(&h->lock);
    if (h->next_due_ms <= now_ms)
        h->next_due_ms = 0;
    int64_t next_due_ms = h->next_due_ms;
    pthread_mutex_unlock(&h->lock);
    return next_due_ms;
}

void
head_next_due_begin(struct head *h)
{
    pthread_mutex_lock(&h->lock);
    h->next_due_ms = INT64_MAX; // what is added while the caller reads lowers it
    pthread_mutex_unlock(&h->lock);
}

void
head_next_due_end(struct head *h, int64_t found_ms)
{
    pthread_mutex_lock(&h->lock);
    if (found_ms < h->next_due_ms)
        h->next_due_ms = found_ms;
    pthread_mutex_unlock(&h->lock);
}

bool
head_flights_are_known(struct head *h)
{
    pthread_mutex_lock(&h->lock);
    bool are_known = h->are_flights_known;
    pthread_mutex_unlock(&h->lock);
    return are_known;
}

int64_t
head_flights_counted_ms(struct head *h)
{
    pthread_mutex_lock(&h->lock);
    int64_t counted_ms = h->flights_counted_ms;
    pthread_mutex_unlock(&h->lock);
    return counted_ms;
}

void
head_flights_set(struct head *h, int64_t most, int64_t counted_ms)
{
    pthread_mutex_lock(&h->lock);
    h->are_flights_known = true;
    h->flights_most = most;
    h->flights_counted_ms = counted_ms;
    pthread_mutex_unlock(&h->lock);
}

size_t
head_flights_reserve(struct head *h, size_t n, int64_t max)
{
    pthread_mutex_lock(&h->lock);
    int64_t room = max - h->flights_most;
    if ((int64_t)n > room)
        n = room > 0 ? (size_t)room : 0;
    h->flights_most += (int64_t)n;
    pthread_mutex_unlock(&h->lock);
    return n;
}

void
head_flights_return(struct head *h, size_t n)
{
    pthread_mutex_lock(&h->lock);
    h->flights_most -= (int64_t)n;
    pthread_mutex_unlock(&h->lock);
}

static struct str
turn_key(const struct head *h)
{
    return (struct str){h->generation, GENERATION_BYTES};
}

static bool
turn_try(struct head *h)
{
    pthread_mutex_lock(&h->lock);
    bool is_free = !h->is_turn_taken;
    h->is_turn_taken = true;
    pthread_mutex_unlock(&h->lock);
    return is_free;
}

int
head_turn_begin(struct head *h)
{
    struct lot_ticket ticket;
    int code = OK;
    while (code == OK && !turn_try(h)) {
        lot_enter(h->turns, turn_key(h), &ticket);
        bool is_free = turn_try(h);
        if (!is_free)
            code = lot_wait(&ticket, DEADLINE_NEVER);
        lot_leave(&ticket, code == OK);
        if (is_free)
            return OK;
    }
    return code;
}

void
head_turn_end(struct head *h)
{
    pthread_mutex_lock(&h->lock);
    h->is_turn_taken = false;
    pthread_mutex_unlock(&h->lock);
    lot_wake(h->turns, turn_key(h), 1);
}

void
head_sweep_begin(struct head *h, int64_t now_ms, struct head_entry *from)
{
    pthread_mutex_lock(&h->lock);
    *from = h->mark_before = h->mark;
    struct head_entry now = {now_ms, id_last, 0};
    if (entry_cmp(&h->mark, &now) < 0)
        h->mark = now;
    pthread_mutex_unlock(&h->lock);
}

void
head_sweep_end(struct head *h, const struct head_entry *found, size_t count, bool is_cut,
               bool is_failed)
{
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count; i++)
        ready_push(h, &found[i]);
    // What was added behind the mark in the meantime may come twice; claims are checked anyway.
    if (is_failed)
        h->mark = h->mark_before;
    else if (is_cut)
        h->mark = found[count - 1];
    pthread_mutex_unlock(&h->lock);
}

void
head_look_back(struct head *h, int64_t now_ms, int64_t after_ms)
{
    pthread_mutex_lock(&h->lock);
    int64_t from_ms = h->looked_back_ms - HEAD_LOOK_BACK_MS;
    bool is_due = now_ms - h->looked_back_ms >= after_ms || now_ms < h->looked_back_ms;
    if (is_due && from_ms < h->mark.due_ms) {
        h->mark = (struct head_entry){.due_ms = from_ms > 0 ? from_ms : 0};
        // The sweep finds them again.
        ring_forget_from(&h->ready, h->mark.due_ms);
        ring_forget_from(&h->noisy, h->mark.due_ms);
    }
    if (is_due)
        h->looked_back_ms = now_ms;
    pthread_mutex_unlock(&h->lock);
}

bool
head_noisy_begin(struct head *h, struct head_entry *from, struct head_entry *to)
{
    pthread_mutex_lock(&h->lock);
    bool has_more = h->has_more_noisy && h->noisy.count == 0;
    if (has_more) {
        *from = h->more_noisy;
        *to = h->mark;
        h->has_more_noisy = false; // until something does not fit again
    }
    pthread_mutex_unlock(&h->lock);
    return has_more;
}

void
head_noisy_end(struct head *h, const struct head_entry *found, size_t count, bool is_cut,
               bool is_failed)
{
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count; i++)
        noisy_push(h, &found[i]);
    if (is_failed || is_cut) {
        struct head_entry next = {0};
        if (is_cut)
            next = found[count - 1];
        if (!h->has_more_noisy || entry_cmp(&next, &h->more_noisy) < 0)
            h->more_noisy = next;
        h->has_more_noisy = true;
    }
    pthread_mutex_unlock(&h->lock);
}
