// Processes that use the store's modules directly: their life.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/ways.h"

#include <stdlib.h>

#include "src/store/lease.h"
#include "src/task/background.h"
#include "tests/sim/failure.h"

enum { RUN_MS_MAX = 5000, DONE_S_MAX = 120, SHORT_LEASE_MS = 4000 };

typedef void turn_fn(struct ways_node *n, struct arena *a);

struct start {
    struct ways_node *node;
    turn_fn *turn;
};

enum outcome
ways_run(struct ways_node *n, struct arena *a, kv_body_fn *body, void *arg)
{
    int64_t began_ns = sim_now_ns();
    int code = kv_run(n->kv, a, body, arg);
    int64_t took_ms = (sim_now_ns() - began_ns) / 1000000;
    if (n->world->is_calm && took_ms > RUN_MS_MAX)
        failure("stuck: a transaction took %lld ms", (long long)took_ms);
    return code == OK ? OUTCOME_YES : code == E_UNKNOWN ? OUTCOME_MAYBE : OUTCOME_NO;
}

void
ways_pause(struct ways_node *n, uint64_t ms_max)
{
    CHECK(fiber_sleep_until(deadline_in_ms(n->runtime, (int64_t)sim_random(ms_max))) == OK);
}

struct str
ways_key(struct arena *a, const char *kind, unsigned number)
{
    return arena_print(a, "%s/%08u", kind, number);
}

static bool
is_ending(const struct ways_node *n)
{
    return n->world->is_over || n->node_life->is_stopping;
}

static void
fiber_main(void *arg)
{
    struct start *s = arg;
    struct ways_node *n = s->node;
    struct arena arena;
    arena_init(&arena);
    while (!is_ending(n)) {
        s->turn(n, &arena);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    free(s);
    n->running--;
}

static int
start_fibers(void *arg)
{
    static turn_fn *const turns[] = {ways_timers, ways_timers, ways_lease, ways_send,
                                     ways_send,   ways_read,   ways_read,  ways_read};
    struct ways_node *n = arg;
    for (size_t i = 0; i < COUNT_OF(turns); i++) {
        struct start *s = calloc(1, sizeof(*s));
        CHECK(s);
        *s = (struct start){n, turns[i]};
        n->running++;
        CHECK(fiber_start(runtime_loop(n->runtime, 0), "ways", fiber_main, s, NULL) == OK);
    }
    return OK;
}

static int
wait_for_fibers(void *arg)
{
    struct ways_node *n = arg;
    while (n->running > 0)
        CHECK(fiber_sleep_until(deadline_in_ms(n->runtime, 20)) == OK);
    return OK;
}

// After the faults: every timer that was set rings, and every mail arrives.
static int
wait_for_all(void *arg)
{
    struct ways_node *n = arg;
    struct arena arena;
    int64_t until_ns = sim_now_ns() + DONE_S_MAX * INT64_C(1000000000);
    arena_init(&arena);
    while (!ways_timers_done(n, &arena)) {
        if (sim_now_ns() > until_ns)
            failure("forgotten: a timer that was set never rings");
        arena_reset(&arena);
        CHECK(fiber_sleep_until(deadline_in_ms(n->runtime, 500)) == OK);
    }
    while (!ways_mails_done(n->model)) {
        if (sim_now_ns() > until_ns)
            failure("lost: a mail that was sent never arrives");
        CHECK(fiber_sleep_until(deadline_in_ms(n->runtime, 500)) == OK);
    }
    arena_fini(&arena);
    return OK;
}

static void
run_modules(struct ways_node *n)
{
    struct background *b = background_new(n->runtime);
    struct jobs_options options = {.runtime = n->runtime,
                                   .log = &n->log,
                                   .kv = n->kv,
                                   .background = b,
                                   .is_shared = n->world->node_count > 1};
    n->alarms = alarms_new(&options);
    alarms_handle(n->alarms, "sim", ways_ring, n);
    alarms_start(n->alarms);
    n->outbox = outbox_new(&options);
    outbox_handle(n->outbox, "mail", ways_deliver, n);
    outbox_start(n->outbox);
    CHECK(runtime_call(n->runtime, start_fibers, n) == OK);
    n->node_life->is_ready = true;
    while (!is_ending(n))
        sim_sleep_ns(50 * 1000000);
    CHECK(runtime_call(n->runtime, wait_for_fibers, n) == OK);
    if (n->world->is_over && !n->node_life->is_stopping)
        CHECK(runtime_call(n->runtime, wait_for_all, n) == OK);
    n->node_life->is_done = true;
    while (!n->node_life->is_stopping)
        sim_sleep_ns(50 * 1000000);
    background_stop(b);
    alarms_free(n->alarms);
    outbox_free(n->outbox);
    background_free(b);
}

static int
open_store(struct ways_node *n)
{
    char problem[200];
    struct kv_options options = {
        .runtime = n->runtime, .log = &n->log, .run_twice = n->node_life->runs_twice};
    return kv_open("mem:", &options, &n->kv, problem, sizeof(problem));
}

static void
own_lease(void *arg)
{
    ((struct node *)arg)->lease = NULL;
}

void
ways_main(void *arg)
{
    struct node *life = arg;
    struct ways_node *n = calloc(1, sizeof(*n));
    struct lease lease;
    CHECK(n);
    n->node_life = life;
    n->world = life->world;
    n->model = life->world->ways;
    CHECK(runtime_new(&(struct runtime_options){.loops = life->loops}, &n->runtime) == OK);
    n->log = node_log("ways", n->runtime);
    CHECK(open_store(n) == OK);
    n->inbox = calloc(WAYS_MAILS_MAX, sizeof(*n->inbox));
    CHECK(n->inbox);
    n->lot = lot_new();
    lease_init(&lease, n->runtime, n->kv, "sim");
    lease.lease_ms = SHORT_LEASE_MS;
    life->lease = n->lease = &lease;
    life->hook = (struct sim_hook){.fn = own_lease, .arg = life};
    sim_process_on_end(sim_process_self(), &life->hook);
    run_modules(n);
    life->lease = NULL;
    lot_free(n->lot);
    free(n->inbox);
    kv_close(n->kv);
    runtime_free(n->runtime);
    free(n);
}

// Whoever looks at the clocks of all holders at one moment sees one that may act.
void
ways_check_leases(const struct world *w)
{
    unsigned held = 0;
    for (unsigned i = 0; i < w->node_count; i++)
        held += w->nodes[i].lease && lease_is_held(w->nodes[i].lease);
    if (held > 1)
        failure("lease: %u processes hold it at once", held);
}

struct ways_model *
ways_model_new(void)
{
    struct ways_model *m = calloc(1, sizeof(*m));
    CHECK(m);
    return m;
}

void
ways_model_end(struct ways_model *m)
{
    unsigned set = 0, rung = 0;
    for (unsigned i = 0; i < m->timer_count; i++) {
        set += m->timers[i].set == OUTCOME_YES;
        rung += m->timers[i].rung_ms != 0;
    }
    sim_trace("timers: %u set, %u rung; mails: %u", set, rung, m->mail_count);
    free(m);
}
