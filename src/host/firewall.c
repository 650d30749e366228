// A network's rules as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/firewall.h"

#include <stdio.h>

#include "src/base/digest.h"
#include "src/host/cidr.h"
#include "src/host/firewall_text.h"

enum { TCP = 6, UDP = 17, ICMP = 1, PROBLEM_BYTES = 512 };

// No chain has the policy drop: while the kernel replaces a table, its new chains are there without
// rules before the change is in force, and the old ones after it, and would refuse everything.
// Two chains hear every packet that passes: what the sender's groups must accept, then what the
// receiver's must. A verdict of accept ends only the chain that it is in. Maps from address to a
// port's own chain keep the cost independent of the number of ports.
#define TABLE "inet c10m "
static const char sets[] =
    "add table inet c10m\n"
    "add set " TABLE "bound { type ifname . ipv4_addr; }\n"
    "add map " TABLE "leave { type ipv4_addr : verdict; }\n"
    "add map " TABLE "reach { type ipv4_addr : verdict; }\n"
    // Ports that let all TCP, or all UDP, out to everywhere, and in from everywhere.
    "add set " TABLE "answers { type ipv4_addr . inet_proto; }\n"
    "add set " TABLE "hears { type ipv4_addr . inet_proto; }\n"
    // Access lists (access_list.h): the subnets' borders, and who is beside whom.
    "add map " TABLE "cross-out { type ipv4_addr : verdict; flags interval; }\n"
    "add map " TABLE "cross-in { type ipv4_addr : verdict; flags interval; }\n"
    "add set " TABLE "beside { type ipv4_addr . ipv4_addr; flags interval; }\n"
    // Public addresses (translation.h).
    "add map " TABLE "elastic-in { type ipv4_addr : ipv4_addr; }\n"
    "add map " TABLE "elastic-out { type ipv4_addr : ipv4_addr; }\n"
    "add map " TABLE "gateway-out { type ipv4_addr : ipv4_addr; flags interval; }\n"
    "add set " TABLE "outward { type ipv4_addr; }\n"
    "add set " TABLE "outward-subnets { type ipv4_addr; flags interval; }\n";

static const char chains[] =
    // What is refused goes on with a mark (enum flow_outcome), so that others may count it, to the
    // end of its hook.
    "add chain " TABLE "refused-in\n"
    "add rule " TABLE "refused-in meta mark 0 meta mark set 1\n"
    "add rule " TABLE "refused-in accept\n"
    "add chain " TABLE "refused-out\n"
    "add rule " TABLE "refused-out meta mark 0 meta mark set 2\n"
    "add rule " TABLE "refused-out accept\n"
    // A flow that one rule lets come from everywhere, and another answered to everywhere, is not
    // tracked: it ends with its rule. Marks of a connection: 1, its beginner's side does not track
    // it; 2, its other side does not.
    "add chain " TABLE "open-in\n"
    "add rule " TABLE "open-in ct direction original ip daddr . meta l4proto @answers "
    "ct mark set ct mark or 2\n"
    "add rule " TABLE "open-in accept\n"
    "add chain " TABLE "open-out\n"
    "add rule " TABLE "open-out ct direction original ip saddr . meta l4proto @hears "
    "ct mark set ct mark or 1\n"
    "add rule " TABLE "open-out accept\n";

