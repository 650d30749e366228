// Checks of a store by its services' own invariants, for c10m fsck.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/data_key.h"

struct reaper;

// Nothing else runs meanwhile. A check reads all that it answers for, reports what is wrong, and
// mends what it can prove to be right afterwards when is_repair says so.
struct check {
    struct kv *kv;
    struct runtime *runtime;
    struct reaper *reaper;       // ranges left to it go at the next start
    struct data_keys *data_keys; // NULL: sealed contents are not opened
    const char *part;            // whose invariants
    bool is_repair;
    size_t problems; // found
    size_t mended;   // of them
    void (*print)(void *arg, const char *line);
    void *print_arg;
};

// One problem, as a sentence without a full stop. was_mended: and it is no problem any more.
void check_report(struct check *c, bool was_mended, const char *format, ...) PRINTF(3, 4);

// Gives every key of the range with its value to fn, in order. Reads in pages, each a transaction
// of its own, so that ranges of any length take little memory and little time at once; fn may use
// transactions of its own. key and value live until fn returns.
typedef int check_key_fn(struct check *c, void *arg, struct str key, struct str value);
MUST_USE int check_each(struct check *c, struct str from, struct str to, check_key_fn *fn,
                        void *arg);

// Transactions of one step.
MUST_USE int check_get(struct check *c, struct str key, struct arena *arena, struct str *out);
MUST_USE int check_set(struct check *c, struct str key, struct str value);
MUST_USE int check_del(struct check *c, struct str key);
