// What a network's record says, checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host_records.h"

enum {
    // https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
    NETWORK_SUBNETS_MAX = 200,
};

// Reads a spec, in the arena, whose words will be part of commands. E_INVALID with a sentence in
// `problem` (UNIT_PROBLEM_BYTES).
MUST_USE int network_record_read(struct str spec, struct arena *arena,
                                 struct host_network_record *out, char *problem);
// NULL: there is no such port.
const struct host_port_record *network_record_port(const struct host_network_record *r,
                                                   struct str name);
// A port's address without its bits.
struct str network_port_address(const struct host_port_record *p);
