// Recent commits, and whether one of them changed what a transaction has read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/reads.h"

// Keys of recent commits with the version of the last one. Used by the committer's thread alone.
struct history;
enum { HISTORY_BYTES_MAX = 48 * 1024 * 1024 }; // about 300,000 keys

struct history *history_new(void);
void history_free(struct history *h);

// Versions only grow.
void history_put(struct history *h, struct str key, uint64_t version);
// The version that last wrote the key; 0 when that is forgotten or never happened.
uint64_t history_version(const struct history *h, struct str key);
// Forgets commits up to and including `version`, and more of the oldest when there are too many.
void history_prune(struct history *h, uint64_t version);
// Forgets everything, as if all up to `version` had happened unseen.
void history_reset(struct history *h, uint64_t version);
// Whether a commit later than read_version wrote what `reads` holds, or may have: when some of
// those are forgotten.
bool history_conflicts(const struct history *h, const struct reads *reads, uint64_t read_version);
