// A network's share of what fails in zones and between them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/host/host.h"
#include "src/host/host_records.h"
#include "src/host/zones.h"

// From a fiber. Brings into force what fails where the record's subnets lie, in the place of what
// failed before and as one change with the commands that are in the buffer already. Ways that this
// kernel cannot slow do not keep the rest from it; then the code is the queue's, and `problem`
// (HOST_PROBLEM_BYTES) names what the kernel lacks.
MUST_USE int network_faults_apply(struct host *h, struct str name,
                                  const struct host_network_record *r, const struct zones *z,
                                  struct buf *commands, char *problem);
