// Public addresses of a network as commands for nft: who is whom outside.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// A network that has an uplink (network.h) meets the others at the internet, where only public
// addresses are known. Each public address must be the network's own (network_public_add).

// An Elastic address: what is sent to it reaches the port, in all protocols, as far as the port's
// groups let it; what the port sends outside comes from it. Neighbours that use it reach the port
// too.
void translation_elastic_add(struct str address, struct str port_address, struct buf *out);
void translation_elastic_del(struct str address, struct str port_address, struct buf *out);
// What a NAT gateway does for a subnet ("10.0.2.0/24"): all that its ports begin outside comes from
// the public address, and only answers come back. Ports that have an Elastic address use that.
void translation_gateway_add(struct str subnet, struct str address, struct buf *out);
void translation_gateway_del(struct str subnet, struct str address, struct buf *out);

// The internet's own rules, once: nobody may send from an address that is not his link's.
void translation_internet_begin(struct buf *out);
void translation_internet_add(const char *link, struct str address, struct buf *out);
void translation_internet_del(const char *link, struct str address, struct buf *out);
