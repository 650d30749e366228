// Checking a whole store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

struct fsck {
    struct runtime *runtime;
    const struct log *log;
    const char *store_url; // of a store that no c10m uses
    const char *data;      // the data directory, which has its keys; NULL: none
    const char *seal_file; // the root key
    bool is_repair;
    void (*print)(void *arg, const char *line); // is told each problem as it is found
    void *print_arg;
    char *problem; // gets a sentence when it cannot be checked
    size_t problem_size;
    size_t problems, mended; // filled in
};

// From outside the loops. By the store's own invariants, then by each service's check (service.h).
MUST_USE int fsck_run(struct fsck *f);
