// Stateless access lists of subnets as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/access_list.h"

#include "src/host/firewall_text.h"

static void
put_rule(struct str list, const struct access_rule *r, struct buf *out)
{
    const char *way = r->is_egress ? "out" : "in";
    buf_print(out, "add rule inet c10m l-" STR_FMT "-%s ip %s " STR_FMT, STR_ARG(list), way,
              r->is_egress ? "daddr" : "saddr", STR_ARG(r->cidr));
    firewall_put_protocol(r->protocol, r->from, r->to, out);
    if (r->is_allowed)
        buf_put(out, STR(" accept\n"));
    else
        buf_print(out, " goto refused-%s\n", way);
}

static const char *const ways[] = {"in", "out"};

void
access_list_make(struct str list, struct buf *out)
{
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        buf_print(out, "add chain inet c10m l-" STR_FMT "-%s\n", STR_ARG(list), ways[i]);
}

void
access_list_set(struct str list, const struct access_rule *rules, size_t count, struct buf *out)
{
    access_list_make(list, out);
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        buf_print(out, "flush chain inet c10m l-" STR_FMT "-%s\n", STR_ARG(list), ways[i]);
    for (size_t i = 0; i < count; i++)
        put_rule(list, &rules[i], out);
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        buf_print(out, "add rule inet c10m l-" STR_FMT "-%s goto refused-%s\n", STR_ARG(list),
                  ways[i], ways[i]);
}

void
access_list_del(struct str list, struct buf *out)
{
    buf_print(out,
              "delete chain inet c10m l-" STR_FMT "-in\n"
              "delete chain inet c10m l-" STR_FMT "-out\n",
              STR_ARG(list), STR_ARG(list));
}

static void
put_elements(const char *verb, struct str list, struct str subnet, struct buf *out)
{
    buf_print(out,
              "%s element inet c10m beside { " STR_FMT " . " STR_FMT " }\n"
              "%s element inet c10m cross-out { " STR_FMT " : jump l-" STR_FMT "-out }\n"
              "%s element inet c10m cross-in { " STR_FMT " : jump l-" STR_FMT "-in }\n",
              verb, STR_ARG(subnet), STR_ARG(subnet), verb, STR_ARG(subnet), STR_ARG(list), verb,
              STR_ARG(subnet), STR_ARG(list));
}

void
access_list_attach(struct str list, struct str subnet, struct buf *out)
{
    put_elements("add", list, subnet, out);
}

void
access_list_detach(struct str list, struct str subnet, struct buf *out)
{
    put_elements("delete", list, subnet, out);
}
