// Deleting much: ranges of keys that nobody refers to any more, a little at a time.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/reaper.h"

#include <stdlib.h>

#include "src/store/tuple.h"

// ("c10m", "garbage", kind, from)       to
// ("c10m", "garbage-at", kind, from)    the last key deleted: without it, each batch, and the first
//                                       one of another process, would be read over the tombstones
//                                       of all before
#define JOB_NAME "c10m-reaper"

struct handler {
    const char *kind;
    reaper_key_fn *fn;
    void *arg;
};

struct reaper {
    struct jobs_options options;
    struct handler handlers[REAPER_KINDS_MAX];
    size_t handler_count;
    struct arena arena; // of one transaction at a time
};

static struct str
garbage_key(struct arena *a, const char *what, struct str kind, struct str from)
{
    struct tuple t = tuple_shared(a, what);
    tuple_add_str(&t, kind);
    tuple_add_str(&t, from);
    return tuple_key(&t);
}

static void
garbage_range(struct arena *a, struct kv_range *out)
{
    struct tuple t = tuple_shared(a, "garbage");
    tuple_range(&t, a, &out->from, &out->to);
}

// One range of garbage.
struct garbage {
    struct str key, at_key;
    struct str kind;
    struct str from, to;
    const struct handler *handler; // NULL: just keys
};

static int
garbage_parse(struct arena *a, struct str key, struct str value, struct garbage *out)
{
    struct tuple_reader r;
    struct str skipped;
    *out = (struct garbage){.key = key, .to = value};
    tuple_reader_init(&r, a, key);
    for (int i = 0; i < 2; i++)
        TRY(tuple_read_str(&r, &skipped));
    TRY(tuple_read_str(&r, &out->kind));
    TRY(tuple_read_str(&r, &out->from));
    out->at_key = garbage_key(a, "garbage-at", out->kind, out->from);
    return OK;
}

// False: a later build's kind, or one whose service is not here: it waits.
static bool
handler_find(const struct reaper *r, struct garbage *g)
{
    for (size_t i = 0; i < r->handler_count; i++)
        if (str_eq(g->kind, str_of(r->handlers[i].kind)))
            g->handler = &r->handlers[i];
    return g->kind.len == 0 || g->handler != NULL;
}

// The first range that can be worked on. E_NOT_FOUND: there is none.
static int
garbage_first(const struct reaper *r, struct kv_txn *txn, struct garbage *out)
{
    struct kv_range range = {0};
    struct kv_iter *it;
    struct str key, value;
    int code;
    garbage_range(kv_txn_arena(txn), &range);
    TRY(kv_range_open(txn, &range, &it));
    do {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = garbage_parse(kv_txn_arena(txn), key, value, out);
    } while (code == OK && !handler_find(r, out));
    kv_iter_close(it);
    return code;
}

struct batch {
    const struct reaper *reaper;
    const struct job *job;
    int64_t until_ns; // then it has taken long enough
    struct str *keys, *values;
    size_t count;
    bool is_last;
};

static bool
is_late(const struct batch *b)
{
    return clock_mono_ns(b->reaper->options.runtime) >= b->until_ns;
}

// Where the batch before this one ended.
static int
range_read(struct kv_txn *txn, const struct garbage *g, struct kv_range *out)
{
    struct str at;
    *out = (struct kv_range){.from = g->from, .to = g->to, .read = KV_SNAPSHOT};
    TRY(kv_get(txn, g->at_key, KV_SERIALIZABLE, &at));
    if (str_is_present(at))
        out->from = key_after(kv_txn_arena(txn), at);
    return OK;
}

static int
batch_read(struct kv_txn *txn, const struct garbage *g, struct batch *b)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range;
    struct kv_iter *it;
    size_t used_before = a->used_bytes;
    int code = OK;
    TRY(range_read(txn, g, &range));
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && b->count < REAPER_BATCH_KEYS && (b->count == 0 || !is_late(b)) &&
           a->used_bytes - used_before < REAPER_BATCH_BYTES) {
        code = kv_iter_next(it, &b->keys[b->count], &b->values[b->count]);
        b->count += code == OK;
    }
    kv_iter_close(it);
    b->is_last = code == E_NOT_FOUND;
    return b->is_last ? OK : code;
}

