// Counters: their bytes, and the current values of those that were changed lately.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum { COUNTER_BYTES = 8 };

void counter_encode(int64_t value, char out[COUNTER_BYTES]);
// Wraps around.
int64_t counter_sum(int64_t a, int64_t b);

// Current values, so that adding needs no read. Used by the committer's thread alone.
struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *c);
bool counters_find(const struct counters *c, struct str key, int64_t *out);
void counters_put(struct counters *c, struct str key, int64_t value);
// Somebody set (value present) or deleted (absent) that key, which may be a counter.
void counters_note(struct counters *c, struct str key, struct str value);
void counters_forget(struct counters *c, struct str key);
void counters_forget_all(struct counters *c);
// Forgets everything when it has grown large. Only while no write is pending.
void counters_trim(struct counters *c);
