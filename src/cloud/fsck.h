// Checking a whole data directory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

struct fsck {
    struct runtime *runtime;
    const struct log *log;
    const char *data;  // the data directory, which no c10m uses
    const char *store; // NULL: it is in there; else its URL, and data has its root key
    bool is_repair;
    char *problem; // gets a sentence when it cannot be checked
    size_t problem_size;
    size_t problems, mended; // filled in; each is printed to the standard output as it is found
};

// From outside the loops. By the store's own invariants, then by each service's check (service.h).
MUST_USE int fsck_run(struct fsck *f);
