// Backups: data directories that RocksDB opens, whatever the back end was.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rocksdb/c.h>

#include "src/base/arena.h"

// Both leave DIR/store; both block for long. E_IO with a sentence in `problem`.

// The newest state of an open store. Commits and reads go on beside it.
MUST_USE int rocks_checkpoint(rocksdb_t *db, const char *dir, char *problem, size_t problem_size);

// Gives one key after the other in the order of bytes: OK, E_NOT_FOUND behind the last, or an
// error. What is in the arena goes before the next call.
typedef int backup_next_fn(void *arg, struct arena *arena, struct str *key, struct str *value);
MUST_USE int backup_copy(const char *dir, backup_next_fn *next, void *arg, char *problem,
                         size_t problem_size);
