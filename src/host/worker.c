// One unit's fiber: reads its record, looks at the machine, does the next step.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/host/needs.h"
#include "src/task/timer.h"

// How soon what waits is looked at again.
enum { AGAIN_MS = 50 };

static int64_t
wall_ms(const struct worker *w)
{
    return clock_wall_ms(w->reconciler->options.runtime);
}

static int
read_body(struct kv_txn *txn, void *arg)
{
    struct worker *w = arg;
    struct str kind = str_of(w->id.kind), name = str_of(w->id.name);
    TRY(kv_watch(txn, unit_key(kv_txn_arena(txn), kind, name), &w->watches[0]));
    TRY(kv_watch(txn, zones_key(kv_txn_arena(txn)), &w->watches[1]));
    TRY(zones_get(txn, &w->zones));
    TRY(unit_get(txn, kind, name, &w->unit));
    w->unit.zones = &w->zones;
    w->unit.is_zone_dead = w->driver != NULL && w->driver->fail == NULL &&
                           zones_state(&w->zones, w->unit.zone) == ZONE_DEAD;
    return OK;
}

static int
found_body(struct kv_txn *txn, void *arg)
{
    return unit_found(txn, &((struct worker *)arg)->unit);
}

static int
forget_body(struct kv_txn *txn, void *arg)
{
    return unit_forget(txn, &((struct worker *)arg)->unit);
}

static int
keep(struct worker *w)
{
    return kv_run(w->reconciler->options.kv, &w->arena, found_body, w);
}

static void
note_failure(struct worker *w)
{
    struct unit *u = &w->unit;
    int64_t wait_ms = UNIT_RETRY_MS_MIN;
    for (int64_t i = 0; i < u->failures && wait_ms < UNIT_RETRY_MS_MAX; i++)
        wait_ms *= 2;
    u->failures++;
    u->retry_ms = wall_ms(w) + (wait_ms < UNIT_RETRY_MS_MAX ? wait_ms : UNIT_RETRY_MS_MAX);
}

// Writes what was found, when it is news. A wish that came meanwhile wins: it is read next.
static int
tell(struct worker *w, enum unit_state state, const char *problem)
{
    struct unit *u = &w->unit;
    struct reconciler *r = w->reconciler;
    char quoted[UNIT_PROBLEM_BYTES + 16];
    bool is_same = u->state == state && str_eq(u->problem, str_of(problem));
    if (is_same && state != UNIT_FAILED)
        return OK;
    if (u->state != state)
        u->changed_ms = wall_ms(w);
    u->state = state;
    u->problem = str_of(problem);
    if (state == UNIT_UP)
        u->boot = (struct str){r->boot, sizeof(r->boot)};
    if (state == UNIT_FAILED)
        note_failure(w);
    else
        u->failures = u->retry_ms = 0;
    log_event(r->options.log, state == UNIT_FAILED ? LOG_WARN : LOG_INFO, "host_unit",
              "kind=%s name=%s state=%s problem=%s", w->id.kind, w->id.name, unit_state_name(state),
              log_quote(u->problem, quoted, sizeof(quoted)));
    return keep(w);
}

// It was up once, and its machine has started anew since: then its end was the machine's.
static bool
ended_with_machine(const struct worker *w)
{
    struct str boot = {w->reconciler->boot, sizeof(w->reconciler->boot)};
    return w->unit.state == UNIT_UP && !str_eq(w->unit.boot, boot);
}

// What has ended by itself does not begin again: its owner decides.
static bool
stays_ended(const struct worker *w)
{
    bool was_running = w->unit.state == UNIT_UP || w->unit.state == UNIT_ENDED;
    return !w->unit.restarts && was_running && !ended_with_machine(w);
}

// A row of ids of its own, durable before anything has such ids.
static int
row_take(struct worker *w, char *problem)
{
    struct ids *ids = w->reconciler->options.ids;
    if (ids == NULL || !w->driver->takes_ids || w->unit.ids_row >= 0)
        return OK;
    int code = ids_take(ids, &w->unit.ids_row);
    if (code != OK) {
        snprintf(problem, UNIT_PROBLEM_BYTES, "all %d rows of user ids are in use",
                 HOST_GUESTS_MAX);
        return code;
    }
    int32_t row = w->unit.ids_row;
    code = keep(w);
    if (code == E_CONFLICT)
        ids_give(ids, row); // nothing was written
    return code;
}

