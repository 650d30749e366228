// The reconciler: compares what should run with what does, and closes the difference.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/driver.h"

// One fiber for each unit: it reads the record, asks the driver what it finds, and starts, adopts,
// changes, stops or removes; then it waits for the record to change, or looks again after
// RECONCILER_LOOK_MS. What fails is tried again, later each time (UNIT_RETRY_MS_MIN to _MAX), as
// often as it takes. A unit starts after those that it needs are up, and those stop after it.
enum { RECONCILER_LOOK_MS = 1000, RECONCILER_UNITS_MAX = 4096 };

// What ends with c10m.
enum reconciler_end {
    RECONCILER_RUNS,
    RECONCILER_POWERS_OFF, // everything is stopped, guests before their networks
    RECONCILER_LEAVES,     // what runs goes on, for the next to adopt
};

struct reconciler;
struct reconciler_options {
    struct runtime *runtime;
    const struct log *log; // every change of a state is an event
    struct kv *kv;
    const struct seal *seal; // of the units' specs
    struct background *background;
    const struct unit_driver *drivers; // live as long as the reconciler
    size_t driver_count;
    struct ids *ids;       // NULL: no unit gets a row
    const char *boot_path; // a file with the id of the machine's start; NULL: the kernel's
    int call_ms_max;       // of a driver's; 0: UNIT_CALL_MS_MAX
};

// Does nothing yet.
struct reconciler *reconciler_new(const struct reconciler_options *options);
// From a fiber. Gives every unit that has none its fiber, those of records that this process has
// never seen included; call it again whenever something changed below unit_root.
MUST_USE int reconciler_look(struct reconciler *r);
// From outside the loops, when reconciler_look is called no more: returns when nothing works on any
// unit. What is not stopped by the deadline goes on running, as with RECONCILER_LEAVES.
void reconciler_stop(struct reconciler *r, enum reconciler_end how, int64_t deadline_ns);
void reconciler_free(struct reconciler *r); // stopped. NULL is accepted
