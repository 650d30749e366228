// Deleting much: ranges of keys that nobody refers to any more, a little at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/job.h"

// A container's keys carry a generation, a random id that stands in the container's record. To
// delete or empty the container is to change that record, and to leave the range of the old
// generation to the reaper, in one transaction:
//     TRY(kv_del(txn, bucket_key));
//     TRY(reaper_add(reaper, txn, NULL, from, to));
struct reaper;

// Limits of one transaction: keys deleted, bytes read for it, and what it takes on its loop. Most
// of a small one is the wait for the disk, and a job rests longer than it works: 64 keys at a time
// made an hour of ten million.
enum {
    REAPER_BATCH_KEYS = 1024,
    REAPER_BATCH_BYTES = 1024 * 1024,
    REAPER_BATCH_MS = 2,
    REAPER_KINDS_MAX = 64,
};

struct reaper *reaper_new(const struct jobs_options *options);
void reaper_free(struct reaper *r); // the background has stopped. NULL is accepted

// For keys whose deletion has consequences: called in the transaction that deletes each key of that
// kind (static storage), such as a blob that must lose a link. Before reaper_start. May run twice.
typedef int reaper_key_fn(void *arg, struct kv_txn *txn, struct str key, struct str value);
void reaper_handle(struct reaper *r, const char *kind, reaper_key_fn *fn, void *arg);
void reaper_start(struct reaper *r);

// Leaves the keys in [from, to) to the reaper; nobody may refer to them after this transaction, or
// write there any more. kind NULL: just keys.
MUST_USE int reaper_add(struct reaper *r, struct kv_txn *txn, const char *kind, struct str from,
                        struct str to);
// Whether a range that begins there waits for it.
MUST_USE int reaper_has(struct kv_txn *txn, const char *kind, struct str from, bool *out);
// Whether anything waits for the reaper.
MUST_USE int reaper_is_idle(struct kv_txn *txn, bool *out);