// Of kinds with consequences as many as there is time for.
static int
batch_delete(struct kv_txn *txn, const struct garbage *g, struct batch *b)
{
    size_t i = 0;
    for (; i < b->count && (i == 0 || g->handler == NULL || !is_late(b)); i++) {
        if (g->handler != NULL)
            TRY(g->handler->fn(g->handler->arg, txn, b->keys[i], b->values[i]));
        TRY(kv_del(txn, b->keys[i]));
    }
    b->is_last = b->is_last && i == b->count;
    b->count = i;
    return OK;
}

// Keys first, then what becomes of them: the handlers may read and write.
static int
reap_body(struct kv_txn *txn, void *arg)
{
    struct batch *b = arg;
    struct arena *a = kv_txn_arena(txn);
    struct garbage g;
    TRY(job_check(b->job, txn));
    TRY(garbage_first(b->reaper, txn, &g));
    kv_makes_room(txn);
    b->until_ns = deadline_in_ms(b->reaper->options.runtime, REAPER_BATCH_MS);
    b->keys = ARENA_ARRAY(a, REAPER_BATCH_KEYS, struct str);
    b->values = ARENA_ARRAY(a, REAPER_BATCH_KEYS, struct str);
    b->count = 0;
    TRY(batch_read(txn, &g, b));
    TRY(batch_delete(txn, &g, b));
    if (!b->is_last)
        return kv_set(txn, g.at_key, b->keys[b->count - 1]);
    TRY(kv_del(txn, g.at_key));
    return kv_del(txn, g.key);
}

static int
reaper_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct reaper *r = arg;
    struct batch b = {.reaper = r, .job = job};
    *again_ns = DEADLINE_NEVER;
    int code = kv_run(r->options.kv, &r->arena, reap_body, &b);
    arena_reset(&r->arena);
    return code;
}

struct reaper *
reaper_new(const struct jobs_options *options)
{
    struct reaper *r = calloc(1, sizeof(*r));
    CHECK(r);
    r->options = *options;
    arena_init(&r->arena);
    return r;
}

void
reaper_free(struct reaper *r)
{
    if (r == NULL)
        return;
    arena_fini(&r->arena);
    free(r);
}

void
reaper_handle(struct reaper *r, const char *kind, reaper_key_fn *fn, void *arg)
{
    CHECK(r->handler_count < REAPER_KINDS_MAX);
    r->handlers[r->handler_count++] = (struct handler){kind, fn, arg};
}

void
reaper_start(struct reaper *r)
{
    job_start(&r->options, JOB_NAME, reaper_step, r);
}

static void
reaper_wake(void *arg)
{
    struct reaper *r = arg;
    job_wake(r->options.background, JOB_NAME);
}

static struct str
kind_of(const char *kind)
{
    return kind != NULL ? str_of(kind) : STR("");
}

int
reaper_add(struct reaper *r, struct kv_txn *txn, const char *kind, struct str from, struct str to)
{
    struct arena *a = kv_txn_arena(txn);
    CHECK(str_cmp(from, to) < 0);
    kv_after_commit(txn, reaper_wake, r);
    kv_makes_room(txn);
    // Where an earlier range with that beginning was counts for nothing.
    TRY(kv_del(txn, garbage_key(a, "garbage-at", kind_of(kind), from)));
    return kv_set(txn, garbage_key(a, "garbage", kind_of(kind), from), to);
}

int
reaper_has(struct kv_txn *txn, const char *kind, struct str from, bool *out)
{
    struct str value;
    TRY(kv_get(txn, garbage_key(kv_txn_arena(txn), "garbage", kind_of(kind), from), KV_SERIALIZABLE,
               &value));
    *out = str_is_present(value);
    return OK;
}

int
reaper_is_idle(struct kv_txn *txn, bool *out)
{
    struct kv_range range = {.limit = 1};
    struct kv_iter *it;
    struct str key, value;
    garbage_range(kv_txn_arena(txn), &range);
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &key, &value);
    kv_iter_close(it);
    *out = code == E_NOT_FOUND;
    return *out ? OK : code;
}
