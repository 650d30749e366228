// A network's record as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/host/host_records.h"

// All of the network's rules anew (network_record_read has checked them), in the place of those
// that were: groups, ports, access lists, public addresses. As one change nothing passes between.
void network_commands_put(const struct host_network_record *r, struct buf *out);
// The same for a network that has exactly the rules of `before`: only what differs of addresses is
// touched, so that not one packet misses a rule. (When the kernel replaces a table, a packet that
// is on its way through the old one no longer finds what the old maps had.) It is refused where the
// rules are of another c10m's making.
void network_commands_change(const struct host_network_record *before,
                             const struct host_network_record *r, struct buf *out);
