// The back end in memory: every key with its versions, for tests, --ephemeral and comparison.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdlib.h>

#include "src/base/omap.h"
#include "src/store/backend.h"
#include "src/store/backup.h"

struct mem_value {
    struct mem_value *older;
    uint64_t version;
    bool is_marked;   // there is a struct mem_stale for it
    struct str bytes; // absent: deleted. Behind the struct.
};

struct backend_snapshot {
    uint64_t version;
    struct backend_snapshot *older, *newer;
};

struct mem_op {
    struct str key;
    struct str value; // absent: deletion
};

// A key that has versions which nobody needs once every snapshot has reached `version`.
struct mem_stale {
    struct mem_stale *next;
    uint64_t version;
    struct omap_entry *entry;
};

struct mem {
    struct backend backend;
    pthread_mutex_t mutex;                // over everything below but the batch
    struct omap *keys;                    // to struct mem_value, the newest first
    uint64_t version;                     // of the last batch
    struct backend_snapshot ends;         // ends.newer: the oldest
    struct mem_stale *stale, **stale_end; // by version
    struct mem_op *ops;                   // the batch
    size_t op_count, op_size;
    kv_fault_fn *fault;
    void *fault_arg;
    int found; // what batch_find says about the last batch
};

struct backend_iter {
    struct mem *mem;
    uint64_t version;
    struct arena *arena;
    struct str from, to;
    bool is_reverse;
    struct str at; // where to go on
    bool is_at_included;
};

static struct mem *
mem_of(struct backend *b)
{
    return (struct mem *)b;
}

static const struct mem_value *
value_at(const struct mem_value *newest, uint64_t version)
{
    while (newest != NULL && newest->version > version)
        newest = newest->older;
    return newest;
}

static void
free_values(void *newest)
{
    for (struct mem_value *v = newest, *older; v != NULL; v = older) {
        older = v->older;
        free(v);
    }
}

// Frees the versions that snapshots from `oldest` on cannot see. The key goes when its last version
// is a deletion; `marked` is that of the mark being worked off, so that no later mark loses its
// key.
static void
prune_key(struct mem *m, struct omap_entry *e, uint64_t marked, uint64_t oldest)
{
    struct mem_value *newest = e->value, *kept = newest;
    while (kept->version > oldest)
        kept = kept->older;
    free_values(kept->older);
    kept->older = NULL;
    if (kept == newest && newest->version == marked && !str_is_present(newest->bytes))
        free(omap_take(m->keys, e->key));
}

static void
prune(struct mem *m)
{
    uint64_t oldest = m->ends.newer == &m->ends ? m->version : m->ends.newer->version;
    while (m->stale != NULL && m->stale->version <= oldest) {
        struct mem_stale *s = m->stale;
        m->stale = s->next;
        if (m->stale == NULL)
            m->stale_end = &m->stale;
        prune_key(m, s->entry, s->version, oldest);
        free(s);
    }
}

static void
mark_stale(struct mem *m, struct omap_entry *e, struct mem_value *newest)
{
    if (newest->is_marked || (newest->older == NULL && str_is_present(newest->bytes)))
        return;
    struct mem_stale *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    *s = (struct mem_stale){.version = newest->version, .entry = e};
    *m->stale_end = s;
    m->stale_end = &s->next;
    newest->is_marked = true;
}

static struct mem_value *
value_new(struct str bytes, uint64_t version)
{
    struct mem_value *v = calloc(1, sizeof *v + bytes.len);
    CHECK(v != NULL);
    v->version = version;
    if (str_is_present(bytes)) {
        v->bytes = (struct str){(char *)(v + 1), bytes.len};
        memcpy(v + 1, bytes.ptr, bytes.len);
    }
    return v;
}

static void
apply(struct mem *m, const struct mem_op *op, uint64_t version)
{
    if (!str_is_present(op->value) && omap_find(m->keys, op->key) == NULL)
        return;
    struct omap_entry *e = omap_put(m->keys, op->key);
    struct mem_value *v = value_new(op->value, version);
    v->older = e->value;
    if (v->older != NULL && v->older->version == version) { // twice in one batch
        struct mem_value *replaced = v->older;
        v->older = replaced->older;
        v->is_marked = replaced->is_marked;
        free(replaced);
    }
    e->value = v;
    mark_stale(m, e, v);
}

static struct str
copy_present(struct arena *arena, struct str s)
{
    return str_is_present(s) ? arena_copy(arena, s) : s;
}

