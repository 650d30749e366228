// A network's rules as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/firewall.h"

// Two chains hear every packet that passes: what the sender's groups must accept, then what the
// receiver's must. A verdict of accept ends only the chain that it is in. Maps from address to a
// port's own chain keep the cost independent of the number of ports.
static const char tables[] =
    "add table inet c10m\n"
    "add set inet c10m cut { type ipv4_addr; flags interval; }\n"
    "add set inet c10m bound { type ifname . ipv4_addr; }\n"
    "add map inet c10m leave { type ipv4_addr : verdict; }\n"
    "add map inet c10m reach { type ipv4_addr : verdict; }\n"
    "add chain inet c10m heard { type filter hook prerouting priority -300; policy accept; }\n"
    "add rule inet c10m heard iifname != \"lo\" iifname . ip saddr != @bound drop\n"
    "add rule inet c10m heard meta nfproto ipv6 drop\n"
    "add chain inet c10m cutting { type filter hook forward priority -10; policy accept; }\n"
    "add rule inet c10m cutting ip saddr @cut drop\n"
    "add rule inet c10m cutting ip daddr @cut drop\n"
    "add chain inet c10m leaving { type filter hook forward priority 0; policy drop; }\n"
    "add rule inet c10m leaving ct state established,related accept\n"
    "add rule inet c10m leaving ct state invalid drop\n"
    "add rule inet c10m leaving ip saddr vmap @leave\n"
    "add chain inet c10m reaching { type filter hook forward priority 10; policy drop; }\n"
    "add rule inet c10m reaching ct state established,related accept\n"
    "add rule inet c10m reaching ip daddr vmap @reach\n"
    "add chain inet c10m offering { type filter hook input priority 0; policy drop; }\n"
    "add rule inet c10m offering ip saddr @cut drop\n"
    "add rule inet c10m offering ct state established,related accept\n"
    "add rule inet c10m offering iifname \"lo\" accept\n"
    "add rule inet c10m offering ip protocol icmp accept\n"
    "add rule inet c10m offering udp dport 53 accept\n"
    "add rule inet c10m offering tcp dport 53 accept\n"
    "add rule inet c10m offering ip daddr 169.254.169.254 tcp dport 80 accept\n"
    // What the network passes on from outside, over Elastic addresses.
    "add chain inet c10m entering { type filter hook output priority 0; policy accept; }\n"
    "add rule inet c10m entering ip daddr @cut drop\n"
    "add rule inet c10m entering ct state established,related accept\n"
    "add rule inet c10m entering ip daddr vmap @reach\n";

void
firewall_begin(struct buf *out)
{
    buf_put(out, str_of(tables));
}

void
firewall_group_make(struct str group, struct buf *out)
{
    buf_print(out,
              "add set inet c10m " STR_FMT "-members { type ipv4_addr; }\n"
              "add chain inet c10m " STR_FMT "-in\n"
              "add chain inet c10m " STR_FMT "-out\n",
              STR_ARG(group), STR_ARG(group), STR_ARG(group));
}

static void
put_other_side(const struct firewall_rule *r, struct buf *out)
{
    const char *side = r->is_egress ? "daddr" : "saddr";
    if (str_is_present(r->group))
        buf_print(out, " ip %s @" STR_FMT "-members", side, STR_ARG(r->group));
    else
        buf_print(out, " ip %s " STR_FMT, side, STR_ARG(r->cidr));
}

static void
put_protocol(const struct firewall_rule *r, struct buf *out)
{
    enum { TCP = 6, UDP = 17 };
    if (r->protocol == TCP || r->protocol == UDP)
        buf_print(out, " %s dport %u-%u", r->protocol == TCP ? "tcp" : "udp", r->from, r->to);
    else if (r->protocol != FIREWALL_ALL_PROTOCOLS)
        buf_print(out, " meta l4proto %u", r->protocol);
}

