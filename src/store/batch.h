// Commits that go to disk together: checked, given versions, resolved.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "src/store/backend.h"
#include "src/store/live.h"
#include "src/store/overlay.h"
#include "src/store/read_cache.h"
#include "src/store/reads.h"
#include "src/store/watches.h"

// A transaction that waits for its commit.
struct commit {
    struct commit *next;
    struct fiber *fiber;
    const struct overlay *writes;
    const struct reads *reads; // NULL when it read nothing
    uint64_t read_version;
    int64_t deadline_ns;
    bool is_growth;   // not to be done below the disk's reserve
    bool is_done;     // set on the fiber's own loop
    int code;         // OK, E_CONFLICT, E_UNKNOWN, E_TOO_OLD, E_FULL, E_IO
    uint64_t version; // of the commit when OK
};

// Used by the committer's thread alone, but for `published`.
struct batch;

// read_cache: is told what is written; NULL: there is none.
struct batch *batch_new(struct runtime *rt, struct backend *backend, const struct live *live,
                        struct watches *watches, struct read_cache *read_cache);
void batch_free(struct batch *b);
// Decides on c, sets its code and version, and adds what it writes. E_AGAIN: write the batch first,
// then ask again.
MUST_USE int batch_add(struct batch *b, struct commit *c);
// Makes what was added durable, then publishes its version and wakes who watches its keys. OK;
// E_NOT_FOUND: there was nothing; nothing of it was written: E_CONFLICT (the transactions may run
// again), E_FULL; E_UNKNOWN.
MUST_USE int batch_write(struct batch *b);
// Housekeeping after a write, when nobody waits for it any more.
void batch_prune(struct batch *b);
// The version up to which everything is durable.
const _Atomic uint64_t *batch_published(const struct batch *b);
