// Jobs: steady work on the store, each done by exactly one process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/lease.h"
#include "src/task/background.h"

struct jobs_options {
    struct runtime *runtime;
    const struct log *log;
    struct kv *kv;
    struct background *background;
    // Other processes may use the store at the same time: then a job runs where its lease is. Else
    // the store's own lock is lease enough.
    bool is_shared;
};

struct job;

// Does a piece of work, at most some seconds, in transactions of its own: those that may not be
// done twice begin with job_check. OK: there was some, and there may be more at once. E_NOT_FOUND:
// there is nothing to do until *again_ns (monotonic; DEADLINE_NEVER as it comes) or job_wake. Any
// other code is logged, and the job tried again after JOB_AGAIN_MS.
typedef int job_fn(struct job *job, void *arg, int64_t *again_ns);
enum { JOB_AGAIN_MS = 1000, JOB_LOOK_MS = 10 * 1000 };

// Runs until the background stops. Looks at least every JOB_LOOK_MS, whatever it was told: a wake
// in another process is not heard here. The name (static storage) is the job's in the whole store.
void job_start(const struct jobs_options *options, const char *name, job_fn *fn, void *arg);
void job_wake(struct background *b, const char *name);
// As lease_check; OK when the store is not shared.
MUST_USE int job_check(const struct job *job, struct kv_txn *txn);
