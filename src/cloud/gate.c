// A queue that is served from its old end, and cut there when it grows too old.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/gate.h"

static const int64_t ms_ns = 1000 * 1000;

// Asking for it is a system call, so it is done once a millisecond: it may be that much too small.
static int64_t
worked_ns(struct gate *g, const struct runtime *rt, int64_t now_ns)
{
    if (g->worked_ns == 0 || now_ns - g->worked_asked_ns >= ms_ns) {
        g->worked_asked_ns = now_ns;
        g->worked_ns = clock_thread_ns(rt);
    }
    return g->worked_ns;
}

// Only this loop's: others' budget shares come back when these run.
static bool
shed_oldest(struct gate *g, struct budget *budget)
{
    struct gate_ticket *t;
    TAILQ_FOREACH(t, &g->waiting, link)
    {
        if (t->is_shed)
            continue;
        t->is_shed = true;
        budget_give(budget, t->body_bytes);
        return true;
    }
    return false;
}

static bool
is_too_old(struct gate *g, const struct gate_ticket *t, struct runtime *rt)
{
    int64_t now_ns = clock_mono_ns(rt), worked = worked_ns(g, rt, now_ns);
    if (now_ns - t->entered_ns > GATE_WAIT_MS_MAX * ms_ns)
        return true;
    return worked - g->busy_since_ns > GATE_BUSY_AFTER_MS * ms_ns &&
           worked - t->entered_worked_ns > GATE_BUSY_WAIT_MS_MAX * ms_ns;
}

static int
wait_turn(struct gate *g, struct runtime *rt, struct budget *budget, size_t body_bytes)
{
    int64_t now_ns = clock_mono_ns(rt);
    struct gate_ticket ticket = {
        .body_bytes = body_bytes,
        .entered_ns = now_ns,
        .entered_worked_ns = worked_ns(g, rt, now_ns),
    };
    if (TAILQ_EMPTY(&g->waiting))
        g->busy_since_ns = ticket.entered_worked_ns;
    TAILQ_INSERT_TAIL(&g->waiting, &ticket, link);
    fiber_defer();
    TAILQ_REMOVE(&g->waiting, &ticket, link);
    if (!ticket.is_shed && !is_too_old(g, &ticket, rt))
        return OK;
    if (!ticket.is_shed)
        budget_give(budget, body_bytes);
    return E_LIMIT;
}

int
gate_pass(struct gate *gate, struct runtime *rt, struct budget *budget, size_t body_bytes)
{
    int code = OK;
    while (code == OK && !budget_take(budget, body_bytes))
        code = shed_oldest(gate, budget) ? OK : E_LIMIT;
    if (code == OK && fiber_should_defer())
        code = wait_turn(gate, rt, budget, body_bytes);
    if (code != OK)
        atomic_fetch_add_explicit(&gate->shed, 1, memory_order_relaxed);
    return code;
}