static const char hooks[] =
    "add chain " TABLE "dropping { type filter hook forward priority 30; policy accept; }\n"
    "add rule " TABLE "dropping meta mark != 0 drop\n"
    "add chain " TABLE "dropping-back { type filter hook input priority 30; policy accept; }\n"
    "add rule " TABLE "dropping-back meta mark != 0 drop\n"
    "add chain " TABLE "dropping-enter { type filter hook output priority 30; policy accept; }\n"
    "add rule " TABLE "dropping-enter meta mark != 0 drop\n"
    "add chain " TABLE "heard { type filter hook prerouting priority -300; policy accept; }\n"
    "add rule " TABLE "heard meta nfproto ipv6 drop\n"
    "add rule " TABLE "heard iifname { \"lo\", \"uplink\" } accept\n"
    "add rule " TABLE "heard iifname . ip saddr != @bound drop\n"
    "add chain " TABLE "turning-in { type nat hook prerouting priority -100; policy accept; }\n"
    "add rule " TABLE "turning-in dnat ip to ip daddr map @elastic-in\n"
    "add chain " TABLE "turning-out { type nat hook postrouting priority 100; policy accept; }\n"
    "add rule " TABLE "turning-out oifname \"uplink\" snat ip to ip saddr map @elastic-out\n"
    "add rule " TABLE "turning-out oifname \"uplink\" snat ip to ip saddr map @gateway-out\n"
    "add rule " TABLE "turning-out ct status dnat snat ip to ip saddr map @elastic-out\n"
    "add chain " TABLE "leaving { type filter hook forward priority 0; policy accept; }\n"
    "add rule " TABLE "leaving ct state related accept\n"
    "add rule " TABLE
    "leaving ct state established ct direction original ct mark and 1 == 0 accept\n"
    "add rule " TABLE "leaving ct state established ct direction reply ct mark and 2 == 0 accept\n"
    "add rule " TABLE "leaving ct state invalid drop\n"
    "add rule " TABLE "leaving iifname \"uplink\" accept\n"
    "add rule " TABLE "leaving ip saddr vmap @leave\n"
    "add rule " TABLE "leaving drop\n"
    "add chain " TABLE "crossing-out { type filter hook forward priority 3; policy accept; }\n"
    "add rule " TABLE "crossing-out ip saddr . ip daddr @beside accept\n"
    "add rule " TABLE "crossing-out ip saddr vmap @cross-out\n"
    "add chain " TABLE "crossing-in { type filter hook forward priority 7; policy accept; }\n"
    "add rule " TABLE "crossing-in ip saddr . ip daddr @beside accept\n"
    "add rule " TABLE "crossing-in ip daddr vmap @cross-in\n"
    "add chain " TABLE "reaching { type filter hook forward priority 10; policy accept; }\n"
    "add rule " TABLE "reaching ct state related accept\n"
    "add rule " TABLE
    "reaching ct state established ct direction original ct mark and 2 == 0 accept\n"
    "add rule " TABLE "reaching ct state established ct direction reply ct mark and 1 == 0 accept\n"
    "add rule " TABLE "reaching oifname \"uplink\" ip saddr @outward accept\n"
    "add rule " TABLE "reaching oifname \"uplink\" ip saddr @outward-subnets accept\n"
    "add rule " TABLE "reaching ip daddr vmap @reach\n"
    "add rule " TABLE "reaching drop\n"
    "add chain " TABLE "offering { type filter hook input priority 0; policy accept; }\n"
    "add rule " TABLE "offering iifname \"uplink\" drop\n"
    "add rule " TABLE "offering iifname \"lo\" accept\n"
    "add rule " TABLE "offering udp dport 53 accept\n"
    "add rule " TABLE "offering tcp dport 53 accept\n"
    "add rule " TABLE "offering ip daddr 169.254.169.254 tcp dport { 80, 4566 } accept\n"
    "add rule " TABLE "offering ip protocol icmp accept\n"
    // Answers to what the network passes on from outside, over Elastic addresses.
    "add rule " TABLE "offering ct state established,related accept\n"
    "add rule " TABLE "offering drop\n"
    "add chain " TABLE "crossing-back { type filter hook input priority -5; policy accept; }\n"
    "add rule " TABLE "crossing-back ip daddr 169.254.0.0/16 accept\n"
    "add rule " TABLE "crossing-back udp dport 53 accept\n"
    "add rule " TABLE "crossing-back tcp dport 53 accept\n"
    "add rule " TABLE "crossing-back ip saddr vmap @cross-out\n"
    "add chain " TABLE "crossing-enter { type filter hook output priority -5; policy accept; }\n"
    "add rule " TABLE "crossing-enter ip saddr 169.254.0.0/16 accept\n"
    "add rule " TABLE "crossing-enter udp sport 53 accept\n"
    "add rule " TABLE "crossing-enter tcp sport 53 accept\n"
    "add rule " TABLE "crossing-enter ip daddr vmap @cross-in\n"
    "add chain " TABLE "entering { type filter hook output priority 0; policy accept; }\n"
    "add rule " TABLE "entering ct state related accept\n"
    "add rule " TABLE "entering ct state established ct mark and 2 == 0 accept\n"
    "add rule " TABLE "entering ip daddr vmap @reach\n";

