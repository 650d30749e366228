// Sandboxes for functions, made before they are needed.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/function.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { FUNCTION_UID = 993, MOUNT_COUNT = 3 };

struct prepared {
    struct function function;
    STAILQ_ENTRY(prepared) link;
};

struct function_pool {
    struct function_pool_options options;
    struct arena arena;    // of the options
    pthread_mutex_t mutex; // of what follows: fibers run on all loops
    STAILQ_HEAD(, prepared) ready;
    size_t ready_count;
    uint64_t next; // number of a sandbox
};

static const struct str *
texts_copy(struct arena *a, const struct str *texts, size_t count)
{
    struct str *copy = ARENA_ARRAY(a, count, struct str);
    for (size_t i = 0; i < count; i++)
        copy[i] = arena_copy(a, texts[i]);
    return copy;
}

struct function_pool *
function_pool_new(const struct function_pool_options *options)
{
    struct function_pool *p = calloc(1, sizeof(*p));
    CHECK(p != NULL && host_name_is_valid(options->name) &&
          options->name.len <= FUNCTION_POOL_NAME_MAX);
    arena_init(&p->arena);
    p->options = *options;
    p->options.name = arena_copy(&p->arena, options->name);
    p->options.shelf = arena_copy(&p->arena, options->shelf);
    p->options.args = texts_copy(&p->arena, options->args, options->arg_count);
    p->options.env = texts_copy(&p->arena, options->env, options->env_count);
    CHECK(pthread_mutex_init(&p->mutex, NULL) == 0);
    STAILQ_INIT(&p->ready);
    p->next = random_u64(options->host->runtime);
    return p;
}

static struct prepared *
ready_take(struct function_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    struct prepared *first = STAILQ_FIRST(&p->ready);
    if (first != NULL) {
        STAILQ_REMOVE_HEAD(&p->ready, link);
        p->ready_count--;
    }
    pthread_mutex_unlock(&p->mutex);
    return first;
}

void
function_pool_free(struct function_pool *p)
{
    if (p == NULL)
        return;
    for (struct prepared *one; (one = ready_take(p)) != NULL;)
        free(one);
    pthread_mutex_destroy(&p->mutex);
    arena_fini(&p->arena);
    free(p);
}

// All of the default image, and nothing of it can be written.
static int
sandbox_make(struct function_pool *p, struct function *f, char *problem)
{
    const struct function_pool_options *o = &p->options;
    struct arena arena;
    arena_init(&arena);
    const struct sandbox_mount mounts[MOUNT_COUNT] = {
        {.kind = SANDBOX_READ_ONLY,
         .at = STR("/"),
         .outside = arena_print(&arena, "%s/images/default", o->host->dir)},
        {.kind = SANDBOX_READ_ONLY, .at = STR("/usr"), .outside = STR("/usr")},
        {.kind = SANDBOX_SHELF, .at = STR("/run"), .outside = o->shelf},
    };
    const struct sandbox_spec spec = {
        .name = str_of(f->name),
        .hostname = STR("function"),
        .mounts = mounts,
        .mount_count = MOUNT_COUNT,
        .args = o->args,
        .arg_count = o->arg_count,
        .env = o->env,
        .env_count = o->env_count,
        .cwd = FUNCTION_CODE_AT,
        .uid = FUNCTION_UID,
        .gid = FUNCTION_UID,
        .ids_row = (uint32_t)f->ids_row,
        .rights = SANDBOX_FUNCTION,
        .is_held = true,
        .limits = o->limits,
    };
    int code = sandbox_start(o->host, &spec, problem, FUNCTION_PROBLEM_BYTES);
    arena_fini(&arena);
    return code;
}

// What did not start leaves nothing; when it cannot be removed that is worse news.
static int
give_up(struct function_pool *p, const struct function *f, int code)
{
    int ended = function_end(p, f);
    return ended == OK ? code : ended;
}

