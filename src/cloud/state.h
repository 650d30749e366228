// What services share for their state: background, jobs, the reaper, timers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

// On an open store, before the services' init, which may register with any of them. is_shared:
// other processes use the store as well.
void state_open(struct cloud *cloud, bool is_shared);
// After it: everything that the store remembers as to be done goes on.
void state_start(struct cloud *cloud);
// Before the services' fini: nothing runs any more. From outside the loops.
void state_stop(struct cloud *cloud);
// After it, before the store closes. Also when state_open was never called.
void state_close(struct cloud *cloud);