struct call {
    struct worker *worker;
    struct timer timer;
    bool is_late;
};

static void
call_is_late(void *arg)
{
    struct call *c = arg;
    c->is_late = true;
    fiber_cancel(c->worker->alert.fiber);
}

// A driver's call, within its time: then every wait in it ends, and this fiber too, since a fiber
// stays cancelled; the next one finds what the call has left.
static int
call(struct worker *w, int (*fn)(void *arg, const struct unit *u, char *problem), char *problem)
{
    struct reconciler *r = w->reconciler;
    struct call c = {.worker = w};
    timer_init(&c.timer, loop_current(), call_is_late, &c);
    timer_arm(&c.timer, deadline_in_ms(r->options.runtime, r->options.call_ms_max));
    int code = fn(w->driver->arg, &w->unit, problem);
    timer_disarm(&c.timer);
    if (!c.is_late)
        return code;
    w->is_cancelled = true;
    if (code == OK)
        return OK;
    snprintf(problem, UNIT_PROBLEM_BYTES, "it took longer than %d ms", r->options.call_ms_max);
    return E_TIMEOUT;
}

static void
note_applied(struct worker *w)
{
    w->unit.applied_version = w->unit.want_version;
    if (w->driver->fail != NULL)
        w->unit.applied_zones = w->zones.number;
}

static int
start(struct worker *w, char *problem)
{
    if (!needs_are_up(w, problem))
        return tell(w, UNIT_PENDING, problem); // they wake it
    // So that what is found up in any other state is known as started, but maybe not to the end.
    if (w->unit.state == UNIT_UP)
        TRY(tell(w, UNIT_PENDING, "it is started again"));
    int code = row_take(w, problem);
    if (code == E_LIMIT)
        return tell(w, UNIT_FAILED, problem);
    TRY(code);
    needs_tell(w, false, true);
    code = call(w, w->driver->start, problem);
    w->looks_again = code == E_AGAIN;
    if (code == E_AGAIN)
        return tell(w, UNIT_PENDING, problem);
    if (code != OK)
        return tell(w, UNIT_FAILED, problem);
    w->is_known = true;
    note_applied(w);
    w->unit.state = UNIT_PENDING; // also what was up before, and got lost, has come up anew
    TRY(tell(w, UNIT_UP, ""));
    needs_tell(w, true, true);
    return OK;
}

// It is up, and shall be: what this process has to do for it, and what has changed of its spec.
static int
look_after(struct worker *w, char *problem)
{
    const struct unit_driver *d = w->driver;
    char note[UNIT_PROBLEM_BYTES]; // of what is up, but not quite
    snprintf(note, sizeof(note), "%s", problem);
    if (!w->is_known && d->adopt != NULL && call(w, d->adopt, problem) != OK)
        return tell(w, w->unit.state == UNIT_UP ? UNIT_UP : UNIT_FAILED, problem);
    if (!w->is_known && w->unit.state == UNIT_UP)
        log_event(w->reconciler->options.log, LOG_INFO, "host_unit_adopted", "kind=%s name=%s",
                  w->id.kind, w->id.name);
    w->is_known = true;
    bool is_whole = w->unit.state == UNIT_UP && w->unit.applied_version == w->unit.want_version;
    bool fails_otherwise = d->fail != NULL && w->unit.applied_zones != w->zones.number;
    if ((d->change != NULL && !is_whole) || fails_otherwise) {
        if (call(w, is_whole ? d->fail : d->change, problem) != OK)
            return tell(w, w->unit.state == UNIT_UP ? UNIT_UP : UNIT_FAILED, problem);
        note_applied(w);
        w->unit.problem = (struct str){0};
        w->unit.state = UNIT_UP;
        TRY(keep(w));
    }
    TRY(tell(w, UNIT_UP, note));
    needs_tell(w, true, true);
    return OK;
}

