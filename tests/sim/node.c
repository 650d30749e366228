// Whole clouds as simulated processes.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "src/cloud/cloud.h"
#include "src/cloud/fsck.h"
#include "tests/sim/failure.h"
#include "tests/sim/world.h"

static const int64_t stuck_ns = INT64_C(300000000000);

void
cloud_main(void *arg)
{
    struct node *n = arg;
    char address[32], problem[512] = "";
    snprintf(address, sizeof(address), "127.0.0.1:%u", n->port);
    struct cloud_options o = {
        .store_url = "mem:",
        .loops = n->loops,
        .log_level = LOG_INFO,
        .log_fd = sim_log_open("cloud"),
        .run_twice = n->runs_twice,
        .development_keys = DEVELOPMENT_KEYS_ON,
        .seal_file = n->world->seal_path,
    };
    CHECK(socket_address_parse(str_of(address), &o.address) == OK);
    struct cloud *cloud;
    int code = cloud_new(&o, &cloud, problem, sizeof(problem));
    if (code != OK) { // a fault of the store may do that; a supervisor starts it again
        sim_trace("cloud does not start: %s", problem);
        return;
    }
    n->is_ready = true;
    while (!n->is_stopping)
        sim_sleep_ns(50 * 1000000);
    cloud_free(cloud);
}

static int64_t
log_now_ms(void *arg)
{
    return clock_wall_ms(arg);
}

struct log
node_log(const char *name, struct runtime *rt)
{
    return (struct log){
        .fd = sim_log_open(name), .level_min = LOG_INFO, .now_ms = log_now_ms, .now_arg = rt};
}

static void
tell_broken(void *arg, const char *line)
{
    failure("invariant: %s", line);
}

void
fsck_main(void *arg)
{
    struct node *n = arg;
    char problem[512] = "";
    struct fsck f = {.store_url = "mem:",
                     .seal_file = n->world->seal_path,
                     .print = tell_broken,
                     .problem = problem,
                     .problem_size = sizeof(problem)};
    CHECK(runtime_new(&(struct runtime_options){.loops = n->loops}, &f.runtime) == OK);
    struct log log = node_log("fsck", f.runtime);
    f.log = &log;
    if (fsck_run(&f) != OK)
        failure("invariants cannot be checked: %s", problem);
    runtime_free(f.runtime);
}

void
node_start(struct node *n)
{
    CHECK(!n->process);
    n->is_stopping = n->is_ready = n->is_done = false;
    n->starts++;
    n->process = sim_process_start("node", n->main, n);
}

void
node_kill(struct node *n)
{
    if (!n->process)
        return;
    sim_process_kill(n->process);
    sim_process_free(n->process);
    n->process = NULL;
    n->is_ready = false;
}

void
node_stop(struct node *n)
{
    if (!n->process)
        return;
    n->is_stopping = true;
    if (!sim_process_wait(n->process, sim_now_ns() + stuck_ns))
        failure("stuck: a process does not stop");
    if (sim_process_leaks(n->process) > 0)
        failure("leak: a cloud that ended in good order left %zu allocations",
                sim_process_leaks(n->process));
    sim_process_free(n->process);
    n->process = NULL;
    n->is_ready = false;
}

void
node_await_ready(struct node *n)
{
    int64_t until_ns = sim_now_ns() + stuck_ns;
    while (!n->is_ready || !n->process || !sim_process_is_alive(n->process)) {
        if (sim_now_ns() > until_ns)
            failure("stuck: a process does not start");
        if (n->process && !sim_process_is_alive(n->process))
            node_kill(n);
        if (!n->process)
            node_start(n);
        sim_sleep_ns(10 * 1000000);
    }
}

void
node_await_done(struct node *n)
{
    int64_t until_ns = sim_now_ns() + stuck_ns;
    while (!n->is_done) {
        if (sim_now_ns() > until_ns)
            failure("stuck: a process does not come to an end");
        sim_sleep_ns(100 * 1000000);
    }
}
