// A network's share of what fails in zones and between them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/host/host_records.h"
#include "src/host/zones.h"

// As commands for nft, in the place of what failed before. Ways whose queue is not among
// `queues`, as bits, are as they always were.
void network_faults_put(const struct host_network_record *r, const struct zones *z, uint64_t queues,
                        struct buf *out);
// The queues of the ways that lead through this network, as bits.
uint64_t network_faults_queues(const struct host_network_record *r, const struct zones *z);
