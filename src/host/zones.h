// Zones of this machine: what is made to fail in them and between them, as a record in the store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/record.h"

// A zone is a name ("us-east-1a") that units and subnets of networks are said to lie in (struct
// unit_wish, the record Network). Faults are about places: a zone, or a region ("us-east-1"), which
// is all zones whose names begin with its own. A place can be cut off, so that nothing passes its
// border and all inside goes on; or dead: then its units end besides, as by a power failure, and do
// not start until it is healthy again. Ways between two places can be slow and lossy.
//
// One record says all of that. Each unit's fiber watches it (worker.h) and makes it true for its
// own unit, again after c10m or the machine has started anew.
enum {
    ZONE_NAME_BYTES_MAX = 32,
    ZONES_FAULTS_MAX = 64,
    ZONES_WAYS_MAX = 64,
    ZONES_DELAY_US_MAX = 10 * 1000 * 1000,
};

enum zone_state { ZONE_HEALTHY, ZONE_CUT, ZONE_DEAD };

struct place_fault {
    struct str place;
    enum zone_state state;
};

// Packets take delay_us longer each way, and loss_ppm of a million are lost.
struct slow_way {
    struct str place, other;
    uint32_t delay_us, loss_ppm;
    uint8_t queue; // its number in every network, below ZONES_WAYS_MAX
};

struct zones {
    int64_t number; // rises with every change
    struct place_fault faults[ZONES_FAULTS_MAX];
    size_t fault_count;
    struct slow_way ways[ZONES_WAYS_MAX];
    size_t way_count;
};

// Without a record everything is healthy. The names lie in the transaction's arena.
MUST_USE int zones_get(struct kv_txn *txn, struct zones *out);
// E_INVALID: a name is not valid (zone_name_is_valid), or a number too large; E_LIMIT: there are
// ZONES_FAULTS_MAX or ZONES_WAYS_MAX already.
MUST_USE int zones_set_state(struct kv_txn *txn, struct str place, enum zone_state state);
// Both 0: as before the first call.
MUST_USE int zones_set_way(struct kv_txn *txn, struct str place, struct str other,
                           uint32_t delay_us, uint32_t loss_ppm);
struct str zones_key(struct arena *arena);

// Letters, digits and '-', at most ZONE_NAME_BYTES_MAX.
bool zone_name_is_valid(struct str name);
// The place is the zone itself, or its region. An absent zone lies nowhere.
bool zone_lies_in(struct str zone, struct str place);
// The worst that a place of the zone's suffers.
enum zone_state zones_state(const struct zones *z, struct str zone);
const char *zone_state_name(enum zone_state state);
// E_NOT_FOUND: no state has that name.
MUST_USE int zone_state_parse(struct str name, enum zone_state *out);
