// Units of the kind functions.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/functions.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "src/host/host_records.h"
#include "src/wire/json.h"

enum { PREPARED_MAX = 64 };

// In the list while its unit is up; lives as long as a function of it is leased.
struct functions_pool {
    struct function_pool *pool;
    char name[FUNCTION_POOL_NAME_MAX + 1];
    struct arena arena;
    struct str spec; // as the unit had it
    // Of the mutex:
    size_t refs, running;
    uint64_t started;
    bool is_filling;
    LIST_ENTRY(functions_pool) link;
};

struct functions {
    struct host *host;
    pthread_mutex_t mutex; // of what follows: fibers run on all loops
    LIST_HEAD(, functions_pool) pools;
};

static void
unref(struct functions *fs, struct functions_pool *p)
{
    pthread_mutex_lock(&fs->mutex);
    bool is_last = --p->refs == 0;
    pthread_mutex_unlock(&fs->mutex);
    if (!is_last)
        return;
    function_pool_free(p->pool);
    arena_fini(&p->arena);
    free(p);
}

// With a reference. NULL: it is not up.
static struct functions_pool *
find(struct functions *fs, struct str name)
{
    struct functions_pool *p;
    pthread_mutex_lock(&fs->mutex);
    LIST_FOREACH(p, &fs->pools, link)
    if (str_eq(str_of(p->name), name)) {
        p->refs++;
        break;
    }
    pthread_mutex_unlock(&fs->mutex);
    return p;
}

// One fiber at a time prepares, whoever comes meanwhile goes on.
static int
fill(struct functions *fs, struct functions_pool *p, char *problem)
{
    pthread_mutex_lock(&fs->mutex);
    bool is_mine = !p->is_filling;
    p->is_filling = true;
    pthread_mutex_unlock(&fs->mutex);
    if (!is_mine)
        return OK;
    int code = function_pool_fill(p->pool, problem);
    pthread_mutex_lock(&fs->mutex);
    p->is_filling = false;
    pthread_mutex_unlock(&fs->mutex);
    return code;
}

int
functions_take(struct functions *fs, struct str name, const struct function_start *start,
               struct function_lease *out, char *problem)
{
    struct functions_pool *p = find(fs, name);
    if (p == NULL) {
        snprintf(problem, FUNCTION_PROBLEM_BYTES, "there is no pool of functions of that name");
        return E_NOT_FOUND;
    }
    *out = (struct function_lease){.pool = p};
    int code = function_take(p->pool, start, &out->function, problem);
    if (code != OK) {
        unref(fs, p);
        return code;
    }
    pthread_mutex_lock(&fs->mutex);
    p->running++;
    p->started++;
    pthread_mutex_unlock(&fs->mutex);
    return OK;
}

int
functions_output(struct functions *fs, const struct function_lease *l, size_t limit,
                 struct arena *arena, struct str *out)
{
    return sandbox_console(fs->host, str_of(l->function.name), limit, arena, out);
}

int
functions_freeze(struct functions *fs, const struct function_lease *l, bool is_frozen)
{
    return sandbox_freeze(fs->host, str_of(l->function.name), is_frozen);
}

int
functions_wait(struct functions *fs, const struct function_lease *l, int64_t deadline_ns,
               struct sandbox_status *out)
{
    char none[FUNCTION_PROBLEM_BYTES];
    // When that fails now, the reconciler's next look tries again.
    if (fill(fs, l->pool, none) != OK)
        log_event(fs->host->log, LOG_WARN, "functions_not_prepared", "name=%s", l->pool->name);
    return function_wait(l->pool->pool, &l->function, deadline_ns, out);
}

int
functions_end(struct functions *fs, struct function_lease *l)
{
    int code = function_end(l->pool->pool, &l->function);
    pthread_mutex_lock(&fs->mutex);
    l->pool->running--;
    pthread_mutex_unlock(&fs->mutex);
    unref(fs, l->pool);
    *l = (struct function_lease){0};
    return code;
}

// Driver ---------------------------------------------------------------------------------------

static int
refuse(char *problem, const char *text)
{
    snprintf(problem, UNIT_PROBLEM_BYTES, "%s", text);
    return E_INVALID;
}

static int
record_read(const struct unit *u, struct arena *arena, struct host_functions_record *r,
            char *problem)
{
    *r = (struct host_functions_record){0};
    if (record_decode(&host_functions_record_type, u->spec, arena, r) != OK)
        return refuse(problem, "the record of functions cannot be read");
    if (u->name.len > FUNCTION_POOL_NAME_MAX)
        return refuse(problem, "the name of a pool of functions has at most 16 characters");
    if (r->args.count == 0 || !str_starts(r->shelf, STR("/")))
        return refuse(problem, "functions need args, and a shelf, which is an absolute path");
    if (r->prepared.value < 0 || r->prepared.value > PREPARED_MAX)
        return refuse(problem, "at most 64 functions are prepared");
    return OK;
}

