// The durable back end: RocksDB through its C API, in a data directory of ours.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/rocks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/store/backup.h"

enum {
    READ_TIER_ALL = 0,
    READ_TIER_CACHED = 1,
    BATCH_BYTES_KEPT_MAX = 1024 * 1024,
};

static struct rocks *
rocks_of(struct backend *b)
{
    return (struct rocks *)b;
}

static struct str
take_bytes(struct arena *arena, rocksdb_pinnableslice_t *slice)
{
    if (slice == NULL)
        return (struct str){0};
    size_t len;
    const char *bytes = rocksdb_pinnableslice_value(slice, &len);
    struct str copy = arena_copy(arena, (struct str){bytes, len});
    rocksdb_pinnableslice_destroy(slice);
    return copy;
}

rocksdb_readoptions_t *
rocks_read_options(const struct backend_snapshot *s, bool is_cached_only)
{
    rocksdb_readoptions_t *o = rocksdb_readoptions_create();
    if (s != NULL)
        rocksdb_readoptions_set_snapshot(o, s->snapshot);
    rocksdb_readoptions_set_read_tier(o, is_cached_only ? READ_TIER_CACHED : READ_TIER_ALL);
    // There are none. And where the engine looks for them, an iterator that comes to the next file
    // of a level forgets that its first block could not be had (up to RocksDB 7.8 at least): it
    // then ends, or goes on behind that file, without an error. test_cold.c finds that.
    rocksdb_readoptions_set_ignore_range_deletions(o, 1);
    return o;
}

int
rocks_code(const struct rocks *r, char *error)
{
    if (error == NULL)
        return OK;
    int code = str_starts(str_of(error), STR("Result incomplete")) ? E_AGAIN : E_IO;
    bool is_disk = str_starts(str_of(error), STR("IO error")); // not what is damaged in itself
    if (code == E_IO) {
        char quoted[512];
        log_event(r->log, LOG_ERROR, "store_read_failed", "error=%s action=%s",
                  log_quote(str_of(error), quoted, sizeof quoted), is_disk ? "abort" : "refuse");
    }
    if (is_disk)
        abort();
    rocksdb_free(error);
    return code;
}

void
rocks_read_cold(struct rocks *r, void (*fn)(void *arg), void *arg)
{
    atomic_fetch_add_explicit(&r->cold_reads, 1, memory_order_relaxed);
    pool_run(r->runtime, fn, arg);
}

static int
get(const struct rocks *r, const rocksdb_readoptions_t *options, struct str key,
    struct arena *arena, struct str *out)
{
    char *error = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(r->db, options, key.ptr, key.len, &error);
    TRY(rocks_code(r, error));
    *out = take_bytes(arena, slice);
    return OK;
}

// Whether the engine looked into all tables that may hold the key. Of one that it has not opened
// yet it says, to those who read what is in memory only, that the key is there, with an empty value
// (up to RocksDB 10 at least). test_budget.c finds that.
static bool
is_known(const struct rocks *r, const struct backend_snapshot *s, struct str key)
{
    unsigned char is_found = 0;
    char *value = NULL;
    size_t len;
    bool may_exist =
        rocksdb_key_may_exist(r->db, s->cached, key.ptr, key.len, &value, &len, NULL, 0, &is_found);
    rocksdb_free(value);
    return may_exist && is_found;
}

// E_AGAIN: the answer is not in memory.
static int
get_cached(const struct rocks *r, const struct backend_snapshot *s, struct str key,
           struct arena *arena, struct str *out)
{
    TRY(get(r, s->cached, key, arena, out));
    bool is_empty = str_is_present(*out) && out->len == 0;
    return is_empty && !is_known(r, s, key) ? E_AGAIN : OK;
}

struct cold_get {
    const struct rocks *rocks;
    struct backend_snapshot *snapshot;
    struct str key;
    struct arena *arena;
    struct str *out;
    int code;
};

static void
get_cold(void *arg)
{
    struct cold_get *g = arg;
    rocksdb_readoptions_t *options = rocks_read_options(g->snapshot, false);
    g->code = get(g->rocks, options, g->key, g->arena, g->out);
    rocksdb_readoptions_destroy(options);
}

