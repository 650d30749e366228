// Timers that last: what a service wants to be woken for at a time of the service clock.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/alarm.h"

#include <pthread.h>
#include <stdlib.h>

#include "src/base/plant.h"
#include "src/store/tuple.h"

// ("c10m", "timer", due_ms, service, id)    empty
#define JOB_NAME "c10m-timers"

struct handler {
    const char *service;
    alarm_fn *fn;
    void *arg;
};

struct alarms {
    struct jobs_options options;
    struct handler handlers[ALARM_HANDLERS_MAX];
    size_t handler_count;
    struct arena arena; // of one round
    pthread_mutex_t lock;
    // No alarm of this process is due earlier. Reading from the start each time would be reading
    // over the tombstones of all that have rung.
    int64_t earliest_ms;
    int64_t started_over_ns;
};

static struct str
alarm_key(struct arena *a, const struct alarm *alarm)
{
    struct tuple t = tuple_shared(a, "timer");
    tuple_add_int(&t, alarm->due_ms);
    tuple_add_str(&t, alarm->service);
    tuple_add_str(&t, alarm->id);
    return tuple_key(&t);
}

void
alarm_range(struct arena *a, struct str *from, struct str *to)
{
    struct tuple t = tuple_shared(a, "timer");
    tuple_range(&t, a, from, to);
}

int
alarm_parse(struct arena *a, struct str key, struct alarm *out)
{
    struct tuple_reader r;
    struct str skipped;
    tuple_reader_init(&r, a, key);
    for (int i = 0; i < 2; i++)
        TRY(tuple_read_str(&r, &skipped));
    TRY(tuple_read_int(&r, &out->due_ms));
    TRY(tuple_read_str(&r, &out->service));
    return tuple_read_str(&r, &out->id);
}

// A round: all that is due, page by page.
struct round {
    struct alarms *alarms;
    const struct job *job;
    int64_t now_ms;
    int64_t from_ms;
    struct str after; // key
    struct alarm due[ALARM_BATCH];
    size_t count;
    int64_t next_ms; // the first one that is not due; INT64_MAX: none. When the page is the last
    bool is_last;
    bool has_failed;
};

static void
page_range(struct arena *a, const struct round *r, struct kv_range *out)
{
    struct tuple t = tuple_shared(a, "timer");
    tuple_range(&t, a, &out->from, &out->to);
    if (str_is_present(r->after)) {
        out->from = r->after;
    } else if (r->from_ms > 0) {
        tuple_add_int(&t, r->from_ms);
        out->from = tuple_key(&t);
    }
}

static int
page_body(struct kv_txn *txn, void *arg)
{
    struct round *r = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct alarm next;
    struct str key, value, after = r->after;
    int code = OK;
    page_range(a, r, &range);
    r->count = 0;
    r->next_ms = INT64_MAX;
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && r->count < ALARM_BATCH) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK && str_eq(key, after))
            continue; // has failed just now
        if (code == OK)
            code = alarm_parse(a, key, &next);
        if (code == OK && next.due_ms > r->now_ms) {
            r->next_ms = next.due_ms;
            code = E_NOT_FOUND;
        }
        if (code == OK)
            r->due[r->count++] = next;
    }
    kv_iter_close(it);
    r->is_last = code == E_NOT_FOUND;
    return r->is_last ? OK : code;
}

struct ringing {
    struct round *round;
    const struct alarm *alarm;
    const struct handler *handler;
};

static int
ring_body(struct kv_txn *txn, void *arg)
{
    const struct ringing *s = arg;
    struct str value, key = alarm_key(kv_txn_arena(txn), s->alarm);
    TRY(job_check(s->round->job, txn));
    TRY(kv_get(txn, key, KV_SERIALIZABLE, &value));
    if (!str_is_present(value))
        return OK; // taken back
    TRY(kv_del(txn, key));
    return s->handler->fn(s->handler->arg, txn, s->alarm);
}

static const struct handler *
handler_find(const struct alarms *as, struct str service)
{
    for (size_t i = 0; i < as->handler_count; i++)
        if (str_eq(service, str_of(as->handlers[i].service)))
            return &as->handlers[i];
    return NULL;
}

