// A network's record as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/host/host_records.h"

// All of the network's rules anew (network_record_read has checked them), in the place of those
// that were: groups, ports, access lists, public addresses. As one change nothing passes between.
void network_commands_put(const struct host_network_record *r, struct buf *out);
