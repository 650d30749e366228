// A hash table of series in memory, and their sets in the store.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/statistics.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "src/store/tuple.h"

enum { BUCKETS = 4096, SHARDS = 16, FLUSH_BATCH = 500, SET_BYTES = 4 * 8, TRIM_KEYS = 10 };

// One series in one minute.
struct entry {
    uint64_t hash;
    struct statistic_set set;
    size_t key_bytes;
    SLIST_ENTRY(entry) link;
    char key[];
};
SLIST_HEAD(entries, entry);

struct shard {
    pthread_mutex_t mutex;
    struct entries buckets[BUCKETS / SHARDS];
    size_t count;
};

struct statistics {
    struct runtime *rt;
    struct kv *kv;
    const struct log *log;
    struct shard shards[SHARDS];
};

// ("c10m", "metric", account, region, namespace, name, dimensions...): the prefix of a series'
// keys. A minute, an integer, follows.
static struct str
series_key(struct arena *a, const struct metric_series *m)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("c10m"));
    tuple_add_str(&t, STR("metric"));
    tuple_add_str(&t, m->account);
    tuple_add_str(&t, m->region);
    tuple_add_str(&t, m->name_space);
    tuple_add_str(&t, m->name);
    for (size_t i = 0; i < m->dimension_count; i++) {
        tuple_add_str(&t, m->dimensions[i].name);
        tuple_add_str(&t, m->dimensions[i].value);
    }
    return tuple_key(&t);
}

static struct str
minute_key(struct arena *a, struct str series, int64_t minute_ms)
{
    struct tuple t = {0};
    tuple_init(&t, a);
    buf_put(&t.buf, series);
    tuple_add_int(&t, minute_ms);
    return tuple_key(&t);
}

static struct entry *
find_entry(struct shard *shard, uint64_t hash, struct str key, int64_t minute_ms)
{
    struct entry *e;
    SLIST_FOREACH(e, &shard->buckets[hash / SHARDS % (BUCKETS / SHARDS)], link)
    if (e->hash == hash && e->set.minute_ms == minute_ms &&
        str_eq((struct str){e->key, e->key_bytes}, key))
        return e;
    return NULL;
}

static struct entry *
add_entry(struct shard *shard, uint64_t hash, struct str key, int64_t minute_ms)
{
    if (shard->count == METRIC_SERIES_MAX / SHARDS)
        return NULL;
    struct entry *e = calloc(1, sizeof(*e) + key.len);
    CHECK(e);
    e->hash = hash;
    e->set.minute_ms = minute_ms;
    e->key_bytes = key.len;
    memcpy(e->key, key.ptr, key.len);
    SLIST_INSERT_HEAD(&shard->buckets[hash / SHARDS % (BUCKETS / SHARDS)], e, link);
    shard->count++;
    return e;
}

static void
merge(struct statistic_set *to, const struct statistic_set *more)
{
    bool is_first = to->sample_count == 0;
    to->minimum = is_first || more->minimum < to->minimum ? more->minimum : to->minimum;
    to->maximum = is_first || more->maximum > to->maximum ? more->maximum : to->maximum;
    to->sample_count += more->sample_count;
    to->sum += more->sum;
}

void
statistics_add(struct statistics *s, struct arena *arena, const struct metric_series *series,
               double value)
{
    CHECK(series->dimension_count <= METRIC_DIMENSIONS_MAX);
    struct str key = series_key(arena, series);
    uint64_t hash = str_hash(key);
    int64_t now_ms = clock_service_ms(s->rt);
    int64_t minute_ms = now_ms - now_ms % STATISTICS_MINUTE_MS;
    struct shard *shard = &s->shards[hash % SHARDS];
    struct statistic_set one = {
        .sample_count = 1, .sum = value, .minimum = value, .maximum = value};
    pthread_mutex_lock(&shard->mutex);
    struct entry *e = find_entry(shard, hash, key, minute_ms);
    if (e == NULL && key.len <= METRIC_KEY_BYTES_MAX)
        e = add_entry(shard, hash, key, minute_ms);
    if (e != NULL)
        merge(&e->set, &one);
    pthread_mutex_unlock(&shard->mutex);
}

// -- sets in the store: sample count, sum, minimum, maximum, as bytes of doubles