static void
mem_close(struct backend *b)
{
    struct mem *m = mem_of(b);
    CHECK(m->ends.newer == &m->ends);
    prune(m);
    omap_free(m->keys, free_values);
    free(m->ops);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

static uint64_t
mem_version(struct backend *b)
{
    struct mem *m = mem_of(b);
    pthread_mutex_lock(&m->mutex);
    uint64_t version = m->version;
    pthread_mutex_unlock(&m->mutex);
    return version;
}

static int
mem_snapshot_new(struct backend *b, uint64_t *version, struct backend_snapshot **out)
{
    struct mem *m = mem_of(b);
    struct backend_snapshot *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    pthread_mutex_lock(&m->mutex);
    s->version = m->version;
    s->newer = &m->ends;
    s->older = m->ends.older;
    s->older->newer = s;
    m->ends.older = s;
    pthread_mutex_unlock(&m->mutex);
    *out = s;
    return OK;
}

static void
mem_snapshot_free(struct backend *b, struct backend_snapshot *s)
{
    struct mem *m = mem_of(b);
    pthread_mutex_lock(&m->mutex);
    s->older->newer = s->newer;
    s->newer->older = s->older;
    prune(m);
    pthread_mutex_unlock(&m->mutex);
    free(s);
}

static int
mem_get(struct backend *b, struct backend_snapshot *s, struct str key, struct arena *arena,
        struct str *out)
{
    struct mem *m = mem_of(b);
    pthread_mutex_lock(&m->mutex);
    const struct omap_entry *e = omap_find(m->keys, key);
    const struct mem_value *v =
        e == NULL ? NULL : value_at(e->value, s == NULL ? m->version : s->version);
    *out = v == NULL ? (struct str){0} : copy_present(arena, v->bytes);
    pthread_mutex_unlock(&m->mutex);
    return OK;
}

static int
mem_get_many(struct backend *b, struct backend_snapshot *s, const struct str *keys, size_t n,
             struct arena *arena, struct str *out)
{
    for (size_t i = 0; i < n; i++)
        TRY(mem_get(b, s, keys[i], arena, &out[i]));
    return OK;
}

static struct backend_iter *
mem_iter_open(struct backend *b, struct backend_snapshot *s, struct str from, struct str to,
              bool is_reverse, struct arena *arena)
{
    struct backend_iter *it = ARENA_NEW(arena, struct backend_iter);
    *it = (struct backend_iter){.mem = mem_of(b),
                                .version = s->version,
                                .arena = arena,
                                .from = from,
                                .to = to,
                                .is_reverse = is_reverse,
                                .at = is_reverse ? to : from,
                                .is_at_included = !is_reverse};
    return it;
}

static void
mem_iter_seek(struct backend_iter *it, struct str key, bool is_included)
{
    it->at = key;
    it->is_at_included = is_included;
}

static struct omap_entry *
first_entry(const struct backend_iter *it)
{
    const struct omap *keys = it->mem->keys;
    struct omap_entry *at = omap_find(keys, it->at);
    if (at != NULL && it->is_at_included)
        return at;
    if (it->is_reverse)
        return omap_before(keys, it->at);
    return at != NULL ? omap_next(at) : omap_lower_bound(keys, it->at);
}

static struct omap_entry *
entry_after(const struct backend_iter *it, struct omap_entry *e)
{
    return it->is_reverse ? omap_before(it->mem->keys, e->key) : omap_next(e);
}

static bool
is_in_range(const struct backend_iter *it, struct str key)
{
    return str_cmp(it->from, key) <= 0 && str_cmp(key, it->to) < 0;
}

static int
find_next(struct backend_iter *it, struct str *key, struct str *value)
{
    struct omap_entry *e = first_entry(it);
    for (; e != NULL && is_in_range(it, e->key); e = entry_after(it, e)) {
        const struct mem_value *v = value_at(e->value, it->version);
        if (v == NULL || !str_is_present(v->bytes))
            continue;
        *key = it->at = arena_copy(it->arena, e->key);
        *value = arena_copy(it->arena, v->bytes);
        it->is_at_included = false;
        return OK;
    }
    return E_NOT_FOUND;
}

static int
mem_iter_next(struct backend_iter *it, struct str *key, struct str *value)
{
    pthread_mutex_lock(&it->mem->mutex);
    int code = find_next(it, key, value);
    pthread_mutex_unlock(&it->mem->mutex);
    return code;
}

static void
mem_iter_close(struct backend_iter *it)
{
}

static uint64_t
mem_cold_reads(struct backend *b)
{
    return 0;
}

static bool
mem_has_room(struct backend *b, size_t bytes, bool is_growth)
{
    return true;
}

static void
mem_batch_put(struct backend *b, struct str key, struct str value)
{
    struct mem *m = mem_of(b);
    if (m->op_count == m->op_size) {
        m->op_size = m->op_size == 0 ? 64 : 2 * m->op_size;
        m->ops = reallocarray(m->ops, m->op_size, sizeof *m->ops);
        CHECK(m->ops != NULL);
    }
    m->ops[m->op_count++] = (struct mem_op){key, value};
}

static void
mem_batch_del(struct backend *b, struct str key)
{
    mem_batch_put(b, key, (struct str){0});
}

static void
apply_all(struct mem *m, uint64_t version)
{
    pthread_mutex_lock(&m->mutex);
    for (size_t i = 0; i < m->op_count; i++)
        apply(m, &m->ops[i], version);
    m->version = version;
    prune(m);
    pthread_mutex_unlock(&m->mutex);
}

static int
mem_batch_write(struct backend *b, uint64_t version)
{
    struct mem *m = mem_of(b);
    enum kv_fault fault = m->fault == NULL ? KV_FAULT_NONE : m->fault(m->fault_arg);
    bool is_written = fault == KV_FAULT_NONE || fault == KV_FAULT_REPLY_LOST;
    if (is_written)
        apply_all(m, version);
    m->op_count = 0;
    m->found = is_written ? OK : fault == KV_FAULT_UNREACHABLE ? E_IO : E_NOT_FOUND;
    if (fault == KV_FAULT_REFUSED)
        return E_AGAIN;
    return fault == KV_FAULT_NONE ? OK : E_UNKNOWN;
}

static int
mem_batch_find(struct backend *b)
{
    return mem_of(b)->found;
}

// Every key at a snapshot, one after the other.
struct mem_source {
    struct mem *mem;
    struct backend_snapshot *snapshot;
    struct str at; // the last key; absent before the first
};

static int
source_next(void *arg, struct arena *arena, struct str *key, struct str *value)
{
    struct mem_source *s = arg;
    pthread_mutex_lock(&s->mem->mutex);
    struct omap_entry *e =
        str_is_present(s->at) ? omap_find(s->mem->keys, s->at) : omap_first(s->mem->keys);
    if (e != NULL && str_is_present(s->at))
        e = omap_next(e);
    const struct mem_value *v = NULL;
    for (; e != NULL; e = omap_next(e)) {
        v = value_at(e->value, s->snapshot->version);
        if (v != NULL && str_is_present(v->bytes))
            break;
    }
    if (e != NULL) {
        *key = s->at = e->key; // stays: the snapshot keeps it
        *value = arena_copy(arena, v->bytes);
    }
    pthread_mutex_unlock(&s->mem->mutex);
    return e != NULL ? OK : E_NOT_FOUND;
}

static int
mem_backup(struct backend *b, const char *dir, uint64_t *version_base, char *problem,
           size_t problem_size)
{
    struct mem_source s = {.mem = mem_of(b)};
    TRY(mem_snapshot_new(b, version_base, &s.snapshot));
    *version_base = s.snapshot->version;
    int code = backup_copy(dir, source_next, &s, problem, problem_size);
    mem_snapshot_free(b, s.snapshot);
    return code;
}

static const struct backend_ops mem_ops = {
    .key_bytes_max = KV_KEY_BYTES_MAX,
    .close = mem_close,
    .version = mem_version,
    .snapshot_new = mem_snapshot_new,
    .snapshot_free = mem_snapshot_free,
    .get = mem_get,
    .get_many = mem_get_many,
    .backup = mem_backup,
    .iter_open = mem_iter_open,
    .iter_seek = mem_iter_seek,
    .iter_next = mem_iter_next,
    .iter_close = mem_iter_close,
    .cold_reads = mem_cold_reads,
    .has_room = mem_has_room,
    .batch_put = mem_batch_put,
    .batch_del = mem_batch_del,
    .batch_write = mem_batch_write,
    .batch_find = mem_batch_find,
};

struct backend *
mem_open(const struct kv_options *options)
{
    struct mem *m = calloc(1, sizeof *m);
    CHECK(m != NULL);
    m->backend.ops = &mem_ops;
    m->fault = options->fault;
    m->fault_arg = options->fault_arg;
    CHECK(pthread_mutex_init(&m->mutex, NULL) == 0);
    m->keys = omap_new(1);
    m->ends.older = m->ends.newer = &m->ends;
    m->stale_end = &m->stale;
    return &m->backend;
}
