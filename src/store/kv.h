// The one interface to state: ordered keys, snapshot reads, optimistic transactions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"
#include "src/base/log.h"
#include "src/task/fiber.h"

// Strictly serialisable: a transaction sees every one that was acknowledged before it began, and
// all appear to happen one after the other. An acknowledged write is on disk ("rocks:DIR"); "mem:"
// loses everything with the process. Calls look synchronous to a fiber and may park it.
struct kv;
struct kv_txn;

enum {
    KV_KEY_BYTES_MAX = 8 * 1024,
    KV_VALUE_BYTES_MAX = 2 * 1024 * 1024,
    KV_TXN_BYTES_MAX = 64 * 1024 * 1024,
    KV_TXN_MS_MAX = 4000,
    KV_STAMP_BYTES = 8,
    KV_DISK_RESERVE_BYTES_DEFAULT = 64 * 1024 * 1024,
};

// What goes wrong with a batch of commits on "mem:", for tests and simulation.
enum kv_fault {
    KV_FAULT_NONE,
    KV_FAULT_REFUSED,     // not written, and the transactions run again
    KV_FAULT_REPLY_LOST,  // written, but the committer is not told
    KV_FAULT_BATCH_LOST,  // not written, and the committer is not told
    KV_FAULT_UNREACHABLE, // not written, and the committer never learns that: E_UNKNOWN
};
// Asked before each batch, on the committer's thread.
typedef enum kv_fault kv_fault_fn(void *arg);

struct kv_options {
    struct runtime *runtime;
    const struct log *log;
    // What "rocks:" takes of memory and files. The cache: a sixteenth is for values that are read
    // again and again (read_cache.h), the rest for the engine's blocks, indexes and filters.
    size_t cache_bytes;          // 0: 8 MiB
    size_t write_buffer_bytes;   // of each of two; 0: 8 MiB
    int files_open_max;          // tables kept open, at least 20; 0: 256
    uint64_t disk_reserve_bytes; // below it writes get E_FULL; 0: the default above
    kv_fault_fn *fault;          // "mem:" only; NULL: none
    void *fault_arg;
    // "rocks:" only: called on a thread of its own where the directory was just made, while the
    // engine makes its files. Before kv_open returns it has returned, too. NULL: none.
    void (*on_new)(void *arg);
    void *on_new_arg;
    bool is_alone;  // "postgresql:" too belongs to this process, or E_EXISTS
    bool run_twice; // runs every body twice before its commit, to find impure ones
};

// "rocks:DIR" (made when missing; E_EXISTS: another process has it open; E_NEWER, E_INVALID:
// foreign or newer data), "mem:", or "postgresql://..." as libpq has it, which several processes
// may open (docs/design/0006-postgresql.md; keys there have at most 2,600 bytes; E_EXISTS: one has
// it for itself, or that is wanted and others have it open). `problem` gets a
// sentence for a person when it fails.
MUST_USE int kv_open(const char *url, const struct kv_options *options, struct kv **out,
                     char *problem, size_t problem_size);
// Waits for the transactions under way; none may begin any more. The runtime must still run. NULL
// is accepted.
void kv_close(struct kv *kv);

// Reads and writes through txn; everything else that it changes must bear being done again. Any
// result but OK cancels the transaction and is returned by kv_run.
typedef int kv_body_fn(struct kv_txn *txn, void *arg);

// Begins, runs the body, commits; again on conflict, with the arena rewound, until KV_TXN_MS_MAX.
// What reads return lives in the arena. OK: durable, or read-only and consistent. E_CONFLICT: gave
// up; E_UNKNOWN: the database went away during the commit and did not come back in time to be
// asked for the key that was written with it; E_TOO_OLD; E_LIMIT: bytes; E_FULL; E_IO; or what the
// body returned. Not cancellable.
MUST_USE int kv_run(struct kv *kv, struct arena *arena, kv_body_fn *body, void *arg);
// Also gives the stamp of the commit: its version, greater than that of every commit acknowledged
// before this one began; big-endian, so that byte order is commit order. Zero when nothing was
// written.
struct kv_stamp {
    uint8_t bytes[KV_STAMP_BYTES];
};
MUST_USE int kv_run_stamped(struct kv *kv, struct arena *arena, kv_body_fn *body, void *arg,
                            struct kv_stamp *out);

enum kv_read {
    KV_SERIALIZABLE = 0, // a later write to what was read makes the commit a conflict
    KV_SNAPSHOT = 1,     // no read conflict: a hint, or data that cannot change
};

// *out absent when there is no such key. Sees the transaction's own writes, but not its counters'
// additions and stamped keys. As all reads: E_TOO_OLD; E_LIMIT: keys and ranges that are read count
// as bytes of the transaction, unless it is by KV_SNAPSHOT; E_IO.
MUST_USE int kv_get(struct kv_txn *txn, struct str key, enum kv_read read, struct str *out);

// As kv_get for n keys at once, in any order: one trip to the disk or the database for all that are
// not in memory. out has n places.
MUST_USE int kv_get_many(struct kv_txn *txn, const struct str *keys, size_t n, enum kv_read read,
                         struct str *out);

