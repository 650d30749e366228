// What CloudWatch is told of queues each minute: how many messages, and how old.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/gauges.h"

#include <pthread.h>
#include <stdlib.h>

#include "services/sqs/counts.h"
#include "services/sqs/group.h"
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

struct sample {
    struct gauges *gauges;
    const struct job *job;
    struct str known;
    struct queue_name name;
    bool is_active;
    struct counts counts;
    int64_t oldest_ms; // sent; INT64_MAX: there are no messages
};

static int
known_next(struct kv_txn *txn, struct sample *s)
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

// The first one of the index: others that were received or delayed may be older.
static int
standard_oldest(struct kv_txn *txn, const struct queue *q, int64_t *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = 1, .read = KV_SNAPSHOT};
    struct sqs_delivery_record delivery;
    struct message_id id;
    struct kv_iter *it;
    struct str key, value;
    key_due_range(a, &q->place, INT64_MIN, NULL, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &key, &value);
    if (code == OK)
        code = key_due_parse(a, key, out, &id);
    if (code == OK)
        code = record_decode(&sqs_delivery_record_type, value, a, &delivery);
    if (code == OK && delivery.sent_ms.is_present)
        *out = delivery.sent_ms.value;
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
fifo_oldest(struct kv_txn *txn, const struct queue *q, int64_t *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = GAUGES_GROUPS_MAX, .read = KV_SNAPSHOT};
    struct str *groups = ARENA_ARRAY(a, GAUGES_GROUPS_MAX, struct str);
    struct kv_iter *it;
    struct str key, value;
    size_t count = 0, found;
    int64_t due_ms;
    int code = OK;
    key_ready_range(a, &q->place, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && count < GAUGES_GROUPS_MAX) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = key_ready_parse(a, key, &due_ms, &groups[count]);
        count += code == OK;
    }
    kv_iter_close(it);
    for (size_t i = 0; i < count; i++) {
        struct slot slot;
        TRY(slots_read(txn, &q->place, groups[i], INT64_MAX, &slot, 1, &found));
        if (found > 0 && slot.record.sent_ms.value < *out)
            *out = slot.record.sent_ms.value;
    }
    return code == E_NOT_FOUND ? OK : code;
}

static int
counts_sample(struct kv_txn *txn, const struct queue *q, int64_t now_ms, struct counts *out)
{
    struct str total;
    TRY(kv_get(txn, key_count(kv_txn_arena(txn), &q->place), KV_SNAPSHOT, &total));
    *out = (struct counts){.visible = kv_counter(total)};
    if (out->visible == 0)
        return OK;
    if (!q->record.is_fifo.value || out->visible <= GAUGES_FIFO_COUNT_MAX)
        return counts_get(txn, q, now_ms, out);
    TRY(counts_in_flight(txn, q, now_ms, &out->in_flight));
    out->visible -= out->in_flight;
    return OK;
}

static int
sample_body(struct kv_txn *txn, void *arg)
{
    struct sample *s = arg;
    struct queue q;
    s->counts = (struct counts){0};
    s->oldest_ms = INT64_MAX;
    TRY(job_check(s->job, txn));
    TRY(known_next(txn, s));
    int code = queue_find(txn, NULL, &s->name, &q);
    s->is_active = code == OK && is_active(s->gauges, s->known);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    TRY(counts_sample(txn, &q, now_ms_of(s->gauges), &s->counts));
    return q.record.is_fifo.value ? fifo_oldest(txn, &q, &s->oldest_ms)
                                  : standard_oldest(txn, &q, &s->oldest_ms);
}

// Numbers of what is hidden are reported only where there is some, as AWS does.
static void
sample_report(struct gauges *g, const struct sample *s)
{
    const struct counts *n = &s->counts;
    bool has_messages = s->oldest_ms != INT64_MAX;
    const struct {
        const char *name;
        bool is_reported;
        int64_t value;
    } rows[] = {
        {"ApproximateNumberOfMessagesVisible", true, n->visible},
        {"ApproximateNumberOfMessagesNotVisible", n->in_flight > 0, n->in_flight},
        {"ApproximateNumberOfMessagesDelayed", n->delayed > 0, n->delayed},
        {"ApproximateAgeOfOldestMessage", has_messages,
         has_messages ? (now_ms_of(g) - s->oldest_ms) / 1000 : 0},
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
    struct sample s = {.gauges = g, .job = job};
    int code = kv_run(g->sqs->cloud->kv, &g->arena, sample_body, &s);
    g->at_len = 0;
    if (code == OK) {
        sample_report(g, &s);
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
