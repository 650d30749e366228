// A transaction under way, as kv.c and range.c share it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/committer.h"

struct kv {
    struct runtime *runtime;
    struct backend *backend;
    struct live live;
    struct committer *committer;
    struct watches *watches;
    struct read_cache *read_cache; // NULL: none
    int64_t txn_ms_max;            // KV_TXN_MS_MAX; tests shorten it
    bool runs_twice;
};

// Lives in the arena of its kv_run.
struct kv_txn {
    struct kv *kv;
    struct arena *arena;
    struct live_loop *loop;
    int64_t deadline_ns;
    struct overlay writes;
    struct reads reads;
    struct backend_snapshot *snapshot; // NULL until the first read
    struct live_reader reader;         // while there is a snapshot
    uint64_t read_version;             // of the snapshot
    struct kv_iter *iters;             // open ones
    struct arena_mark held;            // what the arena held before
    struct after_commit *after;
    uint32_t numbers; // given by kv_txn_number
    bool makes_room;
};

// A store on a back end that is open already, which it closes.
struct kv *kv_new(struct backend *backend, const struct kv_options *options);
// Once the commit is known to have happened, or may have.
void after_commit_run(const struct kv_txn *txn);
// OK, E_TOO_OLD, E_IO. Afterwards there is a snapshot.
MUST_USE int txn_read_begin(struct kv_txn *txn);
// To be called when something was put into the arena that the commit needs.
void txn_hold(struct kv_txn *txn);
// OK, or E_LIMIT when `bytes` more would be too many.
MUST_USE int txn_check_bytes(const struct kv_txn *txn, size_t bytes);
