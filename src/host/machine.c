// The machine: waits for the first unit, then keeps the reconciler looking.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/machine.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/host/alert.h"
#include "src/host/image.h"
#include "src/host/image_store.h"
#include "src/host/machine_state.h"

enum { OPEN_AGAIN_MS = 10 * 1000, END_LOOK_MS = 5 };

struct opening {
    struct machine *machine;
    struct host *host;
    char problem[UNIT_PROBLEM_BYTES];
    int code;
};

static void
open_host(void *arg)
{
    struct opening *o = arg;
    const struct machine_options *mo = &o->machine->options;
    struct host_options options = {
        .runtime = mo->runtime, .log = mo->log, .dir = mo->dir, .door = mo->door};
    o->code = host_new(&options, &o->host, o->problem, sizeof(o->problem));
    if (o->code != OK)
        return;
    o->code = image_default_make(o->host, o->problem, sizeof(o->problem));
    if (o->code == OK)
        return;
    host_free(o->host);
    o->host = NULL;
}

static int
open_machine(struct machine *m)
{
    struct opening o = {.machine = m};
    char quoted[UNIT_PROBLEM_BYTES + 16];
    pool_run(m->options.runtime, open_host, &o);
    if (o.code != OK) {
        log_event(m->options.log, LOG_ERROR, "host_unusable", "problem=%s",
                  log_quote(str_of(o.problem), quoted, sizeof(quoted)));
        machine_set_problem(m, o.problem);
        return o.code;
    }
    if (image_sweep(o.host) != OK)
        log_event(m->options.log, LOG_WARN, "host_images_left", "dir=%s/images", o.host->dir);
    m->driver_count = drivers_new(o.host, m->drivers);
    struct reconciler_options options = {
        .runtime = m->options.runtime,
        .log = m->options.log,
        .kv = m->options.kv,
        .seal = m->seal,
        .background = m->options.background,
        .drivers = m->drivers,
        .driver_count = m->driver_count,
        .ids = &o.host->ids,
        .boot_path = m->options.boot_path,
    };
    m->reconciler = reconciler_new(&options);
    pthread_mutex_lock(&m->mutex);
    m->host = o.host;
    *m->problem = '\0';
    pthread_mutex_unlock(&m->mutex);
    log_event(m->options.log, LOG_INFO, "host_opened", "root=%s", o.host->is_root ? "yes" : "no");
    return OK;
}

struct first {
    struct machine *machine;
    struct unit_id id;
    size_t count;
};

static int
first_body(struct kv_txn *txn, void *arg)
{
    struct first *f = arg;
    TRY(kv_watch(txn, unit_root(kv_txn_arena(txn)), &f->machine->watch));
    f->count = 0;
    int code = unit_list(txn, NULL, &f->id, 1, &f->count);
    return code == E_NOT_FOUND ? OK : code;
}

// One look at the store. When to look again, whatever happens.
static int
look(struct machine *m, int64_t *again_ns)
{
    struct arena arena;
    struct first first = {.machine = m};
    *again_ns = DEADLINE_NEVER;
    arena_init(&arena);
    int code = kv_run(m->options.kv, &arena, first_body, &first);
    arena_fini(&arena);
    if (code == OK && m->host == NULL && first.count > 0)
        code = open_machine(m);
    if (code == OK && m->host != NULL)
        code = reconciler_look(m->reconciler);
    if (code != OK)
        *again_ns = deadline_in_ms(m->options.runtime, OPEN_AGAIN_MS);
    return code;
}

static bool
is_told_to_end(struct machine *m)
{
    pthread_mutex_lock(&m->mutex);
    bool is_told = m->end != RECONCILER_RUNS;
    pthread_mutex_unlock(&m->mutex);
    return is_told;
}

static void
machine_main(struct background_job *job, void *arg)
{
    struct machine *m = arg;
    int64_t again_ns;
    background_stand_apart(job);
    pthread_mutex_lock(&m->mutex);
    m->alert.fiber = fiber_self();
    pthread_mutex_unlock(&m->mutex);
    do { // at least once: what an earlier c10m has left is to be powered off too
        if (look(m, &again_ns) == E_CANCELLED)
            break;
        if (!is_told_to_end(m) &&
            alert_wait(&m->alert, m->options.runtime, &m->watch, 1, again_ns) == E_CANCELLED)
            break;
    } while (!is_told_to_end(m));
    kv_watch_end(&m->watch);
    pthread_mutex_lock(&m->mutex);
    m->has_ended = true;
    pthread_mutex_unlock(&m->mutex);
}

struct machine *
machine_new(const struct machine_options *options)
{
    struct machine *m = calloc(1, sizeof(*m));
    CHECK(m != NULL);
    m->options = *options;
    m->dir = strdup(options->dir);
    CHECK(m->dir != NULL);
    m->options.dir = m->dir;
    m->has_ended = true;
    CHECK(pthread_mutex_init(&m->mutex, NULL) == 0);
    return m;
}

void
machine_start(struct machine *m, const struct seal *seal)
{
    m->seal = seal;
    m->has_ended = false;
    background_start(m->options.background, "host", machine_main, m);
}

static int
end_in_fiber(void *arg)
{
    struct machine *m = arg;
    for (;;) {
        pthread_mutex_lock(&m->mutex);
        bool has_ended = m->has_ended;
        if (!has_ended && m->alert.fiber != NULL)
            alert_raise(&m->alert);
        pthread_mutex_unlock(&m->mutex);
        if (has_ended)
            return OK;
        TRY(fiber_sleep_until(deadline_in_ms(m->options.runtime, END_LOOK_MS)));
    }
}

void
machine_stop(struct machine *m, enum reconciler_end how, int64_t deadline_ns)
{
    int code;
    pthread_mutex_lock(&m->mutex);
    m->end = how;
    pthread_mutex_unlock(&m->mutex);
    do
        code = runtime_call(m->options.runtime, end_in_fiber, m);
    while (code == E_LIMIT); // the loop is full of fibers, which end too
    CHECK(code == OK);
    if (m->reconciler != NULL)
        reconciler_stop(m->reconciler, how, deadline_ns);
}

bool
machine_is_open(struct machine *m)
{
    pthread_mutex_lock(&m->mutex);
    bool is_open = m->host != NULL;
    pthread_mutex_unlock(&m->mutex);
    return is_open;
}

void
machine_free(struct machine *m)
{
    if (m == NULL)
        return;
    CHECK(m->has_ended);
    reconciler_free(m->reconciler);
    drivers_close(m->drivers, m->driver_count);
    host_free(m->host);
    pthread_mutex_destroy(&m->mutex);
    free(m->dir);
    free(m);
}

void
machine_set_problem(struct machine *m, const char *problem)
{
    pthread_mutex_lock(&m->mutex);
    snprintf(m->problem, sizeof(m->problem), "%s", problem);
    pthread_mutex_unlock(&m->mutex);
}
