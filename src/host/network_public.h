// A network's public addresses, and what fails on the way between networks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"
#include "src/host/host_records.h"
#include "src/host/zones.h"

// From a fiber; may wait. `problem`: UNIT_PROBLEM_BYTES.
//
// Links the network with the internet when the record has public addresses, and makes them its own.
MUST_USE int network_public_apply(struct host *h, struct str name,
                                  const struct host_network_record *r, char *problem);
// Gives back those that the record no longer has (`r` all zero: all of them).
MUST_USE int network_public_withdraw(struct host *h, struct str name,
                                     const struct host_network_record *before,
                                     const struct host_network_record *r, char *problem);
// Makes ways between zones of different networks slow and lossy, where they meet: at the internet,
// for all networks whose record was applied.
MUST_USE int network_public_fail(struct host *h, const struct zones *z, char *problem);