// Whether it has rung.
static bool
alarm_ring(struct round *r, const struct alarm *alarm)
{
    const struct alarms *as = r->alarms;
    struct ringing s = {r, alarm, handler_find(as, alarm->service)};
    struct arena arena;
    arena_init(&arena);
    int code = s.handler != NULL ? kv_run(as->options.kv, &arena, ring_body, &s) : E_NOT_FOUND;
    arena_fini(&arena);
    if (code == OK)
        return true;
    r->has_failed |= s.handler != NULL;
    log_event(as->options.log, LOG_WARN, "timer_put_off", "service=" STR_FMT " due_ms=%lld code=%s",
              STR_ARG(alarm->service), (long long)alarm->due_ms, code_name(code));
    return false;
}

// What is set while a round reads lowers it again.
static int64_t
earliest_take(struct alarms *as)
{
    int64_t now_ns = clock_mono_ns(as->options.runtime);
    pthread_mutex_lock(&as->lock);
    int64_t from_ms = as->earliest_ms;
    as->earliest_ms = INT64_MAX;
    // Other processes set alarms, too.
    if (now_ns - as->started_over_ns >= JOB_LOOK_MS * 1000000LL && !PLANT(FORGOTTEN_TIMER)) {
        as->started_over_ns = now_ns;
        from_ms = 0;
    }
    pthread_mutex_unlock(&as->lock);
    return from_ms;
}

static void
earliest_lower(struct alarms *as, int64_t due_ms)
{
    pthread_mutex_lock(&as->lock);
    if (due_ms < as->earliest_ms)
        as->earliest_ms = due_ms;
    pthread_mutex_unlock(&as->lock);
}

static int
round_run(struct round *r, size_t *rung)
{
    struct alarms *as = r->alarms;
    do {
        TRY(kv_run(as->options.kv, &as->arena, page_body, r));
        for (size_t i = 0; i < r->count; i++)
            *rung += alarm_ring(r, &r->due[i]);
        if (r->count > 0)
            r->after = alarm_key(&as->arena, &r->due[r->count - 1]);
    } while (!r->is_last);
    return OK;
}

static int
alarms_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct alarms *as = arg;
    struct runtime *rt = as->options.runtime;
    struct round *r = ARENA_NEW(&as->arena, struct round);
    size_t rung = 0;
    *r = (struct round){.alarms = as, .job = job, .now_ms = clock_service_ms(rt)};
    r->from_ms = earliest_take(as);
    int code = round_run(r, &rung);
    bool is_complete = code == OK && !r->has_failed;
    int64_t next_ms = r->next_ms;
    earliest_lower(as, is_complete ? next_ms : r->from_ms);
    arena_reset(&as->arena);
    TRY(code);
    if (rung > 0)
        return OK;
    *again_ns =
        next_ms == INT64_MAX ? DEADLINE_NEVER : deadline_in_ms(rt, next_ms - clock_service_ms(rt));
    if (!is_complete)
        *again_ns = deadline_in_ms(rt, JOB_AGAIN_MS);
    return E_NOT_FOUND;
}

struct alarms *
alarms_new(const struct jobs_options *options)
{
    struct alarms *as = calloc(1, sizeof(*as));
    CHECK(as);
    as->options = *options;
    arena_init(&as->arena);
    pthread_mutex_init(&as->lock, NULL);
    as->started_over_ns = clock_mono_ns(options->runtime);
    return as;
}

void
alarms_free(struct alarms *as)
{
    if (as == NULL)
        return;
    pthread_mutex_destroy(&as->lock);
    arena_fini(&as->arena);
    free(as);
}

void
alarms_handle(struct alarms *as, const char *service, alarm_fn *fn, void *arg)
{
    CHECK(as->handler_count < ALARM_HANDLERS_MAX);
    as->handlers[as->handler_count++] = (struct handler){service, fn, arg};
}

void
alarms_start(struct alarms *as)
{
    job_start(&as->options, JOB_NAME, alarms_step, as);
}

struct setting {
    struct alarms *alarms;
    int64_t due_ms;
};

static void
alarm_announce(void *arg)
{
    const struct setting *s = arg;
    if (!PLANT(FORGOTTEN_TIMER))
        earliest_lower(s->alarms, s->due_ms);
    job_wake(s->alarms->options.background, JOB_NAME);
}

int
alarm_set(struct alarms *as, struct kv_txn *txn, const struct alarm *alarm)
{
    struct arena *a = kv_txn_arena(txn);
    struct setting *s = ARENA_NEW(a, struct setting);
    *s = (struct setting){as, alarm->due_ms};
    TRY(kv_set(txn, alarm_key(a, alarm), STR("")));
    kv_after_commit(txn, alarm_announce, s);
    return OK;
}

int
alarm_del(struct kv_txn *txn, const struct alarm *alarm)
{
    return kv_del(txn, alarm_key(kv_txn_arena(txn), alarm));
}
