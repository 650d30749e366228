// One simulation: the clouds, what goes wrong with them, and who uses them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/log.h"
#include "src/task/runtime.h"
#include "src/task/sim/sim.h"

enum { CLOUDS_MAX = 2, CLOUD_PORT_FIRST = 4566 };

// A cloud that is started, killed and started again on the same port.
struct node {
    uint16_t port;
    struct sim_process *process; // NULL: down
    bool is_stopping;            // asked to end in good order
    bool is_ready;               // it listens
    int loops;
    bool runs_twice;
    unsigned starts;
    bool is_done; // has seen all that must come
    struct world *world;
    void (*main)(void *node);  // of the process
    const struct lease *lease; // that it takes part in; NULL: none
    struct sim_hook hook;
};

struct world {
    uint64_t seed;
    const char *seal_path; // the root key, which outlives the clouds as the store does
    uint64_t steps_max;    // then faults end, and what is left is received
    struct node nodes[CLOUDS_MAX];
    unsigned node_count;
    bool is_calm; // nothing goes wrong
    struct ways_model *ways;
    bool is_over; // no more faults, no new messages
    bool has_run; // clients may end
    unsigned kills, restarts, pauses;
};

// -- node.c
void cloud_main(void *arg);
void fsck_main(void *arg); // when no cloud is left
struct log node_log(const char *name, struct runtime *rt);
void node_start(struct node *n);
void node_kill(struct node *n);
void node_stop(struct node *n); // waits
void node_await_ready(struct node *n);
void node_await_done(struct node *n);

// -- faults.c
// Which faults this seed has; then one round of them, which takes virtual time.
void faults_choose(struct world *w);
void faults_round(struct world *w);
void faults_end(struct world *w);

// -- ways.c
void ways_main(void *arg);
void ways_check_leases(const struct world *w);
struct ways_model *ways_model_new(void);
void ways_model_end(struct ways_model *m);

// -- sqs.c
struct sqs_load;
// Makes queues and starts the clients; from the world's own thread.
struct sqs_load *sqs_load_start(struct world *w);
// After the faults have ended: waits until everything has come, checks, and frees it.
void sqs_load_end(struct sqs_load *l);
