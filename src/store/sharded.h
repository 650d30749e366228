// Counters that many transactions raise at the same time on every back end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"

// kv_add has no conflicts on rocks: and mem:, but on postgresql: one row takes one writer at a
// time. So a counter is several keys below its own, and each addition goes to one of them by
// chance.
enum { SHARDED_KEYS = 16 };

MUST_USE int sharded_add(struct kv_txn *txn, struct runtime *rt, struct str key, int64_t delta);
// The sum of what was committed; not of the transaction's own additions.
MUST_USE int sharded_get(struct kv_txn *txn, struct str key, enum kv_read read, int64_t *out);
MUST_USE int sharded_del(struct kv_txn *txn, struct str key);
