// What CloudWatch is told of queues each minute: how many messages, and how old.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/gauges.h"

#include <pthread.h>
#include <stdlib.h>

#include "services/sqs/sample.h"
#include "services/sqs/sqs.h"
#include "src/base/omap.h"

struct gauges {
    struct sqs *sqs;
    struct arena arena; // of one transaction at a time
    int64_t minute;     // that was sampled, or is being
    bool is_sampling;
    char at[KV_KEY_BYTES_MAX]; // key_known of the queue before
    size_t at_len;             // 0: none
    pthread_mutex_t lock;
    struct omap *active; // key_known to int64_t *, when it was called
};

static int64_t
now_ms_of(const struct gauges *g)
{
    return clock_service_ms(g->sqs->cloud->runtime);
}

struct gauges *
gauges_new(struct sqs *s)
{
    struct gauges *g = calloc(1, sizeof(*g));
    CHECK(g);
    g->sqs = s;
    arena_init(&g->arena);
    pthread_mutex_init(&g->lock, NULL);
    g->active = omap_new(1);
    g->minute = now_ms_of(g) / STATISTICS_MINUTE_MS;
    return g;
}

void
gauges_free(struct gauges *g)
{
    omap_free(g->active, free);
    pthread_mutex_destroy(&g->lock);
    arena_fini(&g->arena);
    free(g);
}

void
gauges_touch(struct gauges *g, struct arena *arena, const struct queue_name *name)
{
    struct str key = key_known(arena, name);
    int64_t now_ms = now_ms_of(g);
    pthread_mutex_lock(&g->lock);
    struct omap_entry *e = omap_put(g->active, key);
    if (e->value == NULL)
        e->value = calloc(1, sizeof(int64_t));
    CHECK(e->value);
    *(int64_t *)e->value = now_ms;
    pthread_mutex_unlock(&g->lock);
}

static bool
is_active(struct gauges *g, struct str known)
{
    pthread_mutex_lock(&g->lock);
    bool is_active = omap_find(g->active, known) != NULL;
    pthread_mutex_unlock(&g->lock);
    return is_active;
}

static void
forget_inactive(struct gauges *g)
{
    int64_t oldest_ms = now_ms_of(g) - GAUGES_ACTIVE_MS;
    pthread_mutex_lock(&g->lock);
    struct omap_entry *next, *e = omap_first(g->active);
    for (; e != NULL; e = next) {
        next = omap_next(e);
        if (*(int64_t *)e->value <= oldest_ms)
            free(omap_take(g->active, e->key));
    }
    pthread_mutex_unlock(&g->lock);
}

struct sampling {
    struct gauges *gauges;
    const struct job *job;
    struct str known;
    struct queue_name name;
    bool is_active;
    struct sample sample;
};

static int
known_next(struct kv_txn *txn, struct sampling *s)
{
    struct arena *a = kv_txn_arena(txn);
    struct gauges *g = s->gauges;
    struct kv_range range = {.limit = 1, .read = KV_SNAPSHOT};
    struct queue_name before;
    struct kv_iter *it;
    struct str value;
    if (g->at_len > 0)
        TRY(key_known_parse(a, (struct str){g->at, g->at_len}, &before));
    key_known_range(a, g->at_len > 0 ? &before : NULL, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &s->known, &value);
    kv_iter_close(it);
    TRY(code);
    return key_known_parse(a, s->known, &s->name);
}

// What the head of a standard queue knows of groups. False: nothing.
static bool
shares_of(struct gauges *g, const struct queue *q, struct shares *out)
{
    struct heads *heads = g->sqs->heads;
    if (q->record.is_fifo.value)
        return false;
    struct head *h = heads_ref(heads, q->place.generation);
    bool has_groups = due_shares_get(h, now_ms_of(g), out);
    head_unref(heads, h);
    return has_groups;
}

