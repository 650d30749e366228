// A network's public addresses, and what fails on the way between networks.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_public.h"

#include <dirent.h>
#include <stdio.h>

#include "src/host/cidr.h"
#include "src/host/network.h"
#include "src/host/network_applied.h"
#include "src/host/network_faults.h"
#include "src/host/network_record.h"

enum { PATH_BYTES = 4096, PUBLIC_MAX = 256 };

static bool
has_address(const struct host_network_record *r, struct str address)
{
    for (size_t i = 0; i < r->elastics.count; i++)
        if (str_eq(r->elastics.items[i].address, address))
            return true;
    for (size_t i = 0; i < r->gateways.count; i++)
        if (str_eq(r->gateways.items[i].address, address))
            return true;
    return false;
}

static bool
has_any(const struct host_network_record *r)
{
    for (size_t i = 0; i < r->elastics.count; i++)
        if (str_is_present(r->elastics.items[i].address))
            return true;
    return r->gateways.count > 0;
}

int
network_public_apply(struct host *h, struct str name, const struct host_network_record *r,
                     char *problem)
{
    if (!has_any(r))
        return OK;
    TRY(network_uplink(h, name, problem));
    for (size_t i = 0; i < r->elastics.count; i++)
        if (str_is_present(r->elastics.items[i].address))
            TRY(network_public_add(h, name, r->elastics.items[i].address, problem));
    for (size_t i = 0; i < r->gateways.count; i++)
        TRY(network_public_add(h, name, r->gateways.items[i].address, problem));
    return OK;
}

static int
withdraw_address(struct host *h, struct str name, const struct host_network_record *r,
                 struct str address, char *problem)
{
    if (!str_is_present(address) || has_address(r, address))
        return OK;
    int code = network_public_del(h, name, address, problem);
    return code == E_NOT_FOUND ? OK : code; // the internet has ended
}

int
network_public_withdraw(struct host *h, struct str name, const struct host_network_record *before,
                        const struct host_network_record *r, char *problem)
{
    for (size_t i = 0; i < before->elastics.count; i++)
        TRY(withdraw_address(h, name, r, before->elastics.items[i].address, problem));
    for (size_t i = 0; i < before->gateways.count; i++)
        TRY(withdraw_address(h, name, r, before->gateways.items[i].address, problem));
    return has_any(before) && !has_any(r) ? network_uplink_del(h, name, problem) : OK;
}

// -- the internet, as a network whose subnets are public addresses

struct meeting {
    struct arena *arena;
    struct host_network_record record;
};

// The zone of the subnet that has the address.
static struct str
zone_of(const struct host_network_record *r, struct str text)
{
    struct cidr range;
    uint32_t address;
    for (size_t i = 0; i < r->subnets.count && address_parse(text, &address) == OK; i++)
        if (cidr_parse(r->subnets.items[i].cidr, &range) == OK && cidr_has(range, address))
            return r->subnets.items[i].zone;
    return (struct str){0};
}

static void
meet(struct meeting *m, struct str address, struct str zone)
{
    struct host_subnet_list_record *all = &m->record.subnets;
    if (!str_is_present(zone) || !str_is_present(address) || all->count == PUBLIC_MAX)
        return;
    all->items[all->count++] = (struct host_subnet_record){
        .cidr = arena_print(m->arena, STR_FMT "/32", STR_ARG(address)), .zone = zone};
}

// An Elastic address lies where its port does, a NAT gateway where the subnet that it serves does.
static void
meet_network(struct meeting *m, const struct host_network_record *r)
{
    struct str address, bits;
    for (size_t i = 0; i < r->elastics.count; i++) {
        const struct host_port_record *p = network_record_port(r, r->elastics.items[i].port);
        if (p != NULL)
            meet(m, r->elastics.items[i].address, zone_of(r, network_port_address(p)));
    }
    for (size_t i = 0; i < r->gateways.count; i++)
        if (str_cut(r->gateways.items[i].cidr, '/', &address, &bits))
            meet(m, r->gateways.items[i].address, zone_of(r, address));
}

static void
meet_all(struct meeting *m, const struct host *h)
{
    char path[PATH_BYTES];
    struct dirent *e;
    struct host_network_record r;
    snprintf(path, sizeof(path), "%s/networks", h->dir);
    DIR *d = opendir(path);
    while (d != NULL && (e = readdir(d)) != NULL) {
        if (!host_name_is_valid(str_of(e->d_name)))
            continue;
        network_applied_read(h, str_of(e->d_name), m->arena, &r);
        meet_network(m, &r);
    }
    if (d != NULL)
        closedir(d);
}

static int
fail_at_internet(struct host *h, const struct zones *z, struct arena *arena, char *problem)
{
    struct network_status status;
    struct meeting m = {.arena = arena};
    struct buf commands;
    TRY(network_status_get(h, NETWORK_INTERNET, &status));
    if (!status.is_running)
        return OK;
    m.record.subnets.items = arena_alloc_array(arena, PUBLIC_MAX, sizeof(*m.record.subnets.items));
    meet_all(&m, h);
    buf_init(&commands, arena, 4096);
    return network_faults_apply(h, NETWORK_INTERNET, &m.record, z, &commands, problem);
}

int
network_public_fail(struct host *h, const struct zones *z, char *problem)
{
    struct arena arena;
    arena_init(&arena);
    int code = fail_at_internet(h, z, &arena, problem);
    arena_fini(&arena);
    return code;
}
