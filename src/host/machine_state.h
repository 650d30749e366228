// What machine.c and machine_page.c share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include "src/host/alert.h"
#include "src/host/machine.h"

struct machine {
    struct machine_options options;
    const struct seal *seal;
    char *dir;
    struct alert alert;
    struct kv_watch watch;
    struct reconciler *reconciler; // with the host; of the machine's fiber
    struct unit_driver drivers[DRIVERS_MAX];
    size_t driver_count;
    pthread_mutex_t mutex; // of what follows
    struct host *host;     // NULL until the first unit
    char problem[UNIT_PROBLEM_BYTES];
    enum reconciler_end end;
    bool has_ended;
};

void machine_set_problem(struct machine *m, const char *problem);
