// One thread that commits for everybody: what waits goes to disk with one sync.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/batch.h"

struct committer;

struct committer *committer_new(struct runtime *rt, struct backend *backend,
                                const struct live *live, struct watches *watches,
                                struct read_cache *read_cache);
// Ends the thread; nothing may be waiting. NULL is accepted.
void committer_free(struct committer *c);
// Parks the calling fiber until `commit` (with fiber, writes and reads filled in) is decided and,
// if OK, durable. Not cancellable.
void committer_commit(struct committer *c, struct commit *commit);
// Everything up to here is durable: what a transaction reads at, taken before its snapshot.
const _Atomic uint64_t *committer_published(const struct committer *c);
void committer_stats_get(const struct committer *c, struct kv_stats *out);
