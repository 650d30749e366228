// Pools of functions' sandboxes as units of a c10m: what a service runs functions by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/driver.h"
#include "src/host/function.h"

// A unit of the kind "functions" (record Functions) is a pool (function.h). A new one is prepared
// for every one that is taken, while that runs. Sandboxes of functions do not outlive c10m: the
// next one ends what is left of them before it starts anything, then its pools are prepared anew.
// All calls come from fibers and may park; `problem` (of FUNCTION_PROBLEM_BYTES) gets a sentence.
struct functions; // all pools of a machine
struct function_lease {
    struct functions_pool *pool;
    struct function function;
};

// As function_take, from the pool of the unit of that name. E_NOT_FOUND: it is not up.
MUST_USE int functions_take(struct functions *fs, struct str name,
                            const struct function_start *start, struct function_lease *out,
                            char *problem);
// What it printed so far, at most limit bytes of it, in the arena.
MUST_USE int functions_output(struct functions *fs, const struct function_lease *l, size_t limit,
                              struct arena *arena, struct str *out);
MUST_USE int functions_freeze(struct functions *fs, const struct function_lease *l, bool is_frozen);
// As function_wait. When its pool is stopped meanwhile it has ended too.
MUST_USE int functions_wait(struct functions *fs, const struct function_lease *l,
                            int64_t deadline_ns, struct sandbox_status *out);
// As function_end; whatever it returns, the lease is given back.
MUST_USE int functions_end(struct functions *fs, struct function_lease *l);

// The driver of the kind "functions"; functions_of finds what it has among all drivers.
void functions_driver_new(struct host *h, struct unit_driver *out);
struct functions *functions_of(const struct unit_driver *drivers, size_t count);
// JSON, an array: each pool with how many are ready and running, and were started by this c10m.
void functions_print(struct functions *fs, struct buf *out);
