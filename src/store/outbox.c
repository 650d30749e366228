// The outbox: events for other services, delivered after the commit that caused them.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/outbox.h"

#include <stdlib.h>

#include "src/store/tuple.h"

// ("c10m", "outbox", source, stamp, number in its transaction)    (destination) payload
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
};

static struct tuple
outbox_tuple(struct arena *a)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("c10m"));
    tuple_add_str(&t, STR("outbox"));
    return t;
}

// Where the events of later sources begin.
static struct str
source_end(struct arena *a, struct str source)
{
    struct tuple t = outbox_tuple(a);
    struct str from, to;
    tuple_add_str(&t, source);
    tuple_range(&t, a, &from, &to);
    return to;
}

struct pending {
    struct str key;
    struct outbox_event event;
};

static int
event_parse(struct arena *a, struct str key, struct str value, struct pending *out)
{
    struct tuple_reader r;
    struct str skipped;
    *out = (struct pending){.key = key, .event.id = key};
    tuple_reader_init(&r, a, key);
    for (int i = 0; i < 2; i++)
        TRY(tuple_read_str(&r, &skipped));
    TRY(tuple_read_str(&r, &out->event.source));
    tuple_reader_init(&r, a, value);
    TRY(tuple_read_str(&r, &out->event.destination));
    out->event.payload = r.rest;
    return OK;
}

struct reading {
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
    struct tuple t = outbox_tuple(a);
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
            code = event_parse(a, key, value, &s->events[s->count]);
        s->count += code == OK;
    }
    kv_iter_close(it);
    s->is_last = code == E_NOT_FOUND;
    return s->is_last ? OK : code;
}

struct ending {
    const struct job *job;
    struct str key;
};

static int
end_body(struct kv_txn *txn, void *arg)
{
    const struct ending *e = arg;
    TRY(job_check(e->job, txn));
    return kv_del(txn, e->key);
}

static int
deliver(struct outbox *o, struct job *job, const struct pending *p)
{
    struct ending e = {job, p->key};
    struct arena arena;
    int code = E_NOT_FOUND; // nobody of that name is in this program
    for (size_t i = 0; i < o->handler_count; i++)
        if (str_eq(p->event.destination, str_of(o->handlers[i].destination)))
            code = o->handlers[i].fn(o->handlers[i].arg, &p->event);
    if (code == OK) {
        arena_init(&arena);
        code = kv_run(o->options.kv, &arena, end_body, &e);
        arena_fini(&arena);
    }
    if (code != OK && code != E_CANCELLED)
        log_event(o->options.log, LOG_WARN, "outbox_put_off", "destination=" STR_FMT " code=%s",
                  STR_ARG(p->event.destination), code_name(code));
    return code;
}

// What one look delivers and leaves.
struct look {
    size_t delivered;
    size_t failed;
    char from[KV_KEY_BYTES_MAX];
    size_t from_len;
};

static void
from_set(struct look *l, struct str key)
{
    CHECK(key.len <= sizeof(l->from));
    memcpy(l->from, key.ptr, key.len);
    l->from_len = key.len;
}

// Behind a failure the rest of its source waits.
static void
events_deliver(struct outbox *o, struct job *job, const struct reading *s, struct look *l)
{
    struct str failed_source = {0};
    for (size_t i = 0; i < s->count; i++) {
        const struct pending *p = &s->events[i];
        bool waits = str_is_present(failed_source) && str_eq(failed_source, p->event.source);
        if (!waits && deliver(o, job, p) == OK) {
            l->delivered++;
            from_set(l, p->key);
            continue;
        }
        l->failed += !waits;
        failed_source = p->event.source;
        from_set(l, source_end(&o->arena, p->event.source));
    }
}

static int
outbox_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct outbox *o = arg;
    struct look *l = calloc(1, sizeof(*l));
    struct reading s;
    int code;
    CHECK(l);
    do {
        s.from = (struct str){l->from_len > 0 ? l->from : NULL, l->from_len};
        code = kv_run(o->options.kv, &o->arena, read_body, &s);
        if (code == OK)
            events_deliver(o, job, &s, l);
        arena_reset(&o->arena);
    } while (code == OK && !s.is_last);
    *again_ns = l->failed > 0 ? deadline_in_ms(o->options.runtime, JOB_AGAIN_MS) : DEADLINE_NEVER;
    bool has_delivered = l->delivered > 0;
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

int
outbox_add(struct outbox *o, struct kv_txn *txn, const char *destination, struct str source,
           struct str payload)
{
    static const char no_stamp[KV_STAMP_BYTES];
    struct arena *a = kv_txn_arena(txn);
    struct tuple key = outbox_tuple(a), value;
    uint32_t number = __builtin_bswap32(kv_txn_number(txn));
    struct buf bytes;
    if (payload.len > OUTBOX_PAYLOAD_BYTES_MAX)
        return E_LIMIT;
    tuple_add_str(&key, source);
    size_t stamp_at = tuple_key(&key).len + 1; // behind its type byte
    tuple_add_fixed(&key, (struct str){no_stamp, KV_STAMP_BYTES});
    tuple_add_fixed(&key, (struct str){(const char *)&number, NUMBER_BYTES});
    tuple_init(&value, a);
    tuple_add_str(&value, str_of(destination));
    buf_init(&bytes, a, payload.len + 64);
    buf_put(&bytes, tuple_key(&value));
    buf_put(&bytes, payload);
    kv_after_commit(txn, outbox_wake, o);
    return kv_set_stamped(txn, tuple_key(&key), stamp_at, buf_str(&bytes), KV_NO_STAMP);
}
