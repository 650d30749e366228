// The outbox: events for other services, delivered after the commit that caused them.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/outbox.h"

#include <stdlib.h>

#include "src/base/omap.h"
#include "src/base/plant.h"
#include "src/store/tuple.h"

// ("c10m", "outbox-new", stamp, number in its transaction, source)   (destination) payload
// ("c10m", "outbox", source, stamp, number)                          the same, of what has to wait
//
// New events stand in the order of their commits, so deliveries leave tombstones behind and find
// the next event ahead: a mark in memory says how far they came, and no look walks over those again
// (as in docs/design/0003-queue-heads.md). What cannot be delivered must not hold up the mark: it
// goes to those that wait, by source, and all later ones of its source after it.
#define JOB_NAME "c10m-outbox"

enum { NUMBER_BYTES = 4, EVENTS_PER_READ = 32 };

struct handler {
    const char *destination;
    outbox_fn *fn;
    void *arg;
};

struct outbox {
    struct jobs_options options;
    struct handler handlers[OUTBOX_DESTINATIONS_MAX];
    size_t handler_count;
    struct arena arena; // of one reading at a time
    // What the job knows; made anew where another process may have had it in between.
    struct omap *waiting;            // sources of events that wait; NULL: not known
    char mark[KV_KEY_BYTES_MAX + 1]; // what is before it was delivered, or waits
    size_t mark_len;
};

// Where the waiting events of later sources begin.
static struct str
source_end(struct arena *a, struct str source)
{
    struct tuple t = tuple_shared(a, "outbox");
    struct str from, to;
    tuple_add_str(&t, source);
    tuple_range(&t, a, &from, &to);
    return to;
}

struct pending {
    struct str key;   // where it stands
    struct str value; // (destination) payload
    struct outbox_event event;
};

static int
event_parse(struct arena *a, bool is_new, struct str key, struct str value, struct pending *out)
{
    struct tuple_reader r;
    struct str skipped, stamp, number;
    *out = (struct pending){.key = key, .value = value};
    tuple_reader_init(&r, a, key);
    for (int i = 0; i < 2; i++)
        TRY(tuple_read_str(&r, &skipped));
    if (!is_new)
        TRY(tuple_read_str(&r, &out->event.source));
    TRY(tuple_read_fixed(&r, KV_STAMP_BYTES, &stamp));
    TRY(tuple_read_fixed(&r, NUMBER_BYTES, &number));
    if (is_new)
        TRY(tuple_read_str(&r, &out->event.source));
    // The same before and after it had to wait.
    struct tuple id = tuple_shared(a, "outbox");
    tuple_add_str(&id, out->event.source);
    tuple_add_fixed(&id, stamp);
    tuple_add_fixed(&id, number);
    out->event.id = tuple_key(&id);
    tuple_reader_init(&r, a, value);
    TRY(tuple_read_str(&r, &out->event.destination));
    out->event.payload = r.rest;
    return OK;
}

struct reading {
    bool is_new;
    struct str from; // key; absent: from the first
    struct pending events[EVENTS_PER_READ];
    size_t count;
    bool is_last;
};

static int
read_body(struct kv_txn *txn, void *arg)
{
    struct reading *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = EVENTS_PER_READ, .read = KV_SNAPSHOT};
    struct tuple t = tuple_shared(a, s->is_new ? "outbox-new" : "outbox");
    struct kv_iter *it;
    struct str key, value;
    int code = OK;
    tuple_range(&t, a, &range.from, &range.to);
    if (str_is_present(s->from))
        range.from = s->from;
    s->count = 0;
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && s->count < EVENTS_PER_READ) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = event_parse(a, s->is_new, key, value, &s->events[s->count]);
        s->count += code == OK;
    }
    kv_iter_close(it);
    s->is_last = code == E_NOT_FOUND;
    return s->is_last ? OK : code;
}

struct ending {
    const struct job *job;
    const struct pending *event;
    bool has_to_wait; // else it was delivered
};

