// Public addresses of a network as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/translation.h"

static void
put_elastic(const char *verb, struct str address, struct str port_address, struct buf *out)
{
    buf_print(out,
              "%s element inet c10m elastic-in { " STR_FMT " : " STR_FMT " }\n"
              "%s element inet c10m elastic-out { " STR_FMT " : " STR_FMT " }\n"
              "%s element inet c10m outward { " STR_FMT " }\n",
              verb, STR_ARG(address), STR_ARG(port_address), verb, STR_ARG(port_address),
              STR_ARG(address), verb, STR_ARG(port_address));
}

void
translation_elastic_add(struct str address, struct str port_address, struct buf *out)
{
    put_elastic("add", address, port_address, out);
}

void
translation_elastic_del(struct str address, struct str port_address, struct buf *out)
{
    put_elastic("delete", address, port_address, out);
}

static void
put_gateway(const char *verb, struct str subnet, struct str address, struct buf *out)
{
    buf_print(out,
              "%s element inet c10m gateway-out { " STR_FMT " : " STR_FMT " }\n"
              "%s element inet c10m outward-subnets { " STR_FMT " }\n",
              verb, STR_ARG(subnet), STR_ARG(address), verb, STR_ARG(subnet));
}

void
translation_gateway_add(struct str subnet, struct str address, struct buf *out)
{
    put_gateway("add", subnet, address, out);
}

void
translation_gateway_del(struct str subnet, struct str address, struct buf *out)
{
    put_gateway("delete", subnet, address, out);
}

void
translation_internet_begin(struct buf *out)
{
    buf_put(out,
            STR("add table inet c10m\n"
                "add set inet c10m bound { type ifname . ipv4_addr; }\n"
                "add chain inet c10m heard { type filter hook prerouting priority -300; policy "
                "accept; }\n"
                "flush chain inet c10m heard\n"
                "add rule inet c10m heard iifname != \"lo\" iifname . ip saddr != @bound drop\n"
                "add rule inet c10m heard meta nfproto ipv6 drop\n"
                "add chain inet c10m offering { type filter hook input priority 0; policy drop; "
                "}\n"));
}

static void
put_bound(const char *verb, const char *link, struct str address, struct buf *out)
{
    buf_print(out, "%s element inet c10m bound { \"%s\" . " STR_FMT " }\n", verb, link,
              STR_ARG(address));
}

void
translation_internet_add(const char *link, struct str address, struct buf *out)
{
    put_bound("add", link, address, out);
}

void
translation_internet_del(const char *link, struct str address, struct buf *out)
{
    put_bound("delete", link, address, out);
}
