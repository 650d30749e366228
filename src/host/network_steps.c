// From one record of a network to another, in steps that the kernel takes.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_steps.h"

#include "src/base/arena.h"
#include "src/host/network_record.h"

bool
network_step(const struct host_network_record *before, const struct host_network_record *r,
             struct arena *arena, struct host_network_record *out)
{
    size_t added = 0;
    *out = *r;
    out->ports.items = arena_alloc_array(arena, r->ports.count + 1, sizeof(*out->ports.items));
    out->ports.count = 0;
    for (size_t i = 0; i < r->ports.count; i++) {
        bool is_new = network_record_port(before, r->ports.items[i].name) == NULL;
        if (is_new && added++ >= NETWORK_STEP_PORTS_MAX)
            continue;
        out->ports.items[out->ports.count++] = r->ports.items[i];
    }
    out->elastics.items =
        arena_alloc_array(arena, r->elastics.count + 1, sizeof(*out->elastics.items));
    out->elastics.count = 0;
    for (size_t i = 0; i < r->elastics.count; i++)
        if (network_record_port(out, r->elastics.items[i].port) != NULL)
            out->elastics.items[out->elastics.count++] = r->elastics.items[i];
    return out->ports.count < r->ports.count;
}