static struct str
encode_set(struct arena *a, const struct statistic_set *set)
{
    double values[] = {set->sample_count, set->sum, set->minimum, set->maximum};
    char *bytes = arena_alloc_bytes(a, SET_BYTES);
    memcpy(bytes, values, SET_BYTES);
    return (struct str){bytes, SET_BYTES};
}

static int
decode_set(struct str value, struct statistic_set *out)
{
    double values[4];
    if (value.len != SET_BYTES)
        return E_INVALID;
    memcpy(values, value.ptr, SET_BYTES);
    out->sample_count = values[0];
    out->sum = values[1];
    out->minimum = values[2];
    out->maximum = values[3];
    return OK;
}

struct writing {
    struct entry *entries[FLUSH_BATCH];
    size_t count;
};

// What an earlier process of the same minute wrote stays in the set.
static int
write_set(struct kv_txn *txn, const struct entry *e)
{
    struct arena *a = kv_txn_arena(txn);
    struct str key = minute_key(a, (struct str){e->key, e->key_bytes}, e->set.minute_ms), value;
    struct statistic_set set = e->set, before = {0};
    TRY(kv_get(txn, key, KV_SERIALIZABLE, &value));
    if (str_is_present(value)) {
        TRY(decode_set(value, &before));
        merge(&set, &before);
    }
    return kv_set(txn, key, encode_set(a, &set));
}

// A few sets of the series that are too old: more than come in.
static int
trim(struct kv_txn *txn, const struct entry *e)
{
    struct arena *a = kv_txn_arena(txn);
    struct str series = {e->key, e->key_bytes}, key, value;
    struct kv_range range = {
        .from = minute_key(a, series, 0),
        .to = minute_key(a, series, e->set.minute_ms - STATISTICS_KEPT_MS),
        .limit = TRIM_KEYS,
        .read = KV_SNAPSHOT,
    };
    struct kv_iter *it;
    int code;
    if (e->set.minute_ms <= STATISTICS_KEPT_MS)
        return OK;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK && (code = kv_del(txn, key)) == OK)
        ;
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
write_batch(struct kv_txn *txn, void *arg)
{
    const struct writing *w = arg;
    for (size_t i = 0; i < w->count; i++) {
        TRY(write_set(txn, w->entries[i]));
        TRY(trim(txn, w->entries[i]));
    }
    return OK;
}

// Takes entries of minutes before that one out of the shard.
static void
take_over(struct shard *shard, int64_t before_ms, struct writing *w)
{
    pthread_mutex_lock(&shard->mutex);
    for (size_t i = 0; i < COUNT_OF(shard->buckets); i++) {
        struct entry *e, *next;
        for (e = SLIST_FIRST(&shard->buckets[i]); e != NULL && w->count < FLUSH_BATCH; e = next) {
            next = SLIST_NEXT(e, link);
            if (e->set.minute_ms >= before_ms)
                continue;
            SLIST_REMOVE(&shard->buckets[i], e, entry, link);
            shard->count--;
            w->entries[w->count++] = e;
        }
    }
    pthread_mutex_unlock(&shard->mutex);
}

// What cannot be written is lost, and the log says so: it must not fill the memory.
static void
write_taken(struct statistics *s, struct writing *w)
{
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(s->kv, &arena, write_batch, w);
    arena_fini(&arena);
    if (code != OK)
        log_event(s->log, LOG_WARN, "statistics_lost", "series=%zu code=%s", w->count,
                  code_name(code));
    for (size_t i = 0; i < w->count; i++)
        free(w->entries[i]);
}

static void
flush(struct statistics *s, int64_t before_ms)
{
    for (size_t i = 0; i < SHARDS;) {
        struct writing w = {0};
        take_over(&s->shards[i], before_ms, &w);
        if (w.count > 0)
            write_taken(s, &w);
        if (w.count < FLUSH_BATCH)
            i++;
    }
}

static void
run(struct background_job *job, void *arg)
{
    struct statistics *s = arg;
    int code = OK;
    while (code != E_CANCELLED) {
        struct lot_ticket ticket;
        background_enter(job, &ticket);
        int64_t now_ms = clock_service_ms(s->rt), over_ms = now_ms % STATISTICS_MINUTE_MS;
        flush(s, now_ms - over_ms);
        code = background_wait(job, &ticket, deadline_in_ms(s->rt, STATISTICS_MINUTE_MS - over_ms));
    }
}

static int
flush_all(void *arg)
{
    flush(arg, INT64_MAX);
    return OK;
}

