// Processes that use the store's modules directly: alarms, leases, the outbox.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/alarm.h"
#include "src/store/outbox.h"
#include "tests/sim/world.h"

enum { WAYS_TIMERS_MAX = 20000, WAYS_MAILS_MAX = 20000 };

enum outcome { OUTCOME_OPEN, OUTCOME_NO, OUTCOME_MAYBE, OUTCOME_YES };

struct ways_timer {
    int64_t due_ms;
    int64_t rung_ms; // when its handler last ran; 0: never
    enum outcome set;
};

struct ways_mail {
    enum outcome sent;
    bool was_announced, was_missing; // announced, and not in the store then
};

// What all processes have seen.
struct ways_model {
    struct ways_timer timers[WAYS_TIMERS_MAX];
    struct ways_mail mails[WAYS_MAILS_MAX];
    unsigned timer_count, mail_count;
};

// One process. What the pointers lead to is its own memory, gone when it is killed.
struct ways_node {
    struct world *world;
    struct node *node_life;
    struct ways_model *model;
    struct runtime *runtime;
    struct kv *kv;
    struct log log;
    struct alarms *alarms;
    struct outbox *outbox;
    struct lease *lease;
    struct lot *lot;
    unsigned *inbox; // mails that were announced and nobody has looked at
    size_t inbox_count;
    int64_t inbox_full_ns; // since when it holds something
    unsigned running;      // fibers
};

// -- ways_timers.c
int ways_ring(void *arg, struct kv_txn *txn, const struct alarm *alarm);
void ways_timers(struct ways_node *n, struct arena *a); // one of its turns
// Whether all that were set for sure have rung.
bool ways_timers_done(struct ways_node *n, struct arena *a);
// -- ways_lease.c
void ways_lease(struct ways_node *n, struct arena *a);
// -- ways_mails.c
int ways_deliver(void *arg, const struct outbox_event *event);
// Whether all that were sent for sure were announced.
bool ways_mails_done(const struct ways_model *m);
void ways_send(struct ways_node *n, struct arena *a);
void ways_read(struct ways_node *n, struct arena *a);

// kv_run, which in calm seeds must not take long.
enum outcome ways_run(struct ways_node *n, struct arena *a, kv_body_fn *body, void *arg);
void ways_pause(struct ways_node *n, uint64_t ms_max);
struct str ways_key(struct arena *a, const char *kind, unsigned number);