static int
rocks_get(struct backend *b, struct backend_snapshot *s, struct str key, struct arena *arena,
          struct str *out)
{
    struct rocks *r = rocks_of(b);
    if (s == NULL)
        return get(r, r->read_newest, key, arena, out);
    int code = get_cached(r, s, key, arena, out);
    if (code != E_AGAIN)
        return code;
    struct cold_get g = {r, s, key, arena, out, OK};
    rocks_read_cold(r, get_cold, &g);
    return g.code;
}

struct cold_gets {
    struct cold_get get;
    const struct str *keys;
    size_t n;
    struct str *out;
    const bool *is_cold;
};

// Runs in the pool.
static void
get_many_cold(void *arg)
{
    struct cold_gets *m = arg;
    rocksdb_readoptions_t *options = rocks_read_options(m->get.snapshot, false);
    for (size_t i = 0; i < m->n && m->get.code == OK; i++) {
        if (m->is_cold[i])
            m->get.code = get(m->get.rocks, options, m->keys[i], m->get.arena, &m->out[i]);
    }
    rocksdb_readoptions_destroy(options);
}

static int
rocks_get_many(struct backend *b, struct backend_snapshot *s, const struct str *keys, size_t n,
               struct arena *arena, struct str *out)
{
    struct rocks *r = rocks_of(b);
    bool *is_cold = ARENA_ARRAY(arena, n, bool), has_cold = false;
    for (size_t i = 0; i < n; i++) {
        int code = get_cached(r, s, keys[i], arena, &out[i]);
        is_cold[i] = code == E_AGAIN;
        has_cold = has_cold || is_cold[i];
        if (!is_cold[i])
            TRY(code);
    }
    if (!has_cold)
        return OK;
    struct cold_gets m = {{.rocks = r, .snapshot = s, .arena = arena}, keys, n, out, is_cold};
    rocks_read_cold(r, get_many_cold, &m);
    return m.get.code;
}

static uint64_t
rocks_version(struct backend *b)
{
    // Every commit takes at least one of the engine's numbers, so that these stay ahead of ours.
    const struct rocks *r = rocks_of(b);
    return r->dir.version_base + rocksdb_get_latest_sequence_number(r->db) + 1;
}

static int
rocks_snapshot_new(struct backend *b, uint64_t *version, struct backend_snapshot **out)
{
    struct backend_snapshot *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    s->snapshot = rocksdb_create_snapshot(rocks_of(b)->db);
    s->cached = rocks_read_options(s, true);
    *out = s;
    return OK;
}

static void
rocks_snapshot_free(struct backend *b, struct backend_snapshot *s)
{
    rocksdb_readoptions_destroy(s->cached);
    rocksdb_release_snapshot(rocks_of(b)->db, s->snapshot);
    free(s);
}

static uint64_t
rocks_cold_reads(struct backend *b)
{
    return atomic_load_explicit(&rocks_of(b)->cold_reads, memory_order_relaxed);
}

static void
rocks_batch_put(struct backend *b, struct str key, struct str value)
{
    rocksdb_writebatch_put(rocks_of(b)->batch, key.ptr, key.len, value.ptr, value.len);
}

static void
rocks_batch_del(struct backend *b, struct str key)
{
    struct rocks *r = rocks_of(b);
    r->has_deleted = true;
    rocksdb_writebatch_delete(r->batch, key.ptr, key.len);
}

static void
clear_batch(struct rocks *r)
{
    size_t bytes;
    rocksdb_writebatch_data(r->batch, &bytes);
    r->bytes_since += bytes;
    rocksdb_writebatch_clear(r->batch);
    if (bytes <= BATCH_BYTES_KEPT_MAX)
        return;
    rocksdb_writebatch_destroy(r->batch); // clearing keeps its memory
    r->batch = rocksdb_writebatch_create();
}

static int
rocks_batch_write(struct backend *b, uint64_t version)
{
    struct rocks *r = rocks_of(b);
    char *error = NULL;
    rocksdb_write(r->db, r->write_synced, r->batch, &error);
    if (error != NULL) {
        char quoted[512];
        log_event(r->log, LOG_ERROR, "store_write_failed", "error=%s action=abort",
                  log_quote(str_of(error), quoted, sizeof quoted));
        abort();
    }
    clear_batch(r);
    return OK;
}

