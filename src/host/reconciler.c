// The reconciler: finds the units, and ends with c10m.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/reconciler.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/host/needs.h"

enum { UNITS_PER_PAGE = 64, END_LOOK_MS = 5 };

static bool
has_worker(const struct reconciler *r, const struct unit_id *id)
{
    struct worker *w;
    LIST_FOREACH(w, &r->workers, link)
    if (str_eq(str_of(w->id.name), id->name) && str_eq(str_of(w->id.kind), id->kind))
        return true;
    return false;
}

static bool
is_worked_on(struct reconciler *r, const struct unit_id *id)
{
    pthread_mutex_lock(&r->mutex);
    bool has = has_worker(r, id);
    pthread_mutex_unlock(&r->mutex);
    return has;
}

static const struct unit_driver *
driver_find(const struct reconciler *r, struct str kind)
{
    for (size_t i = 0; i < r->options.driver_count; i++)
        if (str_eq(str_of(r->options.drivers[i].kind), kind))
            return &r->options.drivers[i];
    return NULL;
}

static struct worker *
worker_new(struct reconciler *r, const struct unit_id *id)
{
    struct worker *w = NULL;
    pthread_mutex_lock(&r->mutex);
    if (!has_worker(r, id) && r->worker_count < RECONCILER_UNITS_MAX) {
        w = calloc(1, sizeof(*w));
        CHECK(w != NULL);
        w->reconciler = r;
        w->driver = driver_find(r, id->kind);
        w->may_be_up = true;
        snprintf(w->id.kind, sizeof(w->id.kind), STR_FMT, STR_ARG(id->kind));
        snprintf(w->id.name, sizeof(w->id.name), STR_FMT, STR_ARG(id->name));
        LIST_INSERT_HEAD(&r->workers, w, link);
        r->worker_count++;
    }
    pthread_mutex_unlock(&r->mutex);
    return w;
}

struct page {
    struct reconciler *reconciler;
    struct unit_id after; // absent kind: from the first
    struct unit_id ids[UNITS_PER_PAGE];
    size_t count;
    struct unit unit;
};

static int
page_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    return unit_list(txn, str_is_present(p->after.kind) ? &p->after : NULL, p->ids, UNITS_PER_PAGE,
                     &p->count);
}

static int
unit_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    return unit_get(txn, p->after.kind, p->after.name, &p->unit);
}

// What must be known of it before any unit starts: its row of ids, and that it has a fiber, so that
// those that need it and those that it needs find it.
static int
note(struct page *p, struct arena *arena, struct worker **out)
{
    struct reconciler *r = p->reconciler;
    *out = NULL;
    int code = kv_run(r->options.kv, arena, unit_body, p);
    if (code == E_NOT_FOUND)
        return OK; // gone meanwhile
    TRY(code);
    *out = worker_new(r, &p->after);
    if (*out == NULL)
        return OK;
    (*out)->unit = p->unit;
    needs_note(*out);
    if (r->options.ids != NULL)
        ids_mark(r->options.ids, p->unit.ids_row);
    return OK;
}

struct found {
    struct worker *workers[RECONCILER_UNITS_MAX];
    size_t count;
};

static int
find(struct reconciler *r, struct found *found)
{
    struct arena arena;
    struct page page = {.reconciler = r};
    int code = OK;
    arena_init(&arena);
    while (code == OK) {
        code = kv_run(r->options.kv, &arena, page_body, &page);
        for (size_t i = 0; code == OK && i < page.count; i++) {
            page.after = page.ids[i];
            struct worker *w = NULL;
            if (!is_worked_on(r, &page.after))
                code = note(&page, &arena, &w);
            if (code == OK && w != NULL)
                found->workers[found->count++] = w;
        }
    }
    arena_fini(&arena);
    return code == E_NOT_FOUND ? OK : code;
}

int
reconciler_look(struct reconciler *r)
{
    struct found *found = calloc(1, sizeof(*found));
    CHECK(found != NULL);
    int code = find(r, found);
    for (size_t i = 0; i < found->count; i++)
        background_start(r->options.background, "host unit", worker_main, found->workers[i]);
    free(found);
    return code;
}

static void
boot_read(const char *path, char out[BOOT_BYTES])
{
    int fd = open(path != NULL ? path : "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
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
    if (r->options.call_ms_max == 0)
        r->options.call_ms_max = UNIT_CALL_MS_MAX;
    CHECK(pthread_mutex_init(&r->mutex, NULL) == 0);
    boot_read(options->boot_path, r->boot);
    return r;
}

static bool
end_as(struct reconciler *r, enum reconciler_end how)
{
    struct worker *w;
    pthread_mutex_lock(&r->mutex);
    bool is_news = r->end != how;
    r->end = how;
    LIST_FOREACH(w, &r->workers, link)
    if (is_news && w->alert.fiber != NULL)
        alert_raise(&w->alert);
    bool is_ended = r->worker_count == 0;
    pthread_mutex_unlock(&r->mutex);
    return is_ended;
}

struct ending {
    struct reconciler *reconciler;
    enum reconciler_end how;
    int64_t deadline_ns;
};

static int
end_in_fiber(void *arg)
{
    struct ending *e = arg;
    struct runtime *rt = e->reconciler->options.runtime;
    while (!end_as(e->reconciler, clock_mono_ns(rt) < e->deadline_ns ? e->how : RECONCILER_LEAVES))
        TRY(fiber_sleep_until(deadline_in_ms(rt, END_LOOK_MS)));
    return OK;
}

void
reconciler_stop(struct reconciler *r, enum reconciler_end how, int64_t deadline_ns)
{
    struct ending e = {r, how, deadline_ns};
    int code;
    do
        code = runtime_call(r->options.runtime, end_in_fiber, &e);
    while (code == E_LIMIT); // the loop is full of fibers, which end too
    CHECK(code == OK);
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
