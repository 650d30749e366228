// The reconciler: a fiber for each unit, and a job that finds the units.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/reconciler.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

enum { BOOT_BYTES = 36, UNITS_PER_PAGE = 64, KIND_BYTES = 32 };

// A unit that has its fiber.
struct worker {
    struct reconciler *reconciler;
    char kind[KIND_BYTES];
    char name[HOST_NAME_MAX + 1];
    const struct unit_driver *driver; // NULL: there is none of that kind
    struct arena arena;               // of one transaction at a time
    struct kv_watch watch;
    struct unit unit; // as read
    LIST_ENTRY(worker) link;
};

struct reconciler {
    struct reconciler_options options;
    char boot[BOOT_BYTES]; // of the machine: changes with every start of it
    pthread_mutex_t mutex; // of what follows: fibers run on all loops
    LIST_HEAD(, worker) workers;
    size_t worker_count;
};

static int64_t
wall_ms(const struct worker *w)
{
    return clock_wall_ms(w->reconciler->options.runtime);
}

static int
read_body(struct kv_txn *txn, void *arg)
{
    struct worker *w = arg;
    struct str kind = str_of(w->kind), name = str_of(w->name);
    TRY(kv_watch(txn, unit_key(kv_txn_arena(txn), kind, name), &w->watch));
    return unit_get(txn, kind, name, &w->unit);
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

// Writes what was found, when it is news. A wish that came meanwhile wins: it is read next.
static int
tell(struct worker *w, enum unit_state state, const char *problem)
{
    struct unit *u = &w->unit;
    struct reconciler *r = w->reconciler;
    char quoted[UNIT_PROBLEM_BYTES + 16];
    if (u->state == state && str_eq(u->problem, str_of(problem)) && state != UNIT_FAILED)
        return OK;
    u->state = state;
    u->problem = str_of(problem);
    u->changed_ms = wall_ms(w);
    if (state == UNIT_UP)
        u->boot = (struct str){r->boot, sizeof(r->boot)};
    if (state == UNIT_FAILED) {
        int64_t wait_ms = UNIT_RETRY_MS_MIN;
        for (int64_t i = 0; i < u->failures && wait_ms < UNIT_RETRY_MS_MAX; i++)
            wait_ms *= 2;
        u->failures++;
        u->retry_ms = wall_ms(w) + (wait_ms < UNIT_RETRY_MS_MAX ? wait_ms : UNIT_RETRY_MS_MAX);
    } else {
        u->failures = u->retry_ms = 0;
    }
    log_event(r->options.log, state == UNIT_FAILED ? LOG_WARN : LOG_INFO, "host_unit",
              "kind=%s name=%s state=%s problem=%s", w->kind, w->name, unit_state_name(state),
              log_quote(u->problem, quoted, sizeof(quoted)));
    return kv_run(r->options.kv, &w->arena, found_body, w);
}

static int
bring_up(struct worker *w, enum unit_seen seen, char *problem)
{
    const struct unit_driver *d = w->driver;
    // It has ended by itself, and shall not begin again: its owner decides.
    if (seen == UNIT_SEEN_ENDED && !w->unit.restarts && w->unit.state != UNIT_PENDING &&
        w->unit.state != UNIT_DOWN)
        return tell(w, UNIT_ENDED, problem);
    if (seen == UNIT_SEEN_UP)
        return tell(w, UNIT_UP, "");
    int code = d->start(d->arg, &w->unit, problem);
    return code == OK ? tell(w, UNIT_UP, "") : tell(w, UNIT_FAILED, problem);
}

static int
bring_down(struct worker *w, enum unit_seen seen, char *problem)
{
    const struct unit_driver *d = w->driver;
    int code = seen == UNIT_SEEN_UP ? d->stop(d->arg, &w->unit, problem) : OK;
    if (code == OK && w->unit.desired == UNIT_GONE)
        code = d->remove(d->arg, &w->unit, problem);
    if (code != OK)
        return tell(w, UNIT_FAILED, problem);
    if (w->unit.desired == UNIT_GONE)
        return kv_run(w->reconciler->options.kv, &w->arena, forget_body, w);
    return tell(w, UNIT_DOWN, "");
}

static int
step(struct worker *w)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    enum unit_seen seen = UNIT_SEEN_NOTHING;
    if (w->unit.state == UNIT_FAILED && w->unit.retry_ms > wall_ms(w))
        return OK;
    if (w->driver == NULL)
        return tell(w, UNIT_FAILED, "this c10m has no driver of that kind");
    int code = w->driver->probe(w->driver->arg, &w->unit, &seen, problem);
    if (code != OK)
        return tell(w, UNIT_FAILED, problem);
    return w->unit.desired == UNIT_RUN ? bring_up(w, seen, problem) : bring_down(w, seen, problem);
}