static int
bring_up(struct worker *w, enum unit_seen seen, char *problem)
{
    // A c10m that was killed had told it to end, which it may be about to do: it is not to be taken
    // for one that runs, and then for one that has ended by itself.
    if (seen == UNIT_SEEN_UP && w->unit.state == UNIT_STOPPING) {
        if (call(w, w->driver->stop, problem) != OK)
            return tell(w, UNIT_FAILED, problem);
        seen = UNIT_SEEN_LOST;
    }
    if (seen == UNIT_SEEN_UP)
        return look_after(w, problem);
    needs_tell(w, false, false);
    w->is_known = false;
    if (seen == UNIT_SEEN_ENDED && stays_ended(w))
        return tell(w, UNIT_ENDED, problem);
    return start(w, problem);
}

// Not *has_ended: its driver could not, which is told.
static int
end(struct worker *w, enum unit_seen seen, char *problem, bool *has_ended)
{
    *has_ended = seen != UNIT_SEEN_UP && seen != UNIT_SEEN_LOST;
    if (!*has_ended) {
        // Known before it ends, so that after a crash it is not what has ended by itself.
        TRY(tell(w, UNIT_STOPPING, ""));
        *has_ended = call(w, w->driver->stop, problem) == OK;
    }
    if (!*has_ended)
        return tell(w, UNIT_FAILED, problem);
    w->is_known = false;
    needs_tell(w, false, false);
    return OK;
}

static int
bring_down(struct worker *w, enum unit_seen seen, char *problem)
{
    bool has_ended;
    if (needs_are_busy(w, problem))
        return tell(w, w->unit.state, problem);
    TRY(end(w, seen, problem, &has_ended));
    if (!has_ended)
        return OK;
    if (w->unit.desired != UNIT_GONE) {
        TRY(tell(w, UNIT_DOWN, ""));
        w->is_off = true;
        return OK;
    }
    if (call(w, w->driver->remove, problem) != OK)
        return tell(w, UNIT_FAILED, problem);
    TRY(kv_run(w->reconciler->options.kv, &w->arena, forget_body, w));
    if (w->reconciler->options.ids != NULL)
        ids_give(w->reconciler->options.ids, w->unit.ids_row);
    return OK;
}

// Its zone is dead, so it ends without being told, whoever needs it: each at once, as by a power
// failure. It comes back with the zone.
static int
lose_power(struct worker *w, enum unit_seen seen, char *problem)
{
    bool has_ended;
    if (seen == UNIT_SEEN_ENDED && stays_ended(w)) {
        needs_tell(w, false, false);
        return tell(w, UNIT_ENDED, problem);
    }
    if (!needs_know_zones(w)) // first its network, so that nobody hears it end; which wakes it
        return OK;
    TRY(end(w, seen, problem, &has_ended));
    if (!has_ended)
        return OK;
    snprintf(problem, UNIT_PROBLEM_BYTES, "its zone " STR_FMT " is dead", STR_ARG(w->unit.zone));
    return tell(w, UNIT_DOWN, problem);
}

// What does not run keeps its state, so that the next start finds what this one would have.
static int
power_off(struct worker *w, enum unit_seen seen, char *problem)
{
    if (seen == UNIT_SEEN_UP || w->unit.desired != UNIT_RUN)
        return bring_down(w, seen, problem);
    // What was killed from outside may have left something behind.
    if (seen == UNIT_SEEN_LOST && call(w, w->driver->stop, problem) != OK)
        return tell(w, UNIT_FAILED, problem);
    needs_tell(w, false, false);
    w->is_off = true;
    return seen == UNIT_SEEN_ENDED && stays_ended(w) ? tell(w, UNIT_ENDED, problem) : OK;
}

static enum reconciler_end
end_of(const struct worker *w)
{
    struct reconciler *r = w->reconciler;
    pthread_mutex_lock(&r->mutex);
    enum reconciler_end end = r->end;
    pthread_mutex_unlock(&r->mutex);
    return end;
}

