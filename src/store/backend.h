// What a storage engine has to offer; conflicts, counters and stamps are solved above it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"

// Reads may come from fibers of any loop (they may park) and from the committer's thread. The batch
// functions are called by the committer's thread alone.
struct backend {
    const struct backend_ops *ops;
};
struct backend_snapshot;
struct backend_iter;
struct watches;

// Where a back end that other processes write to as well says what they did.
struct backend_news {
    void *arg;
    // Somebody else wrote that key; version is greater than all that were told or written before.
    void (*changed)(void *arg, struct str key, uint64_t version);
    // Changes up to this version were not told, and never will be.
    void (*forgotten)(void *arg, uint64_t version);
};

struct backend_ops {
    size_t key_bytes_max; // at most KV_KEY_BYTES_MAX
    bool caches_reads; // reading costs more than looking into a read_cache; no other process writes
    void (*close)(struct backend *b);
    // Every version that was ever given to batch_write is less than or equal.
    uint64_t (*version)(struct backend *b);

    // Holds everything that was acknowledged before the call, by any process. *version: what was
    // published here before the call; the back end raises it to what the snapshot holds, if that is
    // more. OK, E_IO.
    int (*snapshot_new)(struct backend *b, uint64_t *version, struct backend_snapshot **out);
    void (*snapshot_free)(struct backend *b, struct backend_snapshot *s);
    // s NULL: the newest state. OK with *out in the arena, absent when there is no such key; E_IO.
    int (*get)(struct backend *b, struct backend_snapshot *s, struct str key, struct arena *arena,
               struct str *out);
    // The same for n keys, out[i] for keys[i].
    int (*get_many)(struct backend *b, struct backend_snapshot *s, const struct str *keys, size_t n,
                    struct arena *arena, struct str *out);

    // from < to; both stay where they are until the iterator is closed. It begins at the first key,
    // in reverse at the last.
    struct backend_iter *(*iter_open)(struct backend *b, struct backend_snapshot *s,
                                      struct str from, struct str to, bool is_reverse,
                                      struct arena *arena);
    // Goes on at key, or behind it in the direction of the range; key is in [from, to] and stays
    // where it is.
    void (*iter_seek)(struct backend_iter *it, struct str key, bool is_included);
    // OK with both in the arena, E_NOT_FOUND at the end, E_IO.
    int (*iter_next)(struct backend_iter *it, struct str *key, struct str *value);
    void (*iter_close)(struct backend_iter *it);

    // Leaves the state of one moment in dir/store, for RocksDB. Every stamp in it is at most
    // *version_base more than the engine's number there. In the pool, beside everything else.
    int (*backup)(struct backend *b, const char *dir, uint64_t *version_base, char *problem,
                  size_t problem_size);

    // From now on tells these watches what other processes write. NULL where none can.
    void (*watch)(struct backend *b, struct watches *watches);

    // How many reads had to leave the loop.
    uint64_t (*cold_reads)(struct backend *b);

    // Whether the disk has room for `bytes` more: above its reserve for what grows the store;
    // deletions may use a part of it.
    bool (*has_room)(struct backend *b, size_t bytes, bool is_growth);

    // NULL where no other process can write. Takes the right to write the next batch, tells what
    // the others did since the last call, and gives the version of the newest batch of anybody. OK,
    // E_IO.
    int (*batch_begin)(struct backend *b, const struct backend_news *news, uint64_t *version);
    // Gives that right back without writing. NULL when batch_begin is.
    void (*batch_cancel)(struct backend *b);
    // Keys and values stay where they are until batch_write.
    void (*batch_put)(struct backend *b, struct str key, struct str value);
    void (*batch_del)(struct backend *b, struct str key);
    // Everything since the last call, at once and durable, under a version that only grows. Ends
    // the process when a disk of ours fails: after a failed sync nobody knows what is on it. OK;
    // nothing was written: E_AGAIN, E_FULL; E_UNKNOWN: ask batch_find.
    int (*batch_write)(struct backend *b, uint64_t version);
    // After E_UNKNOWN whether that batch was written, by the key that was written with it: OK,
    // E_NOT_FOUND (and it never will be), E_IO: nobody could say within BATCH_FIND_MS_MAX. NULL
    // when batch_write never says so.
    int (*batch_find)(struct backend *b);
};

enum { BATCH_FIND_MS_MAX = 10 * 1000 };

// How cache_bytes is divided.
enum { CACHE_BYTES_DEFAULT = 8 * 1024 * 1024, READ_CACHE_DIVISOR = 16 };
static inline size_t
read_cache_bytes_of(const struct kv_options *options)
{
    size_t all = options->cache_bytes != 0 ? options->cache_bytes : CACHE_BYTES_DEFAULT;
    return all / READ_CACHE_DIVISOR;
}
static inline size_t
block_cache_bytes_of(const struct kv_options *options)
{
    size_t all = options->cache_bytes != 0 ? options->cache_bytes : CACHE_BYTES_DEFAULT;
    return all - all / READ_CACHE_DIVISOR;
}

struct backend *mem_open(const struct kv_options *options);
// dir: see kv_open. `problem` gets a sentence when it fails. May block for long.
MUST_USE int rocks_open(const char *dir, const struct kv_options *options, struct backend **out,
                        char *problem, size_t problem_size);
// url: "postgresql://...", as libpq has it. May block for long.
MUST_USE int pg_open(const char *url, const struct kv_options *options, struct backend **out,
                     char *problem, size_t problem_size);
