// Alarms under simulation: never early, once each, and none forgotten.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "tests/sim/failure.h"
#include "tests/sim/ways.h"

enum { DUE_MS_MAX = 20 * 1000, LATE_MS_MAX = JOB_LOOK_MS + 2000, HANDLER_FAILS_ONE_IN = 10 };

struct setting {
    struct ways_node *node;
    unsigned number;
};

static struct alarm
alarm_of(struct arena *a, struct ways_node *n, unsigned number)
{
    return (struct alarm){.service = STR("sim"),
                          .id = arena_print(a, "%u", number),
                          .due_ms = n->model->timers[number].due_ms};
}

static int
set_body(struct kv_txn *txn, void *arg)
{
    const struct setting *s = arg;
    struct alarm alarm = alarm_of(kv_txn_arena(txn), s->node, s->number);
    return alarm_set(s->node->alarms, txn, &alarm);
}

void
ways_timers(struct ways_node *n, struct arena *a)
{
    struct ways_model *m = n->model;
    if (m->timer_count == WAYS_TIMERS_MAX)
        return;
    struct setting s = {n, m->timer_count++};
    m->timers[s.number].due_ms = clock_service_ms(n->runtime) + (int64_t)sim_random(DUE_MS_MAX);
    m->timers[s.number].set = ways_run(n, a, set_body, &s);
    ways_pause(n, 1500);
}

// The transaction that ends the alarm also notes that it rang, so both are there or none.
int
ways_ring(void *arg, struct kv_txn *txn, const struct alarm *alarm)
{
    struct ways_node *n = arg;
    struct arena *a = kv_txn_arena(txn);
    int64_t number, now_ms = clock_service_ms(n->runtime);
    struct str rang;
    CHECK(str_to_int64(alarm->id, &number) == OK);
    if (now_ms < alarm->due_ms)
        failure("early: timer %lld rings %lld ms before its time", (long long)number,
                (long long)(alarm->due_ms - now_ms));
    TRY(kv_get(txn, ways_key(a, "rang", (unsigned)number), KV_SERIALIZABLE, &rang));
    if (str_is_present(rang))
        failure("twice: timer %lld rings again", (long long)number);
    if (!n->world->is_over && !n->world->is_calm && sim_chance(HANDLER_FAILS_ONE_IN))
        return E_IO;
    n->model->timers[number].rung_ms = now_ms;
    return kv_set(txn, ways_key(a, "rang", (unsigned)number), STR(""));
}

struct looking {
    struct ways_node *node;
    unsigned missing;
    bool is_missing;
};

static int
look_body(struct kv_txn *txn, void *arg)
{
    struct looking *l = arg;
    const struct ways_model *m = l->node->model;
    int64_t now_ms = clock_service_ms(l->node->runtime);
    l->is_missing = false;
    for (unsigned i = 0; i < m->timer_count && !l->is_missing; i++) {
        struct str rang;
        if (m->timers[i].set != OUTCOME_YES)
            continue;
        TRY(kv_get(txn, ways_key(kv_txn_arena(txn), "rang", i), KV_SNAPSHOT, &rang));
        l->missing = i;
        l->is_missing = !str_is_present(rang);
        if (l->is_missing && now_ms > m->timers[i].due_ms + LATE_MS_MAX && l->node->world->is_calm)
            failure("forgotten: timer %u was due %lld ms ago", i,
                    (long long)(now_ms - m->timers[i].due_ms));
    }
    return OK;
}

bool
ways_timers_done(struct ways_node *n, struct arena *a)
{
    struct looking l = {.node = n, .is_missing = true};
    int code = kv_run(n->kv, a, look_body, &l);
    if (code == OK && l.is_missing)
        sim_trace("timer %u has not rung yet", l.missing);
    return code == OK && !l.is_missing;
}
