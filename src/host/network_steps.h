// From one record of a network to another, in steps that the kernel takes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host_records.h"

// A change is one message to the kernel. An ordinary user's has at most 208 KiB
// (net.core.wmem_default), which some fifty ports fill.
enum { NETWORK_STEP_PORTS_MAX = 32 };

// A record on the way from `before` to `r`: `r`, but of the ports that `before` has not only the
// first ones, and no Elastic addresses of the others. False: it is all of `r`. In the arena.
bool network_step(const struct host_network_record *before, const struct host_network_record *r,
                  struct arena *arena, struct host_network_record *out);
