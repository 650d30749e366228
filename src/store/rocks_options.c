// How RocksDB is set up: within the budgets of kv_options, for many small synced writes.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/rocks.h"

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
};

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

rocksdb_options_t *
rocks_options_new(const struct kv_options *options)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    set_tables(o, options);
    set_writing(o, options);
    set_housekeeping(o, options);
    return o;
}
