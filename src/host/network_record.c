// What a network's record says, checked.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_record.h"

#include <stdio.h>

#include "src/host/cidr.h"
#include "src/host/firewall.h"
#include "src/host/host.h"
#include "src/host/unit.h"

enum { PROBLEM_BYTES = 512 }; // UNIT_PROBLEM_BYTES

static int
refuse(char *problem, const char *what, struct str value)
{
    snprintf(problem, PROBLEM_BYTES, "the network's %s '" STR_FMT "' cannot be used", what,
             STR_ARG(value));
    return E_INVALID;
}

static bool
is_name(struct str name)
{
    return host_name_is_valid(name) && !(name.ptr[0] >= '0' && name.ptr[0] <= '9') &&
           name.ptr[0] != '-';
}

// With or without bits behind it.
static bool
is_address(struct str text)
{
    uint32_t address;
    struct cidr range;
    return address_parse(text, &address) == OK || cidr_parse(text, &range) == OK;
}

// "0a:00:00:00:00:04"
static bool
is_mac(struct str text)
{
    enum { MAC_CHARS = 17 };
    for (size_t i = 0; i < text.len && text.len == MAC_CHARS; i++) {
        char c = text.ptr[i];
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (i % 3 == 2 ? c != ':' : !is_digit)
            return false;
    }
    return text.len == MAC_CHARS;
}

const struct host_port_record *
network_record_port(const struct host_network_record *r, struct str name)
{
    for (size_t i = 0; i < r->ports.count; i++)
        if (str_eq(r->ports.items[i].name, name))
            return &r->ports.items[i];
    return NULL;
}

struct str
network_port_address(const struct host_port_record *p)
{
    struct str address, bits;
    return str_cut(p->address, '/', &address, &bits) ? address : p->address;
}

static bool
has_group(const struct host_network_record *r, struct str name)
{
    for (size_t i = 0; i < r->groups.count; i++)
        if (str_eq(r->groups.items[i].name, name))
            return true;
    return false;
}

static bool
has_access_list(const struct host_network_record *r, struct str name)
{
    for (size_t i = 0; i < r->access_lists.count; i++)
        if (str_eq(r->access_lists.items[i].name, name))
            return true;
    return false;
}

static int
check_cidr(struct str cidr, const char *what, char *problem)
{
    if (str_find_char(cidr, ':') >= 0)
        return firewall_cidr_check(cidr, problem); // which names IPv6
    return is_address(cidr) ? OK : refuse(problem, what, cidr);
}

static int
check_group(const struct host_network_record *r, const struct host_group_record *g, char *problem)
{
    if (!is_name(g->name))
        return refuse(problem, "group", g->name);
    for (size_t i = 0; i < g->rules.count; i++) {
        const struct host_rule_record *rule = &g->rules.items[i];
        if (!str_is_present(rule->group))
            TRY(check_cidr(rule->cidr, "rule for", problem));
        else if (!has_group(r, rule->group))
            return refuse(problem, "rule for", rule->group);
    }
    return OK;
}

static int
check_access_list(const struct host_access_list_record *list, char *problem)
{
    if (!is_name(list->name))
        return refuse(problem, "access list", list->name);
    for (size_t i = 0; i < list->rules.count; i++)
        TRY(check_cidr(list->rules.items[i].cidr, "access list's rule for", problem));
    return OK;
}

static int
check_port(const struct host_network_record *r, const struct host_port_record *p, char *problem)
{
    // Rules know the first two as others than guests', the kernel the others as no link's.
    static const char *const taken[] = {"lo", "uplink", "all", "default"};
    bool is_free = is_name(p->name);
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        is_free = is_free && !str_eq(p->name, str_of(taken[i]));
    if (!is_free)
        return refuse(problem, "port", p->name);
    uint32_t gateway;
    if (!is_address(p->address))
        return refuse(problem, "address", p->address);
    if (address_parse(p->gateway, &gateway) != OK)
        return refuse(problem, "gateway", p->gateway);
    if (!is_mac(p->mac))
        return refuse(problem, "mac", p->mac);
    for (size_t i = 0; i < p->groups.count; i++)
        if (!has_group(r, p->groups.items[i]))
            return refuse(problem, "group", p->groups.items[i]);
    return OK;
}

static int
check_subnet(const struct host_network_record *r, size_t at, char *problem)
{
    const struct host_subnet_record *s = &r->subnets.items[at];
    struct cidr range, other;
    if (cidr_parse(s->cidr, &range) != OK)
        return refuse(problem, "subnet", s->cidr);
    if (str_is_present(s->zone) && !zone_name_is_valid(s->zone))
        return refuse(problem, "zone", s->zone);
    if (str_is_present(s->access_list) && !has_access_list(r, s->access_list))
        return refuse(problem, "access list", s->access_list);
    for (size_t i = 0; i < at; i++)
        if (cidr_parse(r->subnets.items[i].cidr, &other) == OK && cidr_overlaps(range, other))
            return refuse(problem, "subnet, which overlaps with another,", s->cidr);
    return OK;
}