static int
end_body(struct kv_txn *txn, void *arg)
{
    const struct ending *e = arg;
    TRY(job_check(e->job, txn));
    if (e->has_to_wait)
        TRY(kv_set(txn, e->event->event.id, e->event->value));
    return kv_del(txn, e->event->key);
}

static int
event_end(struct outbox *o, struct job *job, const struct pending *p, bool has_to_wait)
{
    struct ending e = {job, p, has_to_wait};
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(o->options.kv, &arena, end_body, &e);
    arena_fini(&arena);
    return code;
}

static int
hand_over(struct outbox *o, const struct outbox_event *event)
{
    for (size_t i = 0; i < o->handler_count; i++)
        if (str_eq(event->destination, str_of(o->handlers[i].destination)))
            return o->handlers[i].fn(o->handlers[i].arg, event);
    return E_NOT_FOUND; // nobody of that name is in this program
}

static int
deliver(struct outbox *o, struct job *job, const struct pending *p)
{
    int code = hand_over(o, &p->event);
    if (code == OK)
        code = event_end(o, job, p, false);
    if (code != OK && code != E_CANCELLED)
        log_event(o->options.log, LOG_WARN, "outbox_put_off", "destination=" STR_FMT " code=%s",
                  STR_ARG(p->event.destination), code_name(code));
    return code;
}

// One look at the outbox.
struct look {
    struct outbox *outbox;
    struct job *job;
    size_t delivered;
    char from[KV_KEY_BYTES_MAX + 1]; // among what waits
    size_t from_len;
};

// The place just behind the key.
static size_t
behind(char *out, struct str key)
{
    CHECK(key.len <= KV_KEY_BYTES_MAX);
    memcpy(out, key.ptr, key.len);
    out[key.len] = 0;
    return key.len + 1;
}

// Behind a failure the rest of its source waits on.
static int
waiting_deliver(struct look *l, const struct reading *s)
{
    struct outbox *o = l->outbox;
    struct str failed_source = {0};
    for (size_t i = 0; i < s->count; i++) {
        const struct pending *p = &s->events[i];
        if (str_is_present(failed_source) && str_eq(failed_source, p->event.source))
            continue;
        int code = deliver(o, l->job, p);
        if (code == E_CANCELLED)
            return code;
        if (code == OK) {
            l->delivered++;
            l->from_len = behind(l->from, p->key);
            continue;
        }
        failed_source = p->event.source;
        omap_put(o->waiting, failed_source);
        l->from_len = behind(l->from, source_end(&o->arena, failed_source));
    }
    return OK;
}

// Tries what waits again, and learns of which sources some is left.
static int
look_at_waiting(struct look *l)
{
    struct outbox *o = l->outbox;
    struct reading s = {0};
    int code;
    if (o->waiting)
        omap_free(o->waiting, NULL);
    o->waiting = omap_new(1);
    do {
        s.from = (struct str){l->from_len > 0 ? l->from : NULL, l->from_len};
        code = kv_run(o->options.kv, &o->arena, read_body, &s);
        if (code == OK)
            code = waiting_deliver(l, &s);
        arena_reset(&o->arena);
    } while (code == OK && !s.is_last);
    if (code != OK) { // it is not known of all
        omap_free(o->waiting, NULL);
        o->waiting = NULL;
    }
    return code;
}

static int
new_deliver(struct look *l, const struct reading *s)
{
    struct outbox *o = l->outbox;
    for (size_t i = 0; i < s->count; i++) {
        const struct pending *p = &s->events[i];
        bool has_to_wait = omap_find(o->waiting, p->event.source) != NULL;
        if (!has_to_wait) {
            int code = deliver(o, l->job, p);
            if (code == E_CANCELLED)
                return code;
            l->delivered += code == OK;
            has_to_wait = code != OK;
        }
        if (has_to_wait) {
            TRY(event_end(o, l->job, p, true));
            omap_put(o->waiting, p->event.source);
        }
        o->mark_len = behind(o->mark, p->key);
    }
    return OK;
}

