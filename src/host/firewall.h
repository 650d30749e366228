// A network's rules as commands for nft: who may talk to whom.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// Each call adds commands to `out`; network_rules runs all of a buffer at once, so that a change is
// in force without a gap. Groups are stateful, as security groups are: what was answered once goes
// on (https://docs.aws.amazon.com/vpc/latest/userguide/security-group-connection-tracking.html).
// What leaves a port must be allowed by one of its groups, and what reaches a port too. Whoever
// sends from an address that is not its port's is not heard. Names of groups and ports: letters,
// digits,
// '-', beginning with a letter.
enum { FIREWALL_ALL_PROTOCOLS = 0, FIREWALL_ANY = -1 };

struct firewall_rule {
    bool is_egress;
    uint8_t protocol; // IP's number; FIREWALL_ALL_PROTOCOLS
    int from, to;     // ports, of TCP and UDP; of ICMP type and code, or FIREWALL_ANY
    struct str cidr;  // the other side: "10.0.0.0/8" (firewall_cidr_check), or
    struct str group; // whoever is in that group of the same network
};
// Whether it is "A.B.C.D/BITS". E_INVALID with a sentence in `problem` (512 bytes), which names
// IPv6 where it is that: networks do not carry it.
MUST_USE int firewall_cidr_check(struct str cidr, char *problem);

// The tables, once after network_start. Nothing passes but what is allowed later, and what the
// network itself offers: its name server and the metadata address.
void firewall_begin(struct buf *out);
// What follows in the buffer is refused with it unless this program's firewall_begin came before.
void firewall_must_be(struct buf *out);
// Makes a group, or gives it other rules. Groups that its rules name must exist
// (firewall_group_make).
void firewall_group_make(struct str group, struct buf *out);
void firewall_group_set(struct str group, const struct firewall_rule *rules, size_t count,
                        struct buf *out);
// No port is in it and no rule names it.
void firewall_group_del(struct str group, struct buf *out);
// Puts a port's address into its groups.
void firewall_port_add(struct str port, struct str address, const struct str *groups, size_t count,
                       struct buf *out);
// Its groups let all flows of that protocol, TCP or UDP, out to everywhere (in from everywhere).
// Then flows that a rule of theirs lets in from everywhere (out to everywhere) are not tracked, and
// end when that rule does; others go on
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html).
void firewall_port_open(struct str address, bool is_egress, uint8_t protocol, struct buf *out);
void firewall_port_del(struct str port, struct str address, const struct str *groups, size_t count,
                       struct buf *out);