int
firewall_cidr_check(struct str cidr, char *problem)
{
    struct cidr range;
    if (str_find_char(cidr, ':') >= 0) {
        snprintf(problem, PROBLEM_BYTES, "IPv6 is not built: " STR_FMT, STR_ARG(cidr));
        return E_INVALID;
    }
    if (cidr_parse(cidr, &range) == OK)
        return OK;
    snprintf(problem, PROBLEM_BYTES, "not A.B.C.D/BITS: " STR_FMT, STR_ARG(cidr));
    return E_INVALID;
}

// What the tables are of; of another c10m they may be others.
static void
put_version(const char *verb, struct buf *out)
{
    struct arena arena;
    struct buf text;
    arena_init(&arena);
    buf_init(&text, &arena, sizeof(sets) + sizeof(chains) + sizeof(hooks));
    buf_put(&text, str_of(sets));
    buf_put(&text, str_of(chains));
    buf_put(&text, str_of(hooks));
    struct sha256 sum = sha256_of(buf_str(&text));
    arena_fini(&arena);
    buf_print(out, "%s chain " TABLE "v-%02x%02x%02x%02x\n", verb, sum.bytes[0], sum.bytes[1],
              sum.bytes[2], sum.bytes[3]);
}

void
firewall_must_be(struct buf *out)
{
    put_version("flush", out);
}

void
firewall_begin(struct buf *out)
{
    buf_put(out, str_of(sets));
    buf_put(out, str_of(chains));
    buf_put(out, str_of(hooks));
    put_version("add", out);
}

void
firewall_group_make(struct str group, struct buf *out)
{
    buf_print(out,
              "add set inet c10m g-" STR_FMT "-members { type ipv4_addr; }\n"
              "add chain inet c10m g-" STR_FMT "-in\n"
              "add chain inet c10m g-" STR_FMT "-out\n",
              STR_ARG(group), STR_ARG(group), STR_ARG(group));
}

static void
put_other_side(const struct firewall_rule *r, struct buf *out)
{
    const char *side = r->is_egress ? "daddr" : "saddr";
    if (str_is_present(r->group))
        buf_print(out, " ip %s @g-" STR_FMT "-members", side, STR_ARG(r->group));
    else
        buf_print(out, " ip %s " STR_FMT, side, STR_ARG(r->cidr));
}

static void
put_icmp(int type, int code, struct buf *out)
{
    if (type == FIREWALL_ANY)
        buf_put(out, STR(" ip protocol icmp"));
    else
        buf_print(out, " icmp type %d", type);
    if (type != FIREWALL_ANY && code != FIREWALL_ANY)
        buf_print(out, " icmp code %d", code);
}

void
firewall_put_protocol(uint8_t protocol, int from, int to, struct buf *out)
{
    if (protocol == TCP || protocol == UDP)
        buf_print(out, " %s dport %d-%d", protocol == TCP ? "tcp" : "udp", from, to);
    else if (protocol == ICMP)
        put_icmp(from, to, out);
    else if (protocol != FIREWALL_ALL_PROTOCOLS)
        buf_print(out, " meta l4proto %u", protocol);
}

// Flows that come from everywhere, or go there, may not be tracked (open-in, open-out).
static void
put_verdict(const struct firewall_rule *r, struct buf *out)
{
    bool is_open = !str_is_present(r->group) && str_ends(r->cidr, STR("/0"));
    bool has_flows =
        r->protocol == TCP || r->protocol == UDP || r->protocol == FIREWALL_ALL_PROTOCOLS;
    if (is_open && has_flows)
        buf_put(out, r->is_egress ? STR(" goto open-out\n") : STR(" goto open-in\n"));
    else
        buf_put(out, STR(" accept\n"));
}

