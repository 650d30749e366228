// Zones of this machine: what belongs to each, and what is made to fail.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/host/host.h"

// A zone is a name ("us-east-1a") that ranges of networks and sandboxes are said to lie in. It can
// be cut off, so that nothing passes its border and all inside goes on; killed, so that its
// sandboxes end as by a power failure besides; and healed. What is killed does not start
// (zones_is_dead) until then: whoever starts sandboxes asks. Which zone has which fault is in
// memory only: a new c10m heals what it finds in a network when the network's ranges are added.
//
// All calls come from fibers and may wait. `problem` (512 bytes) gets a sentence.
enum { ZONE_NAME_BYTES_MAX = 32, ZONES_MEMBERS_MAX = 65536 };

enum zone_state { ZONE_HEALTHY, ZONE_CUT, ZONE_DEAD };

struct zones;
struct zones *zones_new(struct host *h);
void zones_free(struct zones *z); // NULL is accepted

// A range of a network that runs, "10.0.1.0/24"; what its zone suffers, it suffers too. Once.
// E_INVALID: the names or the range; E_LIMIT; what network_rules returns.
MUST_USE int zones_add_range(struct zones *z, struct str zone, struct str network, struct str range,
                             char *problem);
MUST_USE int zones_add_sandbox(struct zones *z, struct str zone, struct str sandbox, char *problem);
// A network or a sandbox that is gone, in all zones.
void zones_forget(struct zones *z, struct str name);

// On failure it may be so in some of the zone's networks: try again. E_NOT_FOUND: nothing lies
// there.
MUST_USE int zones_set(struct zones *z, struct str zone, enum zone_state state, char *problem);
bool zones_is_dead(struct zones *z, struct str zone);
// Packets between two zones take delay_us longer each way, and loss_ppm of a million are lost. Both
// 0: as before. For what lies there now. E_INVALID names what the kernel lacks.
MUST_USE int zones_slow(struct zones *z, struct str zone, struct str other, uint32_t delay_us,
                        uint32_t loss_ppm, char *problem);
// As JSON: every zone with its state, ranges and sandboxes, and every slow way.
void zones_print(struct zones *z, struct buf *out);