static int64_t
next_look_ns(const struct worker *w)
{
    struct runtime *rt = w->reconciler->options.runtime;
    int64_t wait_ms = RECONCILER_LOOK_MS;
    if (w->unit.state == UNIT_FAILED)
        wait_ms = w->unit.retry_ms - wall_ms(w);
    return deadline_in_ms(rt, wait_ms < 0                   ? 0
                              : wait_ms > UNIT_RETRY_MS_MAX ? UNIT_RETRY_MS_MAX
                                                            : wait_ms);
}

static void
worker_end(struct worker *w)
{
    struct reconciler *r = w->reconciler;
    kv_watch_end(&w->watch);
    arena_fini(&w->arena);
    pthread_mutex_lock(&r->mutex);
    LIST_REMOVE(w, link);
    r->worker_count--;
    pthread_mutex_unlock(&r->mutex);
    free(w);
}

static void
worker_main(struct background_job *job, void *arg)
{
    struct worker *w = arg;
    int code = OK;
    while (code != E_CANCELLED && !background_is_stopping(job)) {
        arena_reset(&w->arena);
        code = kv_run(w->reconciler->options.kv, &w->arena, read_body, w);
        if (code == E_NOT_FOUND)
            break; // it is gone
        if (code == OK)
            code = step(w);
        if (code != OK && code != E_CONFLICT && code != E_CANCELLED)
            log_event(w->reconciler->options.log, LOG_WARN, "host_unit_put_off",
                      "kind=%s name=%s code=%s", w->kind, w->name, code_name(code));
        if (code != E_CONFLICT && code != E_CANCELLED)
            code = kv_watch_wait(&w->watch, next_look_ns(w));
    }
    worker_end(w);
}

static bool
has_worker(const struct reconciler *r, const struct unit_id *id)
{
    struct worker *w;
    LIST_FOREACH(w, &r->workers, link)
    if (str_eq(str_of(w->name), id->name) && str_eq(str_of(w->kind), id->kind))
        return true;
    return false;
}

static const struct unit_driver *
driver_find(const struct reconciler *r, struct str kind)
{
    for (size_t i = 0; i < r->options.driver_count; i++)
        if (str_eq(str_of(r->options.drivers[i].kind), kind))
            return &r->options.drivers[i];
    return NULL;
}

static void
worker_start(struct reconciler *r, const struct unit_id *id)
{
    struct worker *w = NULL;
    pthread_mutex_lock(&r->mutex);
    if (!has_worker(r, id) && r->worker_count < RECONCILER_UNITS_MAX && id->kind.len < KIND_BYTES) {
        w = calloc(1, sizeof(*w));
        CHECK(w != NULL);
        w->reconciler = r;
        w->driver = driver_find(r, id->kind);
        snprintf(w->kind, sizeof(w->kind), STR_FMT, STR_ARG(id->kind));
        snprintf(w->name, sizeof(w->name), STR_FMT, STR_ARG(id->name));
        LIST_INSERT_HEAD(&r->workers, w, link);
        r->worker_count++;
    }
    pthread_mutex_unlock(&r->mutex);
    if (w == NULL)
        return;
    arena_init(&w->arena);
    background_start(r->options.jobs->background, "host unit", worker_main, w);
}

struct page {
    struct unit_id after; // absent kind: from the first
    struct unit_id ids[UNITS_PER_PAGE];
    size_t count;
};

static int
page_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    return unit_list(txn, str_is_present(p->after.kind) ? &p->after : NULL, p->ids, UNITS_PER_PAGE,
                     &p->count);
}

// Gives every unit its fiber.
static int
look(struct job *job, void *arg, int64_t *again_ns)
{
    struct reconciler *r = arg;
    struct arena arena;
    struct page page = {0};
    int code = OK;
    arena_init(&arena);
    while (code == OK) {
        code = kv_run(r->options.kv, &arena, page_body, &page);
        for (size_t i = 0; code == OK && i < page.count; i++)
            worker_start(r, &page.ids[i]);
        if (code == OK)
            page.after = page.ids[page.count - 1];
    }
    arena_fini(&arena);
    *again_ns = deadline_in_ms(r->options.runtime, RECONCILER_LOOK_MS);
    return code;
}

static void
boot_read(char out[BOOT_BYTES])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, out, BOOT_BYTES) != BOOT_BYTES)
        memset(out, '0', BOOT_BYTES);
    if (fd >= 0)
        close(fd);
}

struct reconciler *
reconciler_new(const struct reconciler_options *options)
{
    struct reconciler *r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    r->options = *options;
    CHECK(pthread_mutex_init(&r->mutex, NULL) == 0);
    boot_read(r->boot);
    job_start(options->jobs, "host units", look, r);
    return r;
}

void
reconciler_free(struct reconciler *r)
{
    if (r == NULL)
        return;
    CHECK(r->worker_count == 0);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}
