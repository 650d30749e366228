// Commits that go to disk together: checked, given versions, resolved.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/batch.h"

#include <endian.h>
#include <stdlib.h>

#include "src/store/counters.h"
#include "src/store/history.h"

enum { BATCH_BYTES_MAX = 8 * 1024 * 1024, KEYS_FIRST = 256 };

struct batch {
    struct runtime *runtime;
    struct backend *backend;
    const struct live *live;
    struct watches *watches;
    struct read_cache *read_cache; // NULL: none
    struct history *history;
    struct counters *counters;
    struct arena arena; // what was resolved, until it is written
    struct str *keys;   // written since the last write, in arenas that live until then
    size_t key_count, key_size;
    bool is_begun; // the right to write was asked for; what came of it:
    int begin_code;
    size_t bytes;               // added since the last write
    uint64_t version;           // of the last commit that was added
    _Atomic uint64_t published; // of the last one that was written
};

// Loads the value of a counter unless it is known. E_AGAIN: it is in this batch, not yet readable.
static int
load_counter(struct batch *b, struct str key)
{
    int64_t value;
    if (counters_find(b->counters, key, &value))
        return OK;
    if (history_version(b->history, key) > b->published)
        return E_AGAIN;
    struct str stored;
    TRY(b->backend->ops->get(b->backend, NULL, key, &b->arena, &stored));
    counters_put(b->counters, key, kv_counter(stored));
    return OK;
}

static int
load_counters(struct batch *b, const struct overlay *o)
{
    if (o->writes == NULL)
        return OK;
    for (struct omap_entry *e = omap_first(o->writes); e != NULL; e = omap_next(e)) {
        if (((struct overlay_write *)e->value)->kind == OVERLAY_ADD)
            TRY(load_counter(b, e->key));
    }
    return OK;
}

static int
decide(struct batch *b, const struct commit *c)
{
    if (clock_mono_ns(b->runtime) > c->deadline_ns)
        return E_TOO_OLD;
    if (c->reads != NULL && history_conflicts(b->history, c->reads, c->read_version))
        return E_CONFLICT;
    size_t bytes = b->bytes + c->writes->bytes;
    if (!b->backend->ops->has_room(b->backend, bytes, c->is_growth))
        return E_FULL;
    return load_counters(b, c->writes);
}

static void
note_key(struct batch *b, struct str key)
{
    if (b->key_count == b->key_size) {
        b->key_size = b->key_size == 0 ? KEYS_FIRST : 2 * b->key_size;
        b->keys = reallocarray(b->keys, b->key_size, sizeof *b->keys);
        CHECK(b->keys != NULL);
    }
    b->keys[b->key_count++] = key;
    history_put(b->history, key, b->version);
    if (b->read_cache != NULL)
        read_cache_written(b->read_cache, key, b->version);
}

static void
put(struct batch *b, struct str key, struct str value)
{
    b->backend->ops->batch_put(b->backend, key, value);
    note_key(b, key);
    counters_note(b->counters, key, value);
}

static void
del(struct batch *b, struct str key)
{
    b->backend->ops->batch_del(b->backend, key);
    note_key(b, key);
    counters_note(b->counters, key, (struct str){0});
}

static void
add(struct batch *b, struct str key, int64_t delta)
{
    int64_t value = 0;
    CHECK(counters_find(b->counters, key, &value)); // load_counters saw to it
    char *bytes = arena_alloc_bytes(&b->arena, COUNTER_BYTES);
    counter_encode(counter_sum(value, delta), bytes);
    put(b, key, (struct str){bytes, COUNTER_BYTES});
}

// `s` with the stamp of the commit being added at `at`.
static struct str
stamp(struct batch *b, struct str s, size_t at)
{
    if (at == KV_NO_STAMP)
        return s;
    struct str copy = arena_copy(&b->arena, s);
    uint64_t bytes = htobe64(b->version);
    memcpy((char *)copy.ptr + at, &bytes, sizeof bytes);
    return copy;
}

static void
add_write(struct batch *b, struct str key, const struct overlay_write *w)
{
    switch (w->kind) {
    case OVERLAY_SET:
        put(b, key, w->value);
        break;
    case OVERLAY_DEL:
        del(b, key);
        break;
    case OVERLAY_ADD:
        add(b, key, w->delta);
        break;
    case OVERLAY_STAMPED:
        put(b, key, stamp(b, w->value, w->value_at));
        break;
    }
}

