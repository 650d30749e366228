// Stateless access lists of subnets as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/firewall.h"

// Beside the groups of firewall.h, which are asked first when a packet leaves and last when it
// arrives (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html). A list is asked
// about every packet that crosses the border of its subnet, answers too; never about the network's
// name server and metadata.
struct access_rule {
    bool is_egress;
    bool is_allowed;
    uint8_t protocol; // as in firewall_rule, and from and to
    int from, to;
    struct str cidr; // the other side
};

// Makes a list without rules. In a buffer that also makes the tables it comes before firewall_begin
// (after "add table inet c10m"), since nft sends the maps' ranges where it makes the maps.
void access_list_make(struct str list, struct buf *out);
// Makes a list or gives it other rules, at once. They are asked in this order, and what none of
// them fits is refused. Names as groups have them.
void access_list_set(struct str list, const struct access_rule *rules, size_t count,
                     struct buf *out);
// No subnet has it any more.
void access_list_del(struct str list, struct buf *out);
// Gives a subnet its list. A subnet without one lets everything pass.
void access_list_attach(struct str list, struct str subnet, struct buf *out);
void access_list_detach(struct str list, struct str subnet, struct buf *out);