static int
look_at_new(struct look *l)
{
    struct outbox *o = l->outbox;
    struct reading s = {.is_new = true};
    int code;
    do {
        s.from = (struct str){o->mark_len > 0 ? o->mark : NULL, o->mark_len};
        code = kv_run(o->options.kv, &o->arena, read_body, &s);
        if (code == OK)
            code = new_deliver(l, &s);
        arena_reset(&o->arena);
    } while (code == OK && !s.is_last);
    return code;
}

static int
outbox_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct outbox *o = arg;
    struct look *l = calloc(1, sizeof(*l));
    int code = OK;
    CHECK(l);
    *l = (struct look){.outbox = o, .job = job};
    if (o->options.is_shared)
        o->mark_len = 0; // another process may have had the job
    if (o->options.is_shared || !o->waiting || omap_first(o->waiting))
        code = look_at_waiting(l);
    if (code == OK)
        code = look_at_new(l);
    bool has_delivered = l->delivered > 0;
    bool is_any_waiting = o->waiting && omap_first(o->waiting);
    *again_ns = is_any_waiting ? deadline_in_ms(o->options.runtime, JOB_AGAIN_MS) : DEADLINE_NEVER;
    free(l);
    TRY(code);
    return has_delivered ? OK : E_NOT_FOUND;
}

struct outbox *
outbox_new(const struct jobs_options *options)
{
    struct outbox *o = calloc(1, sizeof(*o));
    CHECK(o);
    o->options = *options;
    arena_init(&o->arena);
    return o;
}

void
outbox_free(struct outbox *o)
{
    if (o == NULL)
        return;
    if (o->waiting)
        omap_free(o->waiting, NULL);
    arena_fini(&o->arena);
    free(o);
}

void
outbox_handle(struct outbox *o, const char *destination, outbox_fn *fn, void *arg)
{
    CHECK(o->handler_count < OUTBOX_DESTINATIONS_MAX);
    o->handlers[o->handler_count++] = (struct handler){destination, fn, arg};
}

void
outbox_start(struct outbox *o)
{
    job_start(&o->options, JOB_NAME, outbox_step, o);
}

static void
outbox_wake(void *arg)
{
    struct outbox *o = arg;
    job_wake(o->options.background, JOB_NAME);
}

static int
early(struct outbox *o, const char *destination, struct str source, struct str payload)
{
    struct outbox_event e = {STR("?"), str_of(destination), source, payload};
    return hand_over(o, &e);
}

int
outbox_add(struct outbox *o, struct kv_txn *txn, const char *destination, struct str source,
           struct str payload)
{
    static const char no_stamp[KV_STAMP_BYTES];
    struct arena *a = kv_txn_arena(txn);
    struct tuple key = tuple_shared(a, "outbox-new"), value;
    uint32_t number = __builtin_bswap32(kv_txn_number(txn));
    struct buf bytes;
    if (payload.len > OUTBOX_PAYLOAD_BYTES_MAX)
        return E_LIMIT;
    if (PLANT(EARLY_OUTBOX))
        return early(o, destination, source, payload);
    size_t stamp_at = tuple_key(&key).len + 1; // behind its type byte
    tuple_add_fixed(&key, (struct str){no_stamp, KV_STAMP_BYTES});
    tuple_add_fixed(&key, (struct str){(const char *)&number, NUMBER_BYTES});
    tuple_add_str(&key, source);
    tuple_init(&value, a);
    tuple_add_str(&value, str_of(destination));
    buf_init(&bytes, a, payload.len + 64);
    buf_put(&bytes, tuple_key(&value));
    buf_put(&bytes, payload);
    kv_after_commit(txn, outbox_wake, o);
    return kv_set_stamped(txn, tuple_key(&key), stamp_at, buf_str(&bytes), KV_NO_STAMP);
}