static int
check_elastic(const struct host_network_record *r, size_t at, char *problem)
{
    static const struct cidr loopback = {UINT32_C(127) << 24, 8}, own = {UINT32_C(127) << 24, 24};
    const struct host_elastic_record *e = &r->elastics.items[at];
    uint32_t address;
    if (network_record_port(r, e->port) == NULL)
        return refuse(problem, "port of an Elastic address", e->port);
    if (str_is_present(e->address) && address_parse(e->address, &address) != OK)
        return refuse(problem, "Elastic address", e->address);
    // 127.0.0.x is for programs of this machine, c10m itself among them.
    if (str_is_present(e->loopback) && (address_parse(e->loopback, &address) != OK ||
                                        !cidr_has(loopback, address) || cidr_has(own, address)))
        return refuse(problem, "address on this machine", e->loopback);
    for (size_t i = 0; i < at; i++) {
        const struct host_elastic_record *other = &r->elastics.items[i];
        if (str_is_present(e->address) && str_eq(e->address, other->address))
            return refuse(problem, "Elastic address, which is there twice,", e->address);
        if (str_is_present(e->loopback) && str_eq(e->loopback, other->loopback))
            return refuse(problem, "address on this machine, which is there twice,", e->loopback);
    }
    return OK;
}

static int
check_gateway(const struct host_gateway_record *g, char *problem)
{
    struct cidr range;
    uint32_t address;
    if (cidr_parse(g->cidr, &range) != OK)
        return refuse(problem, "NAT gateway's subnet", g->cidr);
    if (address_parse(g->address, &address) != OK)
        return refuse(problem, "NAT gateway's address", g->address);
    return OK;
}

static struct str
port_name(const struct host_network_record *r, size_t at)
{
    return r->ports.items[at].name;
}

static struct str
group_name(const struct host_network_record *r, size_t at)
{
    return r->groups.items[at].name;
}

static struct str
access_list_name(const struct host_network_record *r, size_t at)
{
    return r->access_lists.items[at].name;
}

// A group may have a port's name, but not another group's.
static int
check_names(const struct host_network_record *r, char *problem)
{
    const struct {
        size_t count;
        struct str (*name)(const struct host_network_record *r, size_t at);
    } kinds[] = {{r->ports.count, port_name},
                 {r->groups.count, group_name},
                 {r->access_lists.count, access_list_name}};
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++)
        for (size_t i = 0; i < kinds[kind].count; i++)
            for (size_t k = 0; k < i; k++)
                if (str_eq(kinds[kind].name(r, i), kinds[kind].name(r, k)))
                    return refuse(problem, "name, which two of its parts have,",
                                  kinds[kind].name(r, i));
    return OK;
}

static int
check(const struct host_network_record *r, char *problem)
{
    if (r->subnets.count > NETWORK_SUBNETS_MAX) {
        snprintf(problem, PROBLEM_BYTES, "the network has more than %d subnets",
                 NETWORK_SUBNETS_MAX);
        return E_INVALID;
    }
    for (size_t i = 0; i < r->addresses.count; i++)
        if (!is_address(r->addresses.items[i]))
            return refuse(problem, "address", r->addresses.items[i]);
    for (size_t i = 0; i < r->groups.count; i++)
        TRY(check_group(r, &r->groups.items[i], problem));
    for (size_t i = 0; i < r->access_lists.count; i++)
        TRY(check_access_list(&r->access_lists.items[i], problem));
    for (size_t i = 0; i < r->subnets.count; i++)
        TRY(check_subnet(r, i, problem));
    for (size_t i = 0; i < r->ports.count; i++)
        TRY(check_port(r, &r->ports.items[i], problem));
    for (size_t i = 0; i < r->elastics.count; i++)
        TRY(check_elastic(r, i, problem));
    for (size_t i = 0; i < r->gateways.count; i++)
        TRY(check_gateway(&r->gateways.items[i], problem));
    return check_names(r, problem);
}

int
network_record_read(struct str spec, struct arena *arena, struct host_network_record *out,
                    char *problem)
{
    *out = (struct host_network_record){0};
    snprintf(problem, PROBLEM_BYTES, "the network's record cannot be read");
    TRY(record_decode(&host_network_record_type, spec, arena, out));
    return check(out, problem);
}
