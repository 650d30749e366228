// Faults of a network as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/faults.h"

#define TABLE "inet c10m-faults "
static const char tables[] =
    "add table " TABLE "\n"
    "delete table " TABLE "\n"
    "add table " TABLE "\n"
    "add set " TABLE "cut { type ipv4_addr; flags interval; }\n"
    "add set " TABLE "together { type ipv4_addr . ipv4_addr; flags interval; }\n"
    "add chain " TABLE "passing { type filter hook forward priority -10; }\n"
    "add rule " TABLE "passing ip saddr . ip daddr @together accept\n"
    "add rule " TABLE "passing ip saddr @cut drop\n"
    "add rule " TABLE "passing ip daddr @cut drop\n"
    "add chain " TABLE "asking { type filter hook input priority -10; }\n"
    "add rule " TABLE "asking ip saddr @cut drop\n"
    "add chain " TABLE "entering { type filter hook output priority -10; }\n"
    "add rule " TABLE "entering ip daddr @cut drop\n"
    // Of the family ip, since kernels without NFT_QUEUE know queues only there; with the queues'
    // own chains (src/host/holder/queue_rule.c), so it stays.
    "add table ip c10m-faults\n"
    "add map ip c10m-faults slow { type ipv4_addr . ipv4_addr : verdict; flags interval; }\n"
    "flush map ip c10m-faults slow\n"
    "add chain ip c10m-faults passing { type filter hook forward priority -20; }\n"
    "flush chain ip c10m-faults passing\n"
    "add rule ip c10m-faults passing ip saddr . ip daddr vmap @slow\n";

void
faults_begin(struct buf *out)
{
    buf_put(out, str_of(tables));
}

void
faults_together(struct str cidr, struct str other, struct buf *out)
{
    buf_print(out, "add element " TABLE "together { " STR_FMT " . " STR_FMT " }\n", STR_ARG(cidr),
              STR_ARG(other));
}

void
faults_cut(struct str cidr, struct buf *out)
{
    buf_print(out, "add element " TABLE "cut { " STR_FMT " }\n", STR_ARG(cidr));
}

void
faults_slow(struct str from, struct str to, uint16_t queue, struct buf *out)
{
    buf_print(out,
              "add element ip c10m-faults slow { " STR_FMT " . " STR_FMT " : jump queue-%u }\n",
              STR_ARG(from), STR_ARG(to), queue);
}
