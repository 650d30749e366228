// Sandboxes for functions, made before they are needed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/sandbox.h"

// A pool keeps some sandboxes in which everything stands but the function: namespaces, limits, a
// read-only image, a fresh /tmp. One is taken for one tenant's function, whose code is then mounted
// at FUNCTION_CODE_AT and whose command starts; when it ends it is removed, and never used again.
// So two tenants share nothing that can be written. They do not outlive c10m: what an earlier one
// left is removed. All calls come from fibers and may park; on failure `problem` (of
// FUNCTION_PROBLEM_BYTES) gets a sentence.
#define FUNCTION_CODE_AT STR("/var/task")
enum { FUNCTION_PROBLEM_BYTES = 512, FUNCTION_POOL_NAME_MAX = 16, FUNCTION_NAME_BYTES = 64 };

struct function_pool;
struct function_pool_options {
    struct host *host;
    struct str name;        // letters, digits and '-'
    const struct str *args; // of the command, for all of them
    size_t arg_count;
    const struct str *env;
    size_t env_count;
    struct str shelf; // absolute path on the host; its folders are functions' codes
    struct limits limits;
    size_t prepared; // so many are kept ready
};

struct function_pool *function_pool_new(const struct function_pool_options *options);
// Prepares until enough are ready: after every take, in the background. One at a time.
MUST_USE int function_pool_fill(struct function_pool *p, char *problem);
// Ends and removes them all, also those that were taken. E_IO, E_TIMEOUT.
MUST_USE int function_pool_clear(struct function_pool *p);
// Ends and removes those that wait; what was taken goes on. E_IO, E_TIMEOUT.
MUST_USE int function_pool_drain(struct function_pool *p);
size_t function_pool_ready(struct function_pool *p); // how many wait
// Ends and removes what an earlier c10m has left of all pools. E_IO, E_TIMEOUT.
MUST_USE int function_left_end(struct host *h);
void function_pool_free(struct function_pool *p); // what is left runs on. NULL is accepted

// Starts a function in a prepared sandbox, or in one that is made now when there is none. Its
// sandbox (sandbox_wait, _console, _freeze) has the name that *out gets.
struct function_start {
    struct str code; // a folder of the shelf
    const struct str *env;
    size_t env_count;
};
struct function {
    char name[FUNCTION_NAME_BYTES];
    int32_t ids_row;
};
MUST_USE int function_take(struct function_pool *p, const struct function_start *start,
                           struct function *out, char *problem);
// Until it ends, and at the deadline it is killed: E_TIMEOUT, with *out as of then. E_CANCELLED.
MUST_USE int function_wait(struct function_pool *p, const struct function *f, int64_t deadline_ns,
                           struct sandbox_status *out);
// Kills what still runs and removes it with all that it wrote. E_IO, E_TIMEOUT.
MUST_USE int function_end(struct function_pool *p, const struct function *f);
