// Deleting what deleted queues held.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// Keys deleted by one transaction, and by one run: a run ends there, and the next goes on.
enum { REAPER_BATCH_KEYS = 1000, REAPER_RUN_KEYS = 100000 };

// Deletes messages of deleted queues, a bounded number of them, in transactions of its own. What is
// left waits for the next run; nobody can see it.
void reaper_run(struct call *c);