void
firewall_group_set(struct str group, const struct firewall_rule *rules, size_t count,
                   struct buf *out)
{
    firewall_group_make(group, out);
    buf_print(out, "flush chain inet c10m " STR_FMT "-in\nflush chain inet c10m " STR_FMT "-out\n",
              STR_ARG(group), STR_ARG(group));
    for (size_t i = 0; i < count; i++) {
        buf_print(out, "add rule inet c10m " STR_FMT "-%s", STR_ARG(group),
                  rules[i].is_egress ? "out" : "in");
        put_other_side(&rules[i], out);
        put_protocol(&rules[i], out);
        buf_put(out, STR(" accept\n"));
    }
}

void
firewall_group_del(struct str group, struct buf *out)
{
    buf_print(out,
              "delete chain inet c10m " STR_FMT "-in\n"
              "delete chain inet c10m " STR_FMT "-out\n"
              "delete set inet c10m " STR_FMT "-members\n",
              STR_ARG(group), STR_ARG(group), STR_ARG(group));
}

// The port's chains ask its groups in turn.
static void
put_port_chain(struct str port, const char *way, const struct str *groups, size_t count,
               struct buf *out)
{
    buf_print(out, "add chain inet c10m " STR_FMT "-%s\nflush chain inet c10m " STR_FMT "-%s\n",
              STR_ARG(port), way, STR_ARG(port), way);
    for (size_t i = 0; i < count; i++)
        buf_print(out, "add rule inet c10m " STR_FMT "-%s jump " STR_FMT "-%s\n", STR_ARG(port),
                  way, STR_ARG(groups[i]), way);
    buf_print(out, "add rule inet c10m " STR_FMT "-%s drop\n", STR_ARG(port), way);
}

void
firewall_port_add(struct str port, struct str address, const struct str *groups, size_t count,
                  struct buf *out)
{
    put_port_chain(port, "in", groups, count, out);
    put_port_chain(port, "out", groups, count, out);
    for (size_t i = 0; i < count; i++)
        buf_print(out, "add element inet c10m " STR_FMT "-members { " STR_FMT " }\n",
                  STR_ARG(groups[i]), STR_ARG(address));
    buf_print(out,
              "add element inet c10m bound { \"" STR_FMT "\" . " STR_FMT " }\n"
              "add element inet c10m leave { " STR_FMT " : jump " STR_FMT "-out }\n"
              "add element inet c10m reach { " STR_FMT " : jump " STR_FMT "-in }\n",
              STR_ARG(port), STR_ARG(address), STR_ARG(address), STR_ARG(port), STR_ARG(address),
              STR_ARG(port));
}

void
firewall_port_del(struct str port, struct str address, const struct str *groups, size_t count,
                  struct buf *out)
{
    buf_print(out,
              "delete element inet c10m bound { \"" STR_FMT "\" . " STR_FMT " }\n"
              "delete element inet c10m leave { " STR_FMT " : jump " STR_FMT "-out }\n"
              "delete element inet c10m reach { " STR_FMT " : jump " STR_FMT "-in }\n",
              STR_ARG(port), STR_ARG(address), STR_ARG(address), STR_ARG(port), STR_ARG(address),
              STR_ARG(port));
    for (size_t i = 0; i < count; i++)
        buf_print(out, "delete element inet c10m " STR_FMT "-members { " STR_FMT " }\n",
                  STR_ARG(groups[i]), STR_ARG(address));
    buf_print(out,
              "delete chain inet c10m " STR_FMT "-in\ndelete chain inet c10m " STR_FMT "-out\n",
              STR_ARG(port), STR_ARG(port));
}

void
firewall_cut(struct str cidr, struct buf *out)
{
    buf_print(out, "add element inet c10m cut { " STR_FMT " }\n", STR_ARG(cidr));
}

void
firewall_heal(struct str cidr, struct buf *out)
{
    buf_print(out, "delete element inet c10m cut { " STR_FMT " }\n", STR_ARG(cidr));
}
