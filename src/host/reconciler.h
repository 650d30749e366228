// The reconciler: compares what should run with what does, and closes the difference.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/driver.h"
#include "src/store/job.h"

// One fiber for each unit: it reads the record, asks the driver what it finds, and starts, stops or
// removes; then it waits for the record to change, or looks again after RECONCILER_LOOK_MS. What
// fails is tried again, later each time (UNIT_RETRY_MS_MIN to _MAX), as often as it takes.
enum { RECONCILER_LOOK_MS = 1000, RECONCILER_UNITS_MAX = 4096 };

struct reconciler;
struct reconciler_options {
    struct runtime *runtime;
    const struct log *log; // every change of a state is an event
    struct kv *kv;
    const struct jobs_options *jobs;   // whose background it runs in
    const struct unit_driver *drivers; // lives as long as the reconciler
    size_t driver_count;
};

// Starts: what runs is adopted, what should run and does not is started.
struct reconciler *reconciler_new(const struct reconciler_options *options);
// When the background has stopped: what runs goes on. NULL is accepted.
void reconciler_free(struct reconciler *r);
