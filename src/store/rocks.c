// The durable back end: RocksDB through its C API, in a data directory of ours.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/rocks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/store/backup.h"

enum {
    MIB = 1024 * 1024,
    WRITE_BUFFER_BYTES_DEFAULT = 8 * MIB,
    WRITE_BUFFERS_MAX = 2, // one takes writes while the other becomes a table
    FILES_OPEN_MAX_DEFAULT = 256,
    // The engine gives each shard of the open files its part, and at least one.
    FILES_SHARD_MIN = 16,
    FILES_SHARD_BITS_MAX = 6,
    OPENING_THREADS = 2, // that look at tables when the store opens; they are started for none, too
    // A block with the largest value must fit in a shard of the cache with others.
    CACHE_SHARD_BYTES_MIN = 3 * MIB,
    CACHE_SHARD_BITS_MAX = 6,
    ARENA_BLOCK_BYTES = 64 * 1024, // the memtable grows by it: small, so that idle costs little
    BLOOM_BITS = 10,               // a key; 1 % false positives
    TABLE_BYTES = 16 * MIB,
    LEVEL_BASE_BYTES = 64 * MIB,
    SYNC_EVERY_BYTES =
        MIB, // of a table being written, so that commits do not wait behind all of it
    INFO_LOG_BYTES_MAX = 64 * 1024,
    INFO_LOG_FILES_MAX = 2,
    INFO_LOG_LEVEL_WARN = 2,
    // Levels above this one are rewritten soon, so that compressing them costs more than it saves.
    COMPRESSED_LEVEL_MIN = 2,
    READ_TIER_ALL = 0,
    READ_TIER_CACHED = 1,
    BATCH_BYTES_KEPT_MAX = MIB,
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

// Into how many shards `all` is divided, as a power of two, so that none gets less than part_min.
static int
shard_bits(size_t all, size_t part_min, int bits_max)
{
    int bits = 0;
    while (bits < bits_max && all >> (bits + 1) >= part_min)
        bits++;
    return bits;
}

static rocksdb_cache_t *
cache_new(size_t bytes)
{
    int bits = shard_bits(bytes, CACHE_SHARD_BYTES_MIN, CACHE_SHARD_BITS_MAX);
    rocksdb_lru_cache_options_t *o = rocksdb_lru_cache_options_create();
    rocksdb_lru_cache_options_set_capacity(o, bytes);
    rocksdb_lru_cache_options_set_num_shard_bits(o, bits);
    rocksdb_cache_t *cache = rocksdb_cache_create_lru_opts(o);
    rocksdb_lru_cache_options_destroy(o);
    return cache;
}

static void
set_tables(rocksdb_options_t *o, const struct kv_options *options)
{
    rocksdb_cache_t *cache = cache_new(block_cache_bytes_of(options));
    rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(t, cache);
    // Everything that grows with the data is in the cache, whose size is known.
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(t, 1);
    rocksdb_block_based_options_set_filter_policy(
        t, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_options_set_block_based_table_factory(o, t);
    rocksdb_block_based_options_destroy(t);
    rocksdb_cache_destroy(cache); // the factory keeps its own reference
}

static void
set_writing(rocksdb_options_t *o, const struct kv_options *options)
{
    size_t bytes =
        options->write_buffer_bytes ? options->write_buffer_bytes : WRITE_BUFFER_BYTES_DEFAULT;
    rocksdb_options_set_write_buffer_size(o, bytes);
    rocksdb_options_set_max_write_buffer_number(o, WRITE_BUFFERS_MAX);
    rocksdb_options_set_arena_block_size(o, ARENA_BLOCK_BYTES);
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0); // there is one writer
    rocksdb_options_set_enable_write_thread_adaptive_yield(o, 0);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_target_file_size_base(o, TABLE_BYTES);
    rocksdb_options_set_max_bytes_for_level_base(o, LEVEL_BASE_BYTES);
    rocksdb_options_set_max_compaction_bytes(o, ROCKS_COMPACTION_BYTES_MAX);
    rocksdb_options_set_bytes_per_sync(o, SYNC_EVERY_BYTES);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_options_set_min_level_to_compress(o, COMPRESSED_LEVEL_MIN);
}

static void
set_housekeeping(rocksdb_options_t *o, const struct kv_options *options)
{
    int files = options->files_open_max ? options->files_open_max : FILES_OPEN_MAX_DEFAULT;
    rocksdb_options_set_max_open_files(o, files);
    rocksdb_options_set_table_cache_numshardbits(
        o, shard_bits((size_t)files, FILES_SHARD_MIN, FILES_SHARD_BITS_MAX));
    rocksdb_options_set_max_file_opening_threads(o, OPENING_THREADS);
    rocksdb_options_set_info_log_level(o, INFO_LOG_LEVEL_WARN);
    rocksdb_options_set_max_log_file_size(o, INFO_LOG_BYTES_MAX);
    rocksdb_options_set_keep_log_file_num(o, INFO_LOG_FILES_MAX);
    rocksdb_options_set_stats_dump_period_sec(o, 0); // no thread for it
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
}

static rocksdb_options_t *
options_new(const struct kv_options *options)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    set_tables(o, options);
    set_writing(o, options);
    set_housekeeping(o, options);
    return o;
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
                        .options = options_new(options),
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
