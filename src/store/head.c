// The head of a queue in memory: which entries of an index by time are due, and who may take them.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/head.h"

#include <pthread.h>
#include <stdlib.h>

#include "src/base/omap.h"
#include "src/store/head_ring.h"
#include "src/store/head_state.h"

struct head {
    char key[HEAD_KEY_BYTES_MAX];
    size_t key_len;
    struct heads *heads;
    unsigned refs; // under the map's lock
    bool is_turn_taken;
    pthread_mutex_t lock;
    struct head_entry mark;        // sweeps have come so far
    struct head_entry mark_before; // the mark when the sweep under way began
    int64_t looked_back_ms;        // 0: never
    int64_t next_due_ms;           // 0: not known
    struct head_ring ready;
    struct head_ring aside;
    bool has_more_aside; // than is in the ring: after more_aside
    struct head_entry more_aside;
    void *state; // the service's
};

struct heads {
    struct heads_options options;
    pthread_mutex_t lock;
    struct omap *by_key;
    struct lot *turns;
};

// Callers read the clock at different moments; a mark further ahead than this means that the
// service clock was moved back.
enum { HEAD_CLOCK_SLACK_MS = 1000 };

static struct head_entry
entry_last(int64_t due_ms)
{
    struct head_entry e = {.due_ms = due_ms};
    memset(e.id, 0xff, sizeof(e.id));
    return e;
}

static int
entry_cmp(const struct head_entry *a, const struct head_entry *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms ? -1 : 1;
    return memcmp(a->id, b->id, HEAD_ID_BYTES);
}

static void
head_free(void *head)
{
    struct head *h = head;
    if (h->heads->options.state_fini)
        h->heads->options.state_fini(h->state);
    pthread_mutex_destroy(&h->lock);
    free(h->ready.entries);
    free(h->aside.entries);
    free(h->state);
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
    h->ready.count = h->aside.count = 0;
    h->has_more_aside = false;
    h->mark = (struct head_entry){0};
    h->next_due_ms = 0;
}

static bool
is_aside(const struct head *h, const struct head_entry *e)
{
    const struct heads_options *o = &h->heads->options;
    return e->share != 0 && o->is_aside && o->is_aside(h->state, e->share);
}

// What does not fit is looked for again, from before it.
static void
aside_push(struct head *h, const struct head_entry *e)
{
    struct head_entry before = entry_last(e->due_ms - 1);
    if (head_ring_push(&h->aside, e))
        return;
    if (!h->has_more_aside || entry_cmp(&before, &h->more_aside) < 0)
        h->more_aside = before;
    h->has_more_aside = true;
}

static void
ready_push(struct head *h, const struct head_entry *e)
{
    if (is_aside(h, e))
        aside_push(h, e);
    else if (!head_ring_push(&h->ready, e))
        head_restart(h);
}

struct heads *
heads_new(const struct heads_options *options)
{
    struct heads *hs = calloc(1, sizeof(*hs));
    CHECK(hs);
    hs->options = *options;
    pthread_mutex_init(&hs->lock, NULL);
    hs->by_key = omap_new(1);
    hs->turns = lot_new();
    return hs;
}

void
heads_free(struct heads *hs)
{
    omap_free(hs->by_key, head_free);
    lot_free(hs->turns);
    pthread_mutex_destroy(&hs->lock);
    free(hs);
}

static struct head *
head_new(struct heads *hs, struct str key)
{
    struct head *h = calloc(1, sizeof(*h));
    CHECK(h && key.len <= HEAD_KEY_BYTES_MAX);
    memcpy(h->key, key.ptr, key.len);
    h->key_len = key.len;
    pthread_mutex_init(&h->lock, NULL);
    h->heads = hs;
    h->refs = 1; // the map's own
    if (hs->options.state_bytes > 0) {
        h->state = calloc(1, hs->options.state_bytes);
        CHECK(h->state);
    }
    return h;
}

