// What the parts of the RocksDB back end share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rocksdb/c.h>
#include <stdatomic.h>

#include "src/store/backend.h"
#include "src/store/data_dir.h"

struct rocks {
    struct backend backend;
    struct runtime *runtime;
    const struct log *log;
    struct data_dir dir;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write_synced;
    rocksdb_readoptions_t *read_newest;
    rocksdb_writebatch_t *batch;
    uint64_t reserve_bytes;
    // The free space when it was last asked for, when that was, and what was written since; the
    // committer's.
    uint64_t free_bytes, bytes_since;
    int64_t asked_ns;
    // What deletions leave on disk, and how the engine is asked for it; the committer's too.
    bool has_deleted;
    int suggestions_left;
    int64_t reclaimed_ns;
    _Atomic uint64_t cold_reads;
};

// What one compaction takes on disk for a while: less than the reserve.
enum { ROCKS_COMPACTION_BYTES_MAX = 48 * 1024 * 1024 };

struct backend_snapshot {
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *cached; // reads what is in memory only
};

// The caller's to destroy.
rocksdb_options_t *rocks_options_new(const struct kv_options *options);
// Options that read what is in memory only, or whatever it takes; at s, or the newest when NULL.
rocksdb_readoptions_t *rocks_read_options(const struct backend_snapshot *s, bool is_cached_only);
// From `error`, which it frees. OK when NULL; E_AGAIN: the answer is not in memory; E_IO: what is
// stored is damaged, logged. A disk that fails ends the process, with a line in the log.
MUST_USE int rocks_code(const struct rocks *r, char *error);
// A read leaves its loop; outside of fibers it stays where it is.
void rocks_read_cold(struct rocks *r, void (*fn)(void *arg), void *arg);

// Room on the disk (rocks_room.c). Once the store is open:
void rocks_room_init(struct rocks *r);
// As backend_ops.has_room.
bool rocks_has_room(struct backend *b, size_t bytes, bool is_growth);
bool rocks_has_reserve(const struct rocks *r, const char *path);

struct backend_iter *rocks_iter_open(struct backend *b, struct backend_snapshot *s, struct str from,
                                     struct str to, bool is_reverse, struct arena *arena);
void rocks_iter_seek(struct backend_iter *it, struct str key, bool is_included);
int rocks_iter_next(struct backend_iter *it, struct str *key, struct str *value);
void rocks_iter_close(struct backend_iter *it);
