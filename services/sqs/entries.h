// Reading long ranges of the store in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"

// What it allocates in the arena is gone before the next page.
typedef int entry_fn(void *arg, struct arena *a, struct str key, struct str value);

// Calls fn for the entries of [from, to), in order, at most `max` of them, until it gives another
// code than OK. Reads the snapshot, in pages. Before the transaction's first write: it gives the
// arena's memory back, where writes would lie.
MUST_USE int entries_each(struct kv_txn *txn, struct str from, struct str to, size_t max,
                          entry_fn *fn, void *arg);
