// The reconciler's fibers: one for each unit.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <sys/queue.h>

#include "src/host/alert.h"
#include "src/host/reconciler.h"

enum { BOOT_BYTES = 36 };

struct worker_id {
    char kind[UNIT_KIND_MAX + 1];
    char name[HOST_NAME_BYTES_MAX + 1];
};

struct worker {
    struct reconciler *reconciler;
    struct worker_id id;
    const struct unit_driver *driver; // NULL: there is none of that kind
    struct arena arena;               // of one look at a time
    struct kv_watch watches[2];       // of its record, and of what fails
    struct unit unit;                 // as read
    struct zones zones;               // as read
    struct alert alert;
    bool is_known;     // this c10m has started or adopted it
    bool looks_again;  // soon: nobody says when what it waits for is there
    bool is_off;       // nothing is left to do when c10m ends
    bool is_cancelled; // a call took too long: another fiber goes on
    // Of the reconciler's mutex:
    bool is_up;         // found so; who needs it may start
    bool may_be_up;     // not found down: what it needs must stay
    int64_t zones_seen; // it has tried to bring into force what failed by then
    struct worker_id needs[UNIT_NEEDS_MAX];
    size_t need_count;
    LIST_ENTRY(worker) link;
};

struct reconciler {
    struct reconciler_options options;
    char boot[BOOT_BYTES]; // of the machine: changes with every start of it
    pthread_mutex_t mutex; // of what follows: fibers run on all loops
    LIST_HEAD(, worker) workers;
    size_t worker_count;
    enum reconciler_end end;
};

// In a background fiber, until the unit is gone or the reconciler ends.
void worker_main(struct background_job *job, void *arg);
