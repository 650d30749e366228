// A network's share of what fails in zones and between them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_faults.h"

#include <stdio.h>

#include "src/host/faults.h"
#include "src/host/network.h"

// Whether something cut off lies between two zones.
static bool
are_apart(const struct zones *z, struct str zone, struct str other)
{
    for (size_t i = 0; i < z->fault_count; i++) {
        struct str place = z->faults[i].place;
        if (z->faults[i].state != ZONE_HEALTHY &&
            zone_lies_in(zone, place) != zone_lies_in(other, place))
            return true;
    }
    return false;
}

// The way that leads from one zone to the other; NULL: none that is slow.
static const struct slow_way *
way_find(const struct zones *z, struct str zone, struct str other)
{
    for (size_t i = 0; i < z->way_count; i++) {
        const struct slow_way *w = &z->ways[i];
        if ((zone_lies_in(zone, w->place) && zone_lies_in(other, w->other)) ||
            (zone_lies_in(zone, w->other) && zone_lies_in(other, w->place)))
            return w;
    }
    return NULL;
}

static void
put_pair(const struct host_subnet_record *s, const struct host_subnet_record *other,
         const struct zones *z, uint64_t queues, struct buf *out)
{
    const struct slow_way *w = way_find(z, s->zone, other->zone);
    if (w != NULL && (queues >> w->queue & 1))
        faults_slow(s->cidr, other->cidr, w->queue, out);
    if (zones_state(z, s->zone) != ZONE_HEALTHY && zones_state(z, other->zone) != ZONE_HEALTHY &&
        !are_apart(z, s->zone, other->zone))
        faults_together(s->cidr, other->cidr, out);
}

static void
put_faults(const struct host_network_record *r, const struct zones *z, uint64_t queues,
           struct buf *out)
{
    faults_begin(out);
    for (size_t i = 0; i < r->subnets.count && z->fault_count + z->way_count > 0; i++) {
        const struct host_subnet_record *s = &r->subnets.items[i];
        if (zones_state(z, s->zone) != ZONE_HEALTHY)
            faults_cut(s->cidr, out);
        for (size_t k = 0; k < r->subnets.count; k++)
            put_pair(s, &r->subnets.items[k], z, queues, out);
    }
}

static uint64_t
queues_of(const struct host_network_record *r, const struct zones *z)
{
    uint64_t queues = 0;
    for (size_t i = 0; i < r->subnets.count && z->way_count > 0; i++)
        for (size_t k = 0; k < i; k++) {
            const struct slow_way *w =
                way_find(z, r->subnets.items[i].zone, r->subnets.items[k].zone);
            if (w != NULL)
                queues |= UINT64_C(1) << w->queue;
        }
    return queues;
}

// The queues that could be made, as bits; `problem` says why others could not.
static int
make_queues(struct host *h, struct str name, const struct host_network_record *r,
            const struct zones *z, char *problem, uint64_t *out)
{
    uint64_t wanted = queues_of(r, z);
    int result = OK;
    *out = 0;
    for (size_t i = 0; i < z->way_count; i++) {
        const struct slow_way *w = &z->ways[i];
        if (!(wanted >> w->queue & 1))
            continue;
        int code = network_queue_set(h, name, w->queue, w->delay_us, w->loss_ppm, problem);
        if (code == OK)
            *out |= UINT64_C(1) << w->queue;
        else
            result = code;
    }
    return result;
}

int
network_faults_apply(struct host *h, struct str name, const struct host_network_record *r,
                     const struct zones *z, struct buf *commands, char *problem)
{
    char why[HOST_PROBLEM_BYTES] = "";
    uint64_t queues;
    int code = make_queues(h, name, r, z, why, &queues);
    put_faults(r, z, queues, commands);
    TRY(network_rules(h, name, buf_str(commands), problem));
    TRY(network_queues_keep(h, name, queues, problem));
    if (code != OK)
        snprintf(problem, HOST_PROBLEM_BYTES, "%s", why);
    return code;
}