struct statistics *
statistics_new(struct runtime *rt, struct kv *kv, const struct log *log)
{
    struct statistics *s = calloc(1, sizeof(*s));
    CHECK(s);
    s->rt = rt;
    s->kv = kv;
    s->log = log;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&s->shards[i].mutex, NULL);
    return s;
}

static void
shard_fini(struct shard *shard)
{
    for (size_t i = 0; i < COUNT_OF(shard->buckets); i++)
        for (struct entry *e; (e = SLIST_FIRST(&shard->buckets[i])) != NULL;) {
            SLIST_REMOVE_HEAD(&shard->buckets[i], link);
            free(e);
        }
    pthread_mutex_destroy(&shard->mutex);
}

void
statistics_free(struct statistics *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++)
        shard_fini(&s->shards[i]);
    free(s);
}

void
statistics_start(struct statistics *s, struct background *b)
{
    background_start(b, "statistics", run, s);
}

void
statistics_end(struct statistics *s)
{
    int code = runtime_call(s->rt, flush_all, s);
    CHECK(code == OK);
}

// -- reading

int
statistics_read(struct kv_txn *txn, const struct metric_series *series, int64_t from_ms,
                int64_t to_ms, size_t max, struct statistic_set **out, size_t *count)
{
    struct arena *a = kv_txn_arena(txn);
    struct str key = series_key(a, series), value;
    struct kv_range range = {.from = minute_key(a, key, from_ms),
                             .to = minute_key(a, key, to_ms),
                             .limit = max,
                             .read = KV_SNAPSHOT};
    struct kv_iter *it;
    int code = OK;
    size_t prefix = key.len;
    *out = arena_alloc_array(a, max, sizeof(**out));
    *count = 0;
    TRY(kv_range_open(txn, &range, &it));
    while (*count < max && (code = kv_iter_next(it, &key, &value)) == OK) {
        struct statistic_set *set = &(*out)[*count];
        struct tuple_reader r;
        tuple_reader_init(&r, a, str_slice(key, prefix, key.len));
        code = tuple_read_int(&r, &set->minute_ms);
        if (code == OK)
            code = decode_set(value, set);
        if (code != OK)
            break;
        ++*count;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

// The series that a key of the store belongs to.
static int
parse_series(struct arena *a, struct str key, struct metric_series *out, struct str *prefix)
{
    struct metric_dimension *dimensions =
        ARENA_ARRAY(a, METRIC_DIMENSIONS_MAX, struct metric_dimension);
    struct tuple_reader r;
    struct str skipped;
    *out = (struct metric_series){.dimensions = dimensions};
    tuple_reader_init(&r, a, key);
    TRY(tuple_read_str(&r, &skipped));
    TRY(tuple_read_str(&r, &skipped));
    TRY(tuple_read_str(&r, &out->account));
    TRY(tuple_read_str(&r, &out->region));
    TRY(tuple_read_str(&r, &out->name_space));
    TRY(tuple_read_str(&r, &out->name));
    while (out->dimension_count < METRIC_DIMENSIONS_MAX &&
           tuple_read_str(&r, &dimensions[out->dimension_count].name) == OK)
        TRY(tuple_read_str(&r, &dimensions[out->dimension_count++].value));
    *prefix = str_slice(key, 0, key.len - r.rest.len);
    return OK;
}

int
statistics_list(struct kv_txn *txn, struct str account, struct str region, struct str name_space,
                struct str after, size_t max, struct metric_listing *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct tuple t;
    struct kv_range range = {.read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value, prefix;
    int code = OK;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("c10m"));
    tuple_add_str(&t, STR("metric"));
    tuple_add_str(&t, account);
    tuple_add_str(&t, region);
    if (str_is_present(name_space))
        tuple_add_str(&t, name_space);
    tuple_range(&t, a, &range.from, &range.to);
    if (str_is_present(after))
        range.from = after;
    *out = (struct metric_listing){.series = arena_alloc_array(a, max, sizeof(*out->series))};
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK) {
        if (out->count == max) {
            out->next = key;
            break;
        }
        code = parse_series(a, key, &out->series[out->count], &prefix);
        if (code != OK)
            break;
        out->count++;
        // Behind all minutes of this series, which are integers; its dimensions would be texts.
        code = kv_iter_seek(it, minute_key(a, prefix, INT64_MAX));
        if (code != OK)
            break;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}