// Keys in [from, to) in order, or from the end. `limit` 0: no limit; it bounds the conflict range
// to what was really seen.
struct kv_range {
    struct str from;
    struct str to;
    size_t limit;
    bool is_reverse;
    enum kv_read read;
};
struct kv_iter;
// The iterator belongs to the transaction; close it before the body waits for anything but kv, or
// rewinds the arena.
MUST_USE int kv_range_open(struct kv_txn *txn, const struct kv_range *range, struct kv_iter **out);
// OK with key and value (both in the arena), E_NOT_FOUND at the end or at the limit, or an error.
MUST_USE int kv_iter_next(struct kv_iter *it, struct str *key, struct str *value);
// Goes to the first key >= key (<= when reverse), for listings that skip.
MUST_USE int kv_iter_seek(struct kv_iter *it, struct str key);
void kv_iter_close(struct kv_iter *it);

// Checked at once: E_LIMIT when key or value is too large.
MUST_USE int kv_set(struct kv_txn *txn, struct str key, struct str value);
MUST_USE int kv_del(struct kv_txn *txn, struct str key);
// This transaction deletes, or leads to deletions, though it also writes: as those that only
// delete, it may go on below the disk's reserve, down to a quarter of it.
void kv_makes_room(struct kv_txn *txn);
// Adds to a counter (8 bytes, little-endian, absent is 0; other values are a bug, which ends the
// process) at commit, without a conflict. It wraps.
MUST_USE int kv_add(struct kv_txn *txn, struct str key, int64_t delta);
// Reads such a counter from what kv_get gave.
int64_t kv_counter(struct str value);
// Sets key to value with KV_STAMP_BYTES of each, from key_at and value_at, replaced by the stamp of
// the commit. All stamps of a transaction are the same: what tells its keys apart is the caller's
// (docs/design/0002-stamps.md). KV_NO_STAMP leaves one alone.
#define KV_NO_STAMP SIZE_MAX
MUST_USE int kv_set_stamped(struct kv_txn *txn, struct str key, size_t key_at, struct str value,
                            size_t value_at);

// A hint that something changed: wakes a fiber after commits, of this process or another one, that
// wrote a key which begins with `key`. It may come without reason and never fails to come, but a
// change is to be read again. Usage, without lost wake-ups:
//     struct kv_watch watch = {0};      on the fiber's stack
//     kv_run, whose body calls            (again in a body that is run again)
//         kv_watch(txn, key, &watch);   before it reads what may change, or it may come at once
//     kv_watch_wait(&watch, deadline);
//     kv_watch_end(&watch);             always, on the same fiber
struct kv_watch {
    struct watches *watches; // NULL: not in use
    struct watch_key *key;
    struct kv_watch *next, **link;
    struct fiber *fiber;
    bool is_fired;
};
// E_LIMIT: the key is too long.
MUST_USE int kv_watch(struct kv_txn *txn, struct str key, struct kv_watch *out);
// OK: something changed since kv_watch or the last kv_watch_wait that said so. E_TIMEOUT,
// E_CANCELLED.
MUST_USE int kv_watch_wait(struct kv_watch *watch, int64_t deadline_ns);
void kv_watch_end(struct kv_watch *watch);

// KV_KEY_BYTES_MAX, or less where the back end's is lower.
size_t kv_key_bytes_max(const struct kv *kv);

struct arena *kv_txn_arena(struct kv_txn *txn);

// The first key after this one: where a range goes on.
static inline struct str
key_after(struct arena *arena, struct str key)
{
    char *bytes = arena_alloc_bytes(arena, key.len + 1);
    memcpy(bytes, key.ptr, key.len);
    bytes[key.len] = 0;
    return (struct str){bytes, key.len + 1};
}

// Calls fn(arg) in the fiber of kv_run as soon as the commit has happened, or may have: to wake
// whoever works on what was written, so that no caller can forget it. It does not wait and does not
// use txn; arg may live in the arena. The same fn with the same arg is called once.
void kv_after_commit(struct kv_txn *txn, void (*fn)(void *arg), void *arg);
// 0, 1, 2 and so on within one run of a body: tells keys of the same stamp apart.
uint32_t kv_txn_number(struct kv_txn *txn);

// Copies the state of one moment to `dir`, which is made or empty, as a data directory that
// "rocks:DIR" opens whatever the back end is; reads and commits go on. It counts as a backup, and
// can be opened, only after kv_backup_end: so what belongs to it is copied in between. E_INVALID:
// something is in dir; E_IO, E_FULL. `problem` gets a sentence. Waits for long.
MUST_USE int kv_backup(struct kv *kv, const char *dir, char *problem, size_t problem_size);
MUST_USE int kv_backup_end(const char *dir, char *problem, size_t problem_size);

struct kv_stats {
    uint64_t commits; // transactions with writes that were acknowledged
    uint64_t batches; // synced writes that carried them
    uint64_t conflicts;
    uint64_t cold_reads; // reads that left the loop for the pool
};
void kv_stats_get(struct kv *kv, struct kv_stats *out);