static struct functions_pool *
pool_new(struct functions *fs, const struct unit *u, const struct host_functions_record *r)
{
    struct functions_pool *p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    const struct function_pool_options options = {
        .host = fs->host,
        .name = u->name,
        .args = r->args.items,
        .arg_count = r->args.count,
        .env = r->env.items,
        .env_count = r->env.count,
        .shelf = r->shelf,
        .limits = {.memory_bytes = (uint64_t)r->memory_bytes.value,
                   .cpu_millis = (uint64_t)r->cpu_millis.value,
                   .pids = (uint64_t)r->pids.value,
                   .io_bytes_per_second = (uint64_t)r->io_bytes_per_second.value,
                   .files_open = (uint64_t)r->files_open.value},
        .prepared = (size_t)r->prepared.value,
    };
    p->pool = function_pool_new(&options);
    p->refs = 1;
    snprintf(p->name, sizeof(p->name), STR_FMT, STR_ARG(u->name));
    arena_init(&p->arena);
    p->spec = arena_copy(&p->arena, u->spec);
    return p;
}

// The list's reference goes to the caller.
static struct functions_pool *
list_take(struct functions *fs, struct str name)
{
    struct functions_pool *p = find(fs, name);
    if (p == NULL)
        return NULL;
    pthread_mutex_lock(&fs->mutex);
    LIST_REMOVE(p, link);
    p->refs--;
    pthread_mutex_unlock(&fs->mutex);
    return p;
}

// Prepared anew by the record; those of the old one that run, run on.
static int
start(void *arg, const struct unit *u, char *problem)
{
    struct functions *fs = arg;
    struct arena arena;
    struct host_functions_record r;
    arena_init(&arena);
    int code = record_read(u, &arena, &r, problem);
    struct functions_pool *p = code == OK ? pool_new(fs, u, &r) : NULL;
    arena_fini(&arena);
    if (code != OK)
        return code;
    code = function_pool_fill(p->pool, problem);
    if (code != OK) {
        if (function_pool_drain(p->pool) != OK)
            code = E_IO;
        unref(fs, p);
        return code;
    }
    struct functions_pool *old = list_take(fs, u->name);
    pthread_mutex_lock(&fs->mutex);
    LIST_INSERT_HEAD(&fs->pools, p, link);
    pthread_mutex_unlock(&fs->mutex);
    if (old == NULL)
        return OK;
    code = function_pool_drain(old->pool);
    unref(fs, old);
    return code;
}

static int
change(void *arg, const struct unit *u, char *problem)
{
    struct functions_pool *p = find(arg, u->name);
    bool is_same = p != NULL && str_eq(p->spec, u->spec);
    if (p != NULL)
        unref(arg, p);
    return is_same ? OK : start(arg, u, problem);
}

static int
probe(void *arg, const struct unit *u, enum unit_seen *out, char *problem)
{
    struct functions_pool *p = find(arg, u->name);
    *out = p != NULL ? UNIT_SEEN_UP : UNIT_SEEN_NOTHING;
    if (p == NULL)
        return OK;
    int code = fill(arg, p, problem);
    unref(arg, p);
    return code;
}

// Those that run are killed; who waits for them finds them so.
static int
stop(void *arg, const struct unit *u, char *problem)
{
    struct functions_pool *p = list_take(arg, u->name);
    if (p == NULL)
        return OK;
    int code = function_pool_clear(p->pool);
    unref(arg, p);
    snprintf(problem, UNIT_PROBLEM_BYTES, "its sandboxes cannot be ended (%s)", code_name(code));
    return code;
}

static int
remove_all(void *arg, const struct unit *u, char *problem)
{
    return OK; // a stopped one has nothing, and its shelf is its owner's
}

static void
functions_close(void *arg)
{
    struct functions *fs = arg;
    for (struct functions_pool *p; (p = LIST_FIRST(&fs->pools)) != NULL;) {
        LIST_REMOVE(p, link);
        unref(fs, p);
    }
    pthread_mutex_destroy(&fs->mutex);
    free(fs);
}

void
functions_driver_new(struct host *h, struct unit_driver *out)
{
    struct functions *fs = calloc(1, sizeof(*fs));
    CHECK(fs != NULL && pthread_mutex_init(&fs->mutex, NULL) == 0);
    fs->host = h;
    LIST_INIT(&fs->pools);
    if (function_left_end(h) != OK)
        log_event(h->log, LOG_WARN, "functions_left", "dir=%s", h->dir);
    *out = (struct unit_driver){
        .probe = probe,
        .start = start,
        .change = change,
        .stop = stop,
        .remove = remove_all,
        .close = functions_close,
        .arg = fs,
    };
}

struct functions *
functions_of(const struct unit_driver *drivers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (drivers[i].probe == probe)
            return drivers[i].arg;
    return NULL;
}

void
functions_print(struct functions *fs, struct buf *out)
{
    struct functions_pool *p;
    buf_put_char(out, '[');
    pthread_mutex_lock(&fs->mutex);
    LIST_FOREACH(p, &fs->pools, link)
    {
        buf_put(out, p == LIST_FIRST(&fs->pools) ? STR("{\"name\":") : STR(",{\"name\":"));
        json_put_string(out, str_of(p->name));
        buf_print(out, ",\"ready\":%zu,\"running\":%zu,\"started\":%" PRIu64 "}",
                  function_pool_ready(p->pool), p->running, p->started);
    }
    pthread_mutex_unlock(&fs->mutex);
    buf_put_char(out, ']');
}