void
firewall_group_set(struct str group, const struct firewall_rule *rules, size_t count,
                   struct buf *out)
{
    firewall_group_make(group, out);
    buf_print(out,
              "flush chain inet c10m g-" STR_FMT "-in\nflush chain inet c10m g-" STR_FMT "-out\n",
              STR_ARG(group), STR_ARG(group));
    for (size_t i = 0; i < count; i++) {
        buf_print(out, "add rule inet c10m g-" STR_FMT "-%s", STR_ARG(group),
                  rules[i].is_egress ? "out" : "in");
        put_other_side(&rules[i], out);
        firewall_put_protocol(rules[i].protocol, rules[i].from, rules[i].to, out);
        put_verdict(&rules[i], out);
    }
}

void
firewall_group_del(struct str group, struct buf *out)
{
    buf_print(out,
              "delete chain inet c10m g-" STR_FMT "-in\n"
              "delete chain inet c10m g-" STR_FMT "-out\n"
              "delete set inet c10m g-" STR_FMT "-members\n",
              STR_ARG(group), STR_ARG(group), STR_ARG(group));
}

// The port's chains ask its groups in turn.
static void
put_port_chain(struct str port, const char *way, const struct str *groups, size_t count,
               struct buf *out)
{
    buf_print(out, "add chain inet c10m p-" STR_FMT "-%s\nflush chain inet c10m p-" STR_FMT "-%s\n",
              STR_ARG(port), way, STR_ARG(port), way);
    for (size_t i = 0; i < count; i++)
        buf_print(out, "add rule inet c10m p-" STR_FMT "-%s jump g-" STR_FMT "-%s\n", STR_ARG(port),
                  way, STR_ARG(groups[i]), way);
    buf_print(out, "add rule inet c10m p-" STR_FMT "-%s goto refused-%s\n", STR_ARG(port), way,
              way);
}

void
firewall_port_add(struct str port, struct str address, const struct str *groups, size_t count,
                  struct buf *out)
{
    put_port_chain(port, "in", groups, count, out);
    put_port_chain(port, "out", groups, count, out);
    for (size_t i = 0; i < count; i++)
        buf_print(out, "add element inet c10m g-" STR_FMT "-members { " STR_FMT " }\n",
                  STR_ARG(groups[i]), STR_ARG(address));
    buf_print(out,
              "add element inet c10m bound { \"" STR_FMT "\" . " STR_FMT " }\n"
              "add element inet c10m leave { " STR_FMT " : jump p-" STR_FMT "-out }\n"
              "add element inet c10m reach { " STR_FMT " : jump p-" STR_FMT "-in }\n",
              STR_ARG(port), STR_ARG(address), STR_ARG(address), STR_ARG(port), STR_ARG(address),
              STR_ARG(port));
}

void
firewall_port_del(struct str port, struct str address, const struct str *groups, size_t count,
                  struct buf *out)
{
    buf_print(out,
              "delete element inet c10m bound { \"" STR_FMT "\" . " STR_FMT " }\n"
              "delete element inet c10m leave { " STR_FMT " : jump p-" STR_FMT "-out }\n"
              "delete element inet c10m reach { " STR_FMT " : jump p-" STR_FMT "-in }\n",
              STR_ARG(port), STR_ARG(address), STR_ARG(address), STR_ARG(port), STR_ARG(address),
              STR_ARG(port));
    for (size_t i = 0; i < count; i++)
        buf_print(out, "delete element inet c10m g-" STR_FMT "-members { " STR_FMT " }\n",
                  STR_ARG(groups[i]), STR_ARG(address));
    buf_print(out,
              "delete chain inet c10m p-" STR_FMT "-in\ndelete chain inet c10m p-" STR_FMT "-out\n",
              STR_ARG(port), STR_ARG(port));
}

void
firewall_port_open(struct str address, bool is_egress, uint8_t protocol, struct buf *out)
{
    buf_print(out, "add element inet c10m %s { " STR_FMT " . %u }\n",
              is_egress ? "answers" : "hears", STR_ARG(address), protocol);
}