static void
add_writes(struct batch *b, const struct overlay *o)
{
    struct omap_entry *e = o->writes == NULL ? NULL : omap_first(o->writes);
    for (; e != NULL; e = omap_next(e))
        add_write(b, e->key, e->value);
    for (const struct overlay_stamped *s = o->stamped; s != NULL; s = s->next)
        put(b, stamp(b, s->key, s->key_at), stamp(b, s->value, s->value_at));
    b->bytes += o->bytes;
}

struct batch *
batch_new(struct runtime *rt, struct backend *backend, const struct live *live,
          struct watches *watches, struct read_cache *read_cache)
{
    struct batch *b = calloc(1, sizeof *b);
    CHECK(b != NULL);
    b->runtime = rt;
    b->backend = backend;
    b->live = live;
    b->watches = watches;
    b->read_cache = read_cache;
    b->history = history_new();
    b->counters = counters_new();
    arena_init(&b->arena);
    b->version = b->published = backend->ops->version(backend);
    return b;
}

void
batch_free(struct batch *b)
{
    if (b == NULL)
        return;
    history_free(b->history);
    counters_free(b->counters);
    arena_fini(&b->arena);
    free(b->keys);
    free(b);
}

// Somebody else's writes, which lie between those of this process.
static void
note_changed(void *arg, struct str key, uint64_t version)
{
    struct batch *b = arg;
    history_put(b->history, key, version);
    counters_forget(b->counters, key);
}

static void
note_forgotten(void *arg, uint64_t version)
{
    struct batch *b = arg;
    history_reset(b->history, version);
    counters_forget_all(b->counters);
}

// Once for each batch, where others write too.
static int
begin(struct batch *b)
{
    if (b->is_begun || b->backend->ops->batch_begin == NULL)
        return b->begin_code;
    const struct backend_news news = {b, note_changed, note_forgotten};
    uint64_t version = b->version;
    b->is_begun = true;
    b->begin_code = b->backend->ops->batch_begin(b->backend, &news, &version);
    if (b->begin_code == OK) {
        b->version = version;
        atomic_store(&b->published, version);
    }
    return b->begin_code;
}

int
batch_add(struct batch *b, struct commit *c)
{
    if (b->bytes > 0 && b->bytes + c->writes->bytes > BATCH_BYTES_MAX)
        return E_AGAIN;
    c->code = begin(b);
    if (c->code == OK)
        c->code = decide(b, c);
    if (c->code == E_AGAIN)
        return E_AGAIN;
    if (c->code != OK)
        return OK;
    c->version = ++b->version;
    add_writes(b, c->writes);
    return OK;
}

static int
write_begun(struct batch *b)
{
    const struct backend_ops *ops = b->backend->ops;
    int code = ops->batch_write(b->backend, b->version);
    if (code != E_UNKNOWN)
        return code;
    code = ops->batch_find(b->backend);
    if (code == E_NOT_FOUND)
        return E_AGAIN;
    return code == OK ? OK : E_UNKNOWN;
}

static void
publish(struct batch *b)
{
    atomic_store(&b->published, b->version);
    // After the write, with the barrier of the store between: who is too late for this reads it.
    watches_fire(b->watches, b->keys, b->key_count);
}

// What was noted of a batch that was not written must not meet the versions that are given again.
static void
take_back(struct batch *b, int code)
{
    if (code == E_UNKNOWN)
        publish(b); // it may have been written: its versions are used up
    b->version = b->published;
    history_reset(b->history, b->version);
    counters_forget_all(b->counters);
}

int
batch_write(struct batch *b)
{
    bool is_empty = b->version == b->published;
    bool is_begun = b->is_begun && b->begin_code == OK;
    b->is_begun = false;
    b->begin_code = OK;
    if (is_empty) {
        if (is_begun)
            b->backend->ops->batch_cancel(b->backend);
        return E_NOT_FOUND;
    }
    int code = write_begun(b);
    if (code == OK)
        publish(b);
    else
        take_back(b, code);
    b->key_count = 0;
    b->bytes = 0;
    arena_reset(&b->arena);
    return code == E_AGAIN ? E_CONFLICT : code;
}

void
batch_prune(struct batch *b)
{
    counters_trim(b->counters);
    // Looked up after publishing: see live_read_begin.
    uint64_t oldest = live_oldest(b->live);
    history_prune(b->history, oldest < b->published ? oldest : b->published);
}

const _Atomic uint64_t *
batch_published(const struct batch *b)
{
    return &b->published;
}
