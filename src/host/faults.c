// Faults of a network as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/faults.h"

static const char tables[] =
    "add table inet c10m-faults\n"
    "add set inet c10m-faults cut { type ipv4_addr; flags interval; }\n"
    "add set inet c10m-faults together { type ipv4_addr . ipv4_addr; flags interval; }\n"
    "add chain inet c10m-faults passing { type filter hook forward priority -10; }\n"
    "flush chain inet c10m-faults passing\n"
    "add rule inet c10m-faults passing ip saddr . ip daddr @together accept\n"
    "add rule inet c10m-faults passing ip saddr @cut drop\n"
    "add rule inet c10m-faults passing ip daddr @cut drop\n"
    "add chain inet c10m-faults asking { type filter hook input priority -10; }\n"
    "flush chain inet c10m-faults asking\n"
    "add rule inet c10m-faults asking ip saddr @cut drop\n"
    "add chain inet c10m-faults entering { type filter hook output priority -10; }\n"
    "flush chain inet c10m-faults entering\n"
    "add rule inet c10m-faults entering ip daddr @cut drop\n"
    // Of the family ip, since kernels without NFT_QUEUE know queues only there.
    "add table ip c10m-faults\n"
    "add map ip c10m-faults slow { type ipv4_addr . ipv4_addr : verdict; flags interval; }\n"
    "add chain ip c10m-faults passing { type filter hook forward priority -20; }\n"
    "flush chain ip c10m-faults passing\n"
    "add rule ip c10m-faults passing ip saddr . ip daddr vmap @slow\n";

void
faults_begin(struct buf *out)
{
    buf_put(out, str_of(tables));
}

// Pairs of ranges have both orders.
static void
put_together(const char *verb, struct str cidr, struct str other, struct buf *out)
{
    buf_print(out, "%s element inet c10m-faults together { " STR_FMT " . " STR_FMT " }\n", verb,
              STR_ARG(cidr), STR_ARG(other));
    if (!str_eq(cidr, other))
        buf_print(out, "%s element inet c10m-faults together { " STR_FMT " . " STR_FMT " }\n", verb,
                  STR_ARG(other), STR_ARG(cidr));
}

void
faults_together_add(struct str cidr, struct str other, struct buf *out)
{
    put_together("add", cidr, other, out);
}

void
faults_together_del(struct str cidr, struct str other, struct buf *out)
{
    put_together("delete", cidr, other, out);
}

void
faults_cut(struct str cidr, struct buf *out)
{
    buf_print(out, "add element inet c10m-faults cut { " STR_FMT " }\n", STR_ARG(cidr));
}

void
faults_heal(struct str cidr, struct buf *out)
{
    buf_print(out, "delete element inet c10m-faults cut { " STR_FMT " }\n", STR_ARG(cidr));
}

static void
put_slow(const char *verb, struct str from, struct str to, uint16_t queue, struct buf *out)
{
    buf_print(out, "%s element ip c10m-faults slow { " STR_FMT " . " STR_FMT " : jump queue-%u }\n",
              verb, STR_ARG(from), STR_ARG(to), queue);
}

void
faults_slow(struct str from, struct str to, uint16_t queue, struct buf *out)
{
    put_slow("add", from, to, queue, out);
}

void
faults_slow_end(struct str from, struct str to, uint16_t queue, struct buf *out)
{
    put_slow("delete", from, to, queue, out);
}
