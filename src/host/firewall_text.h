// What the writers of a network's rules share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// " tcp dport 22-80": what a rule of that protocol matches, as in struct firewall_rule.
void firewall_put_protocol(uint8_t protocol, int from, int to, struct buf *out);
