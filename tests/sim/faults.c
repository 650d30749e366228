// What goes wrong with the clouds of a simulation.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/store.h"
#include "tests/sim/world.h"

enum { MS = 1000000, CALM_ONE_IN = 4, LOOK_MS = 100, PAUSE_MS_MAX = 15000 };

static const struct sim_network calm_network = {.delay_ns_max = 200000, .window_bytes = 65536};

static uint64_t
one_in(uint64_t max)
{
    return sim_chance(3) ? 0 : 20 + sim_random(max);
}

// Each kind is left out by some seeds, so that one does not hide another.
void
faults_choose(struct world *w)
{
    w->is_calm = sim_chance(CALM_ONE_IN);
    if (w->is_calm)
        return;
    struct sim_network network = {
        .delay_ns_max = (int64_t)(10000 + sim_random(2) * sim_random(20 * MS)),
        .stall_ns_max = sim_chance(2) ? 0 : (int64_t)sim_random(3000) * MS,
        .reset_one_in = one_in(300),
        .window_bytes = sim_chance(2) ? 65536 : 512 + sim_random(4096),
    };
    struct sim_store_faults store = {
        .conflict_one_in = one_in(200),
        .unknown_one_in = one_in(400),
        .full_one_in = one_in(1000),
        .delay_one_in = sim_chance(2) ? 0 : 2 + sim_random(20),
        .delay_ns_max = 1 + (int64_t)sim_random(300) * MS,
        .kill_before_one_in = one_in(3000),
        .kill_after_one_in = one_in(3000),
    };
    sim_network_set(&network);
    sim_store_set_faults(&store);
    sim_trace("faults: delay=%lld stall=%lld reset=%llu window=%zu conflict=%llu unknown=%llu",
              (long long)network.delay_ns_max, (long long)network.stall_ns_max,
              (unsigned long long)network.reset_one_in, network.window_bytes,
              (unsigned long long)store.conflict_one_in, (unsigned long long)store.unknown_one_in);
}

void
faults_end(struct world *w)
{
    struct sim_store_faults none = {0};
    sim_network_set(&calm_network);
    sim_store_set_faults(&none);
    sim_trace("faults end");
    for (unsigned i = 0; i < w->node_count; i++)
        node_await_ready(&w->nodes[i]);
}

static void
trouble(struct world *w, struct node *n)
{
    switch (sim_random(6)) {
    case 0:
    case 1:
        w->kills++;
        node_kill(n);
        break;
    case 2:
        w->restarts++;
        node_stop(n);
        break;
    case 3:
        if (n->process)
            sim_process_pause(n->process, (int64_t)sim_random(PAUSE_MS_MAX) * MS);
        w->pauses++;
        break;
    default:
        break;
    }
}

static void
sleep_and_look(const struct world *w, uint64_t ms_max)
{
    for (uint64_t left = sim_random(ms_max); left > 0; left -= left < LOOK_MS ? left : LOOK_MS) {
        sim_sleep_ns(LOOK_MS * MS);
        ways_check_leases(w);
    }
}

void
faults_round(struct world *w)
{
    sleep_and_look(w, 4000);
    struct node *n = &w->nodes[sim_random(w->node_count)];
    if (w->is_calm)
        return;
    if (n->process && !sim_process_is_alive(n->process)) // by a fault of the store
        node_kill(n);
    else if (n->process)
        trouble(w, n);
    if (!n->process) {
        sleep_and_look(w, 1000);
        node_start(n);
    }
}
