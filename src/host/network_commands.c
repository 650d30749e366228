// A network's record as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_commands.h"

#include <netinet/in.h>

#include "src/host/access_list.h"
#include "src/host/firewall.h"
#include "src/host/network_record.h"
#include "src/host/translation.h"

static void
put_group(const struct host_group_record *g, struct buf *out)
{
    struct firewall_rule *rules = arena_alloc_array(out->arena, g->rules.count + 1, sizeof(*rules));
    for (size_t i = 0; i < g->rules.count; i++) {
        const struct host_rule_record *r = &g->rules.items[i];
        rules[i] = (struct firewall_rule){
            .is_egress = r->is_egress.value,
            .protocol = (uint8_t)r->protocol.value,
            .from = r->from.value,
            .to = r->to.value,
            .cidr = r->cidr,
            .group = r->group,
        };
    }
    firewall_group_set(g->name, rules, g->rules.count, out);
}

// All flows of the protocol, to everywhere or from there.
static bool
is_open(const struct host_rule_record *rule, bool is_egress, int protocol)
{
    if (rule->is_egress.value != is_egress || str_is_present(rule->group) ||
        !str_ends(rule->cidr, STR("/0")))
        return false;
    return rule->protocol.value == FIREWALL_ALL_PROTOCOLS ||
           (rule->protocol.value == protocol && rule->from.value <= 0 &&
            rule->to.value == UINT16_MAX);
}

static bool
group_is_open(const struct host_network_record *r, struct str name, bool is_egress, int protocol)
{
    for (size_t i = 0; i < r->groups.count; i++) {
        const struct host_group_record *g = &r->groups.items[i];
        for (size_t k = 0; k < g->rules.count && str_eq(g->name, name); k++)
            if (is_open(&g->rules.items[k], is_egress, protocol))
                return true;
    }
    return false;
}

static void
put_open(const struct host_network_record *r, const struct host_port_record *p, struct buf *out)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
    for (size_t i = 0; i < COUNT_OF(protocols) * 2; i++) {
        bool is_egress = i % 2 == 0, is_any = false;
        for (size_t k = 0; k < p->groups.count; k++)
            is_any = is_any || group_is_open(r, p->groups.items[k], is_egress, protocols[i / 2]);
        if (is_any)
            firewall_port_open(network_port_address(p), is_egress, protocols[i / 2], out);
    }
}

static void
put_access_list(const struct host_access_list_record *list, struct buf *out)
{
    struct access_rule *rules =
        arena_alloc_array(out->arena, list->rules.count + 1, sizeof(*rules));
    for (size_t i = 0; i < list->rules.count; i++) {
        const struct host_access_rule_record *r = &list->rules.items[i];
        rules[i] = (struct access_rule){
            .is_egress = r->is_egress.value,
            .is_allowed = r->is_allowed.value,
            .protocol = (uint8_t)r->protocol.value,
            .from = r->from.value,
            .to = r->to.value,
            .cidr = r->cidr,
        };
    }
    access_list_set(list->name, rules, list->rules.count, out);
}

static void
put_public(const struct host_network_record *r, struct buf *out)
{
    for (size_t i = 0; i < r->elastics.count; i++) {
        const struct host_elastic_record *e = &r->elastics.items[i];
        if (str_is_present(e->address))
            translation_elastic_add(e->address,
                                    network_port_address(network_record_port(r, e->port)), out);
    }
    for (size_t i = 0; i < r->gateways.count; i++)
        translation_gateway_add(r->gateways.items[i].cidr, r->gateways.items[i].address, out);
}

void
network_commands_put(const struct host_network_record *r, struct buf *out)
{
    buf_put(out, STR("add table inet c10m\ndelete table inet c10m\nadd table inet c10m\n"));
    for (size_t i = 0; i < r->access_lists.count; i++)
        access_list_make(r->access_lists.items[i].name, out);
    firewall_begin(out);
    for (size_t i = 0; i < r->groups.count; i++)
        firewall_group_make(r->groups.items[i].name, out);
    for (size_t i = 0; i < r->groups.count; i++)
        put_group(&r->groups.items[i], out);
    for (size_t i = 0; i < r->ports.count; i++) {
        const struct host_port_record *p = &r->ports.items[i];
        firewall_port_add(p->name, network_port_address(p), p->groups.items, p->groups.count, out);
        put_open(r, p, out);
    }
    for (size_t i = 0; i < r->access_lists.count; i++)
        put_access_list(&r->access_lists.items[i], out);
    for (size_t i = 0; i < r->subnets.count; i++)
        if (str_is_present(r->subnets.items[i].access_list))
            access_list_attach(r->subnets.items[i].access_list, r->subnets.items[i].cidr, out);
    put_public(r, out);
}
