// A log for each subscriber, in the order of commits, which a job hands on.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/event_log.h"

#include "src/cloud/call.h"
#include "src/store/tuple.h"

// ("c10m", "event", subscriber, stamp)
static struct tuple
log_tuple(struct arena *a, const char *subscriber)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("c10m"));
    tuple_add_str(&t, STR("event"));
    tuple_add_str(&t, str_of(subscriber));
    return t;
}

struct appending {
    struct cloud *cloud;
    const struct event_subscriber **subscribers;
    size_t count;
    struct str record;
};

static void
wake(void *arg)
{
    const struct appending *a = arg;
    for (size_t i = 0; i < a->count; i++)
        job_wake(a->cloud->background, a->subscribers[i]->name);
}

// A stamp is replaced by the commit's, which no other record of this log has.
static int
append(struct kv_txn *txn, void *arg)
{
    static const char no_stamp[KV_STAMP_BYTES];
    struct appending *a = arg;
    for (size_t i = 0; i < a->count; i++) {
        struct tuple t = log_tuple(kv_txn_arena(txn), a->subscribers[i]->name);
        tuple_add_fixed(&t, (struct str){no_stamp, sizeof(no_stamp)});
        struct str key = tuple_key(&t);
        TRY(kv_set_stamped(txn, key, key.len - KV_STAMP_BYTES, a->record, KV_NO_STAMP));
    }
    kv_after_commit(txn, wake, a);
    return OK;
}

void
event_log_append(struct cloud *cloud, const struct api_event *event)
{
    const struct event_subscriber *wanting[EVENT_SUBSCRIBERS_MAX];
    struct appending a = {.cloud = cloud, .subscribers = wanting};
    struct event_subscriber *s;
    SLIST_FOREACH(s, &cloud->subscribers, link)
    if (s->wants(s->arg, event))
        wanting[a.count++] = s;
    if (a.count == 0)
        return;
    struct buf record;
    struct arena *arena = event->call->arena;
    buf_init(&record, arena, 2048);
    event_print(event, &record);
    a.record = buf_str(&record);
    int code = kv_run(cloud->kv, arena, append, &a);
    if (code != OK)
        log_event(&cloud->log, LOG_ERROR, "record_lost", "request=" STR_FMT " code=%s",
                  STR_ARG(event->request_id), code_name(code));
}

struct handing {
    struct job *job;
    const struct event_subscriber *subscriber;
    size_t count;
};

// What the subscriber does with the records and their end are one transaction.
static int
hand_on(struct kv_txn *txn, void *arg)
{
    struct handing *h = arg;
    struct kv_range range = {.limit = EVENT_LOG_BATCH};
    struct kv_iter *it;
    struct str keys[EVENT_LOG_BATCH], records[EVENT_LOG_BATCH];
    struct tuple t = log_tuple(kv_txn_arena(txn), h->subscriber->name);
    h->count = 0;
    TRY(job_check(h->job, txn));
    tuple_range(&t, kv_txn_arena(txn), &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    int code = OK;
    while (h->count < EVENT_LOG_BATCH &&
           (code = kv_iter_next(it, &keys[h->count], &records[h->count])) == OK)
        h->count++;
    kv_iter_close(it);
    if (code != OK && code != E_NOT_FOUND)
        return code;
    for (size_t i = 0; i < h->count; i++) {
        TRY(h->subscriber->consume(h->subscriber->arg, txn, records[i]));
        TRY(kv_del(txn, keys[i]));
    }
    return OK;
}

static int
run(struct job *job, void *arg, int64_t *again_ns)
{
    const struct event_subscriber *s = arg;
    struct handing h = {.job = job, .subscriber = s};
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(s->cloud->kv, &arena, hand_on, &h);
    arena_fini(&arena);
    *again_ns = DEADLINE_NEVER;
    return code == OK && h.count == 0 ? E_NOT_FOUND : code;
}

void
event_log_start(struct cloud *cloud)
{
    struct event_subscriber *s;
    SLIST_FOREACH(s, &cloud->subscribers, link)
    {
        s->cloud = cloud;
        job_start(&cloud->jobs, s->name, run, s);
    }
}
