// What the tests of the store share: a store of either kind, and many fibers at once.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/store/pg_lib.h"

struct step {
    struct str key, value;
    bool is_same;
    int64_t counter;
};

struct group {
    struct fixture *fixture;
    struct fiber *waiter;
    void (*fn)(struct fixture *f, size_t i);
    _Atomic size_t left;
    bool is_done;
};

struct member {
    struct group *group;
    size_t index;
};

struct fiber_call {
    struct fixture *fixture;
    void (*fn)(struct fixture *f);
};

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int
call_in_fiber(void *arg)
{
    struct fiber_call *c = arg;
    c->fn(c->fixture);
    return OK;
}

static void
end_group(void *arg)
{
    struct group *g = arg;
    g->is_done = true;
    fiber_wake(g->waiter);
}

static void
run_member(void *arg)
{
    struct member *m = arg;
    struct group *g = m->group;
    g->fn(g->fixture, m->index);
    if (atomic_fetch_sub(&g->left, 1) == 1)
        loop_post(fiber_loop(g->waiter), end_group, g);
}

static void
start_member(void *arg)
{
    CHECK(fiber_start(loop_current(), "test", run_member, arg, NULL) == OK);
}

static void
open_store(struct fixture *f)
{
    char problem[512] = "";
    int code = kv_open(f->url, &f->options, &f->kv, problem, sizeof problem);
    if (code != OK)
        print_error("%s: %s\n", code_name(code), problem);
    assert_int_equal(code, OK);
}

static int
put_body(struct kv_txn *txn, void *arg)
{
    const struct step *s = arg;
    return str_is_present(s->value) ? kv_set(txn, s->key, s->value) : kv_del(txn, s->key);
}

static int
get_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct str value;
    TRY(kv_get(txn, s->key, KV_SERIALIZABLE, &value));
    s->is_same = str_is_present(value) == str_is_present(s->value) && str_eq(value, s->value);
    s->counter = value.len == 8 ? kv_counter(value) : 0;
    return OK;
}

// An empty database: the tables go, and the store makes them again.
static void
clear_database(const char *url)
{
    struct pg_lib lib;
    char problem[512] = "";
    static const char *const NAMES[] = {"dbname", NULL};
    const char *values[] = {url, NULL};
    assert_int_equal(pg_lib_load(&lib, problem, sizeof problem), OK);
    PGconn *pg = lib.connectdbParams(NAMES, values, 1);
    PGresult *result = lib.exec(pg, "SET client_min_messages = error;"
                                    "DROP SCHEMA IF EXISTS c10m CASCADE");
    assert_int_equal(lib.resultStatus(result), PGRES_COMMAND_OK);
    lib.clear(result);
    lib.finish(pg);
    pg_lib_unload(&lib);
}

static void
choose_url(struct fixture *f, const char *kind)
{
    CHECK(kind != NULL);
    bool is_file = strcmp(kind, "rocks:") == 0;
    int bytes = snprintf(f->url, sizeof f->url, "%s%s", kind, is_file ? f->dir : "");
    if (strcmp(kind, "postgresql:") == 0) {
        const char *url = getenv("C10M_TEST_POSTGRESQL");
        if (url == NULL)
            print_error("run it by tests/support/postgres.py\n");
        CHECK(url != NULL);
        bytes = snprintf(f->url, sizeof f->url, "%s", url);
        clear_database(url);
    }
    CHECK(bytes < (int)sizeof f->url);
}

void
fixture_init(struct fixture *f, const char *kind)
{
    f->log = (struct log){.fd = STDERR_FILENO, .level_min = LOG_DEBUG};
    f->is_durable = strcmp(kind, "mem:") != 0;
    f->is_shared = strcmp(kind, "postgresql:") == 0;
    const char *parent = getenv("TMPDIR");
    snprintf(f->dir, sizeof f->dir, "%s/c10m-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    choose_url(f, kind);
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = FIXTURE_LOOPS}, &f->runtime),
                     OK);
    f->options = (struct kv_options){.runtime = f->runtime, .log = &f->log};
    open_store(f);
}

void
fixture_fini(struct fixture *f)
{
    kv_close(f->kv);
    runtime_free(f->runtime);
    dir_remove(f->dir);
}

int
fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    fixture_init(f, *state);
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

void
fixture_reopen(struct fixture *f)
{
    kv_close(f->kv);
    open_store(f);
}

void
dir_remove(const char *dir)
{
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void
in_fiber(struct fixture *f, void (*fn)(struct fixture *f))
{
    assert_int_equal(runtime_call(f->runtime, call_in_fiber, &(struct fiber_call){f, fn}), OK);
}

void
in_fibers(struct fixture *f, size_t n, void (*fn)(struct fixture *f, size_t i))
{
    struct group g = {.fixture = f, .waiter = fiber_self(), .fn = fn, .left = n};
    struct member *members = calloc(n, sizeof *members);
    CHECK(members != NULL);
    for (size_t i = 0; i < n; i++) {
        members[i] = (struct member){&g, i};
        int loop = (int)(i % (size_t)runtime_loop_count(f->runtime));
        loop_post(runtime_loop(f->runtime, loop), start_member, &members[i]);
    }
    while (!g.is_done)
        CHECK(fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE) == OK);
    free(members);
}

uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int
run_txn(struct fixture *f, kv_body_fn *body, void *arg)
{
    struct arena arena;
    arena_init(&arena);
    int code = kv_run(f->kv, &arena, body, arg);
    arena_fini(&arena);
    return code;
}

void
run_ok(struct fixture *f, kv_body_fn *body, void *arg)
{
    int code = run_txn(f, body, arg);
    if (code != OK)
        print_error("kv_run: %s\n", code_name(code));
    CHECK(code == OK);
}

void
put(struct fixture *f, struct str key, struct str value)
{
    run_ok(f, put_body, &(struct step){.key = key, .value = value});
}

void
del(struct fixture *f, struct str key)
{
    run_ok(f, put_body, &(struct step){.key = key});
}

bool
has(struct fixture *f, struct str key, struct str value)
{
    struct step s = {.key = key, .value = value};
    run_ok(f, get_body, &s);
    return s.is_same;
}

int64_t
counter_of(struct fixture *f, struct str key)
{
    struct step s = {.key = key};
    run_ok(f, get_body, &s);
    return s.counter;
}

size_t
resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f != NULL && fscanf(f, "%*d %ld", &pages) == 1);
    fclose(f);
    return (size_t)(pages * sysconf(_SC_PAGESIZE));
}
