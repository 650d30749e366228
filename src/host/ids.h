// Rows of user ids: as root, each guest has ids of the host of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "src/base/code.h"

// Where c10m is root, guests get user ids of their own from HOST_IDS_FIRST on; where it is an
// ordinary user, they all are that user.
enum {
    HOST_IDS_FIRST = 1 << 20,
    HOST_IDS_PER_GUEST = 1 << 16,
    HOST_GUESTS_MAX = 16384, // rows
};

// Which rows are in use. Memory only: units keep theirs in their records, and the reconciler marks
// them here before anything starts; who needs one for a while takes it and gives it back. From any
// thread; never waits.
struct ids {
    pthread_mutex_t mutex;
    uint64_t used[HOST_GUESTS_MAX / 64];
};

void ids_init(struct ids *ids);
void ids_fini(struct ids *ids);
// E_LIMIT: all are in use.
MUST_USE int ids_take(struct ids *ids, int32_t *out);
void ids_mark(struct ids *ids, int32_t row); // that a unit has; -1: it has none
void ids_give(struct ids *ids, int32_t row); // nothing has these ids any more; -1: it had none
