// Deleting what deleted and purged queues held.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"

// Limits of one transaction: keys deleted, and bytes read for it.
enum { REAPER_BATCH_KEYS = 250, REAPER_BATCH_BYTES = 1024 * 1024 };

// Where the reaper is. Without it, each batch would be read over the tombstones of all before it.
struct reaper {
    char at[KV_KEY_BYTES_MAX + 1];
    size_t at_len; // 0: nowhere
};

// Leaves the data of a generation to the reaper; nobody may refer to it after this transaction.
MUST_USE int garbage_add(struct kv_txn *txn, const struct place *p);

// Deletes some of it in a transaction of its own. E_NOT_FOUND: there was none.
MUST_USE int reaper_step(struct reaper *r, struct kv *kv, struct arena *a);