static int
rocks_backup(struct backend *b, const char *dir, uint64_t *version_base, char *problem,
             size_t problem_size)
{
    struct rocks *r = rocks_of(b);
    *version_base = r->dir.version_base;
    // A checkpoint writes what is in memory to a table, which must not meet a full disk.
    if (!rocks_has_reserve(r, dir) || !rocks_has_reserve(r, r->dir.store_path)) {
        snprintf(problem, problem_size, "there is too little room left for a backup to %s", dir);
        return E_FULL;
    }
    return rocks_checkpoint(r->db, dir, problem, problem_size);
}

static void
rocks_close(struct backend *b)
{
    struct rocks *r = rocks_of(b);
    rocksdb_writebatch_destroy(r->batch);
    rocksdb_readoptions_destroy(r->read_newest);
    rocksdb_writeoptions_destroy(r->write_synced);
    rocksdb_close(r->db);
    rocksdb_options_destroy(r->options);
    data_dir_close(&r->dir);
    free(r);
}

static const struct backend_ops rocks_ops = {
    .key_bytes_max = KV_KEY_BYTES_MAX,
    .caches_reads = true,
    .close = rocks_close,
    .version = rocks_version,
    .snapshot_new = rocks_snapshot_new,
    .snapshot_free = rocks_snapshot_free,
    .get = rocks_get,
    .get_many = rocks_get_many,
    .backup = rocks_backup,
    .iter_open = rocks_iter_open,
    .iter_seek = rocks_iter_seek,
    .iter_next = rocks_iter_next,
    .iter_close = rocks_iter_close,
    .cold_reads = rocks_cold_reads,
    .has_room = rocks_has_room,
    .batch_put = rocks_batch_put,
    .batch_del = rocks_batch_del,
    .batch_write = rocks_batch_write,
};

static int
open_db(struct rocks *r, const char *dir, char *problem, size_t problem_size)
{
    char *error = NULL;
    r->db = rocksdb_open(r->options, r->dir.store_path, &error);
    if (error == NULL)
        return OK;
    bool is_full = str_find(str_of(error), STR("No space left")) >= 0;
    snprintf(problem, problem_size, "cannot open the store in data directory %s: %s: %s", dir,
             error,
             is_full ? "make room on its disk"
                     : "check the disk, and restore from a backup if the store is damaged");
    rocksdb_free(error);
    return is_full ? E_FULL : E_IO;
}

static void *
run_on_new(void *arg)
{
    const struct kv_options *options = arg;
    options->on_new(options->on_new_arg);
    return NULL;
}

// A first start waits for its syncs above all. Those of two threads go to the disk together.
static int
open_all(struct rocks *r, const struct kv_options *options, const char *dir, char *problem,
         size_t problem_size)
{
    struct kv_options copy = *options;
    pthread_t thread;
    bool is_begun = r->dir.is_new && options->on_new != NULL &&
                    pthread_create(&thread, NULL, run_on_new, &copy) == 0;
    int code = open_db(r, dir, problem, problem_size);
    if (is_begun)
        CHECK(pthread_join(thread, NULL) == 0);
    return code;
}

int
rocks_open(const char *dir, const struct kv_options *options, struct backend **out, char *problem,
           size_t problem_size)
{
    uint64_t reserve_bytes =
        options->disk_reserve_bytes ? options->disk_reserve_bytes : KV_DISK_RESERVE_BYTES_DEFAULT;
    struct data_dir data_dir;
    TRY(data_dir_open(dir, reserve_bytes, &data_dir, problem, problem_size));
    struct rocks *r = calloc(1, sizeof *r);
    CHECK(r != NULL);
    *r = (struct rocks){.backend.ops = &rocks_ops,
                        .runtime = options->runtime,
                        .log = options->log,
                        .dir = data_dir,
                        .options = rocks_options_new(options),
                        .reserve_bytes = reserve_bytes};
    int code = open_all(r, options, dir, problem, problem_size);
    if (code != OK) {
        rocksdb_options_destroy(r->options);
        data_dir_close(&r->dir);
        free(r);
        return code;
    }
    r->write_synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(r->write_synced, 1);
    r->read_newest = rocks_read_options(NULL, false);
    r->batch = rocksdb_writebatch_create();
    rocks_room_init(r);
    *out = &r->backend;
    return OK;
}