static int
prepare(struct function_pool *p, struct function *out, char *problem)
{
    struct host *h = p->options.host;
    int code = ids_take(&h->ids, &out->ids_row);
    if (code != OK) {
        snprintf(problem, FUNCTION_PROBLEM_BYTES, "there are too many guests");
        return code;
    }
    pthread_mutex_lock(&p->mutex);
    uint64_t number = p->next++;
    pthread_mutex_unlock(&p->mutex);
    snprintf(out->name, sizeof(out->name), "function-" STR_FMT "-%016llx", STR_ARG(p->options.name),
             (unsigned long long)number);
    code = sandbox_make(p, out, problem);
    return code == OK ? OK : give_up(p, out, code);
}

int
function_pool_fill(struct function_pool *p, char *problem)
{
    while (function_pool_ready(p) < p->options.prepared) {
        struct prepared *one = calloc(1, sizeof(*one));
        CHECK(one != NULL);
        int code = prepare(p, &one->function, problem);
        if (code != OK) {
            free(one);
            return code;
        }
        pthread_mutex_lock(&p->mutex);
        STAILQ_INSERT_TAIL(&p->ready, one, link);
        p->ready_count++;
        pthread_mutex_unlock(&p->mutex);
    }
    return OK;
}

int
function_take(struct function_pool *p, const struct function_start *start, struct function *out,
              char *problem)
{
    const struct sandbox_order order = {
        .folder = start->code,
        .at = FUNCTION_CODE_AT,
        .env = start->env,
        .env_count = start->env_count,
    };
    struct prepared *one = ready_take(p);
    if (one != NULL)
        *out = one->function;
    else
        TRY(prepare(p, out, problem));
    free(one);
    int code =
        sandbox_go(p->options.host, str_of(out->name), &order, problem, FUNCTION_PROBLEM_BYTES);
    return code == OK ? OK : give_up(p, out, code);
}

int
function_wait(struct function_pool *p, const struct function *f, int64_t deadline_ns,
              struct sandbox_status *out)
{
    struct host *h = p->options.host;
    int code = sandbox_wait(h, str_of(f->name), deadline_ns, out);
    if (code != E_TIMEOUT)
        return code;
    TRY(sandbox_stop(h, str_of(f->name), 0));
    TRY(sandbox_status_get(h, str_of(f->name), out));
    return E_TIMEOUT;
}

// What is frozen cannot die.
static int
sandbox_end(struct host *h, const struct function *f)
{
    int code = sandbox_freeze(h, str_of(f->name), false);
    code = code == E_NOT_FOUND ? OK : code;
    if (code == OK)
        code = sandbox_stop(h, str_of(f->name), 0);
    if (code == OK)
        code = sandbox_remove(h, str_of(f->name));
    if (code == OK)
        ids_give(&h->ids, f->ids_row);
    return code;
}

int
function_end(struct function_pool *p, const struct function *f)
{
    return sandbox_end(p->options.host, f);
}

// All whose folders' names begin so.
static int
named_end(struct host *h, const char *prefix)
{
    char path[4096];
    int code = OK;
    snprintf(path, sizeof(path), "%s/sandboxes", h->dir);
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && code == OK && (e = readdir(d)) != NULL;) {
        struct function f = {.ids_row = -1};
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(f.name, sizeof(f.name), "%.*s", (int)sizeof(f.name) - 1, e->d_name);
        code = sandbox_end(h, &f);
    }
    if (d != NULL)
        closedir(d);
    return code;
}

int
function_left_end(struct host *h)
{
    return named_end(h, "function-");
}

int
function_pool_drain(struct function_pool *p)
{
    int code = OK;
    for (struct prepared *one; (one = ready_take(p)) != NULL; free(one)) {
        int ended = function_end(p, &one->function);
        code = code == OK ? ended : code;
    }
    return code;
}

size_t
function_pool_ready(struct function_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    size_t count = p->ready_count;
    pthread_mutex_unlock(&p->mutex);
    return count;
}

int
function_pool_clear(struct function_pool *p)
{
    char prefix[FUNCTION_NAME_BYTES];
    int code = function_pool_drain(p);
    snprintf(prefix, sizeof(prefix), "function-" STR_FMT "-", STR_ARG(p->options.name));
    int others = named_end(p->options.host, prefix);
    return code == OK ? others : code;
}