static int
sampling_body(struct kv_txn *txn, void *arg)
{
    struct sampling *s = arg;
    struct queue q;
    s->sample = (struct sample){.oldest_ms = INT64_MAX, .quiet_oldest_ms = INT64_MAX};
    TRY(job_check(s->job, txn));
    TRY(known_next(txn, s));
    int code = queue_find(txn, NULL, &s->name, &q);
    s->is_active = code == OK && is_active(s->gauges, s->known);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    struct shares *shares = ARENA_NEW(kv_txn_arena(txn), struct shares);
    bool has_groups = shares_of(s->gauges, &q, shares);
    return sample_take(txn, &q, now_ms_of(s->gauges), has_groups ? shares : NULL, &s->sample);
}

static int64_t
age_s(int64_t now_ms, int64_t sent_ms)
{
    return now_ms > sent_ms ? (now_ms - sent_ms) / 1000 : 0;
}

// Numbers of what is hidden are reported only where there is some, as AWS does.
static void
sampling_report(struct gauges *g, const struct sampling *s)
{
    const struct sample *n = &s->sample;
    int64_t now_ms = now_ms_of(g);
    bool has_messages = n->oldest_ms != INT64_MAX;
    const struct {
        const char *name;
        bool is_reported;
        int64_t value;
    } rows[] = {
        {"ApproximateNumberOfMessagesVisible", true, n->all.visible},
        {"ApproximateNumberOfMessagesNotVisible", n->all.in_flight > 0, n->all.in_flight},
        {"ApproximateNumberOfMessagesDelayed", n->all.delayed > 0, n->all.delayed},
        {"ApproximateAgeOfOldestMessage", has_messages, age_s(now_ms, n->oldest_ms)},
        {"ApproximateNumberOfGroupsWithInflightMessages", n->is_fifo, n->groups_in_flight},
        {"ApproximateNumberOfNoisyGroups", n->has_groups, n->noisy_groups},
        {"ApproximateNumberOfMessagesVisibleInQuietGroups", n->has_groups, n->quiet.visible},
        {"ApproximateNumberOfMessagesNotVisibleInQuietGroups", n->quiet.in_flight > 0,
         n->quiet.in_flight},
        {"ApproximateNumberOfMessagesDelayedInQuietGroups", n->quiet.delayed > 0, n->quiet.delayed},
        {"ApproximateAgeOfOldestMessageInQuietGroups", n->quiet_oldest_ms != INT64_MAX,
         age_s(now_ms, n->quiet_oldest_ms)},
    };
    struct metric_dimension queue = {STR("QueueName"), s->name.name};
    if (!s->is_active && !has_messages)
        return;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct metric_series series = {
            .account = s->name.account,
            .region = s->name.region,
            .name_space = STR("AWS/SQS"),
            .name = str_of(rows[i].name),
            .dimensions = &queue,
            .dimension_count = 1,
        };
        if (rows[i].is_reported)
            statistics_add(g->sqs->cloud->statistics, &g->arena, &series,
                           rows[i].value > 0 ? (double)rows[i].value : 0);
    }
}

static int
queue_sample(struct gauges *g, const struct job *job)
{
    struct sampling s = {.gauges = g, .job = job};
    int code = kv_run(g->sqs->cloud->kv, &g->arena, sampling_body, &s);
    g->at_len = 0;
    if (code == OK) {
        sampling_report(g, &s);
        g->at_len = s.known.len;
        memcpy(g->at, s.known.ptr, s.known.len);
    }
    arena_reset(&g->arena);
    return code;
}

static int
gauges_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct gauges *g = arg;
    int64_t now_ms = now_ms_of(g), minute = now_ms / STATISTICS_MINUTE_MS;
    *again_ns = deadline_in_ms(g->sqs->cloud->runtime,
                               STATISTICS_MINUTE_MS - now_ms % STATISTICS_MINUTE_MS);
    if (!g->is_sampling && minute == g->minute)
        return E_NOT_FOUND;
    if (!g->is_sampling)
        forget_inactive(g);
    g->minute = minute;
    int code = queue_sample(g, job);
    g->is_sampling = code == OK;
    return code;
}

void
gauges_start(struct gauges *g)
{
    job_start(&g->sqs->cloud->jobs, "sqs-gauges", gauges_step, g);
}