struct head *
heads_ref(struct heads *hs, struct str key)
{
    pthread_mutex_lock(&hs->lock);
    struct omap_entry *e = omap_put(hs->by_key, key);
    if (!e->value)
        e->value = head_new(hs, key);
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
heads_del(struct heads *hs, struct str key)
{
    pthread_mutex_lock(&hs->lock);
    struct head *h = omap_take(hs->by_key, key);
    if (h)
        head_drop(h);
    pthread_mutex_unlock(&hs->lock);
}

void *
head_lock(struct head *h)
{
    pthread_mutex_lock(&h->lock);
    return h->state;
}

void
head_unlock(struct head *h)
{
    pthread_mutex_unlock(&h->lock);
}

// What was put aside long ago goes before all else once it need not stand back any more.
static bool
take_returned(struct head *h, int64_t now_ms, struct head_entry *out)
{
    struct head_ring *r = &h->aside;
    return r->count > 0 && !is_aside(h, &r->entries[r->first]) && head_ring_take(r, now_ms, out);
}

size_t
head_claim_ready(struct head *h, int64_t now_ms, struct head_entry *out, size_t n)
{
    size_t count = 0;
    const struct heads_options *o = &h->heads->options;
    pthread_mutex_lock(&h->lock);
    if (now_ms + HEAD_CLOCK_SLACK_MS < h->mark.due_ms)
        head_restart(h);
    if (o->pass_time != NULL)
        o->pass_time(h->state, now_ms);
    while (count < n && (take_returned(h, now_ms, &out[count]) ||
                         head_ring_take(&h->ready, now_ms, &out[count]))) {
        // It did not stand aside when it was found.
        if (is_aside(h, &out[count]))
            aside_push(h, &out[count]);
        else
            count++;
    }
    pthread_mutex_unlock(&h->lock);
    return count;
}

static bool
take_aside(struct head *h, int64_t now_ms, struct head_entry *out)
{
    const struct heads_options *o = &h->heads->options;
    if (o->aside_rank == NULL)
        return head_ring_take(&h->aside, now_ms, out);
    return head_ring_take_lowest(&h->aside, now_ms, o->aside_rank, h->state, out);
}

size_t
head_claim_aside(struct head *h, int64_t now_ms, struct head_entry *out, size_t n)
{
    size_t count = 0;
    pthread_mutex_lock(&h->lock);
    while (count < n && take_aside(h, now_ms, &out[count]))
        count++;
    pthread_mutex_unlock(&h->lock);
    return count;
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
head_next_due_known(struct head *h, int64_t now_ms)
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

static struct str
turn_key(const struct head *h)
{
    return (struct str){h->key, h->key_len};
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
        lot_enter(h->heads->turns, turn_key(h), &ticket);
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
    lot_wake(h->heads->turns, turn_key(h), 1);
}

void
head_sweep_begin(struct head *h, int64_t now_ms, struct head_entry *from)
{
    pthread_mutex_lock(&h->lock);
    *from = h->mark_before = h->mark;
    struct head_entry now = entry_last(now_ms);
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
        head_ring_forget_from(&h->ready, h->mark.due_ms);
        head_ring_forget_from(&h->aside, h->mark.due_ms);
    }
    if (is_due)
        h->looked_back_ms = now_ms;
    pthread_mutex_unlock(&h->lock);
}

bool
head_aside_begin(struct head *h, struct head_entry *from, struct head_entry *to)
{
    pthread_mutex_lock(&h->lock);
    bool has_more = h->has_more_aside && h->aside.count == 0;
    if (has_more) {
        *from = h->more_aside;
        *to = h->mark;
        h->has_more_aside = false; // until something does not fit again
    }
    pthread_mutex_unlock(&h->lock);
    return has_more;
}

void
head_aside_end(struct head *h, const struct head_entry *found, size_t count, bool is_cut,
               bool is_failed)
{
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count; i++)
        aside_push(h, &found[i]);
    if (is_failed || is_cut) {
        struct head_entry next = {0};
        if (is_cut)
            next = found[count - 1];
        if (!h->has_more_aside || entry_cmp(&next, &h->more_aside) < 0)
            h->more_aside = next;
        h->has_more_aside = true;
    }
    pthread_mutex_unlock(&h->lock);
}
