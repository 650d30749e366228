// What services share for their state: background, jobs, the reaper, timers, the service clock,
// blobs, what runs on this machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

// On an open store, before the services' init, which may register with any of them.
MUST_USE int state_open(struct cloud *cloud, const struct cloud_options *options, char *problem,
                        size_t problem_size);
// After it, once there is a seal.
MUST_USE int state_open_blobs(struct cloud *cloud, char *problem, size_t problem_size);
// After it: everything that the store remembers as to be done goes on.
void state_start(struct cloud *cloud);
// After the server has ended: what runs on this machine is stopped, or left to the next c10m.
void state_power_off(struct cloud *cloud);
// Before the services' fini: nothing runs any more. From outside the loops.
void state_stop(struct cloud *cloud);
// After it, before the store closes. Also when state_open was never called.
void state_close(struct cloud *cloud);