static int
step(struct worker *w)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    enum unit_seen seen = UNIT_SEEN_NOTHING;
    bool powers_off = end_of(w) == RECONCILER_POWERS_OFF;
    if (w->driver == NULL) {
        w->is_off = true;
        needs_tell(w, false, false);
        return tell(w, UNIT_FAILED, "this c10m has no driver of that kind");
    }
    if (w->unit.state == UNIT_FAILED && w->unit.retry_ms > wall_ms(w) && !powers_off)
        return OK;
    int code = w->driver->probe(w->driver->arg, &w->unit, &seen, problem);
    if (code != OK)
        return tell(w, w->unit.state == UNIT_UP ? UNIT_UP : UNIT_FAILED, problem);
    if (powers_off)
        return power_off(w, seen, problem);
    if (w->unit.desired != UNIT_RUN)
        return bring_down(w, seen, problem);
    return w->unit.is_zone_dead ? lose_power(w, seen, problem) : bring_up(w, seen, problem);
}

static int64_t
next_look_ns(const struct worker *w)
{
    int64_t wait_ms = RECONCILER_LOOK_MS;
    if (w->unit.state == UNIT_FAILED)
        wait_ms = w->unit.retry_ms - wall_ms(w);
    if (w->looks_again || end_of(w) == RECONCILER_POWERS_OFF)
        wait_ms = AGAIN_MS;
    if (wait_ms < 0)
        wait_ms = 0;
    return deadline_in_ms(w->reconciler->options.runtime,
                          wait_ms > UNIT_RETRY_MS_MAX ? UNIT_RETRY_MS_MAX : wait_ms);
}

static void
worker_free(struct worker *w)
{
    struct reconciler *r = w->reconciler;
    arena_fini(&w->arena);
    pthread_mutex_lock(&r->mutex);
    LIST_REMOVE(w, link);
    r->worker_count--;
    free(w);
    pthread_mutex_unlock(&r->mutex);
}

// What cannot be opened is absent, which its driver refuses; what runs can still be stopped.
static void
open_spec(struct worker *w)
{
    if (unit_open(w->reconciler->options.seal, &w->unit, &w->arena) == OK)
        return;
    w->unit.spec = (struct str){0};
    log_event(w->reconciler->options.log, LOG_ERROR, "host_unit_unreadable",
              "kind=%s name=%s problem=\"its spec is damaged, or sealed by another root key\"",
              w->id.kind, w->id.name);
}

// E_NOT_FOUND: the unit is gone. E_CANCELLED: this fiber can do no more.
static int
look(struct worker *w)
{
    arena_reset(&w->arena);
    int code = kv_run(w->reconciler->options.kv, &w->arena, read_body, w);
    if (code == E_NOT_FOUND)
        return code;
    if (code == OK) {
        needs_note(w);
        open_spec(w);
        code = step(w);
        needs_tell_zones(w);
    }
    if (w->is_cancelled)
        return E_CANCELLED;
    if (code != OK && code != E_CONFLICT)
        log_event(w->reconciler->options.log, LOG_WARN, "host_unit_put_off",
                  "kind=%s name=%s code=%s", w->id.kind, w->id.name, code_name(code));
    return code == E_CONFLICT ? E_CONFLICT : OK;
}

static bool
is_done(const struct worker *w)
{
    enum reconciler_end end = end_of(w);
    return end == RECONCILER_LEAVES || (end == RECONCILER_POWERS_OFF && w->is_off);
}

void
worker_main(struct background_job *job, void *arg)
{
    struct worker *w = arg;
    struct reconciler *r = w->reconciler;
    int code = OK;
    background_stand_apart(job);
    arena_init(&w->arena);
    pthread_mutex_lock(&r->mutex);
    w->alert.fiber = fiber_self();
    pthread_mutex_unlock(&r->mutex);
    w->is_cancelled = false;
    while (code != E_NOT_FOUND && code != E_CANCELLED && !is_done(w)) {
        w->is_off = w->looks_again = false;
        code = look(w);
        if (code == OK && !is_done(w))
            code = alert_wait(&w->alert, r->options.runtime, w->watches, COUNT_OF(w->watches),
                              next_look_ns(w));
    }
    for (size_t i = 0; i < COUNT_OF(w->watches); i++)
        kv_watch_end(&w->watches[i]);
    if (code != E_CANCELLED || is_done(w)) {
        worker_free(w);
        return;
    }
    arena_fini(&w->arena);
    background_start(r->options.background, "host unit", worker_main, w);
}
