// Keeping a PostgreSQL store: removes old versions, and tells watches what other processes wrote.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/pg.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TURN_MS = 1000, // so late may a change of another process be seen when its notice was lost
    SAMPLES = 32,
    PRUNE_VERSIONS_MAX = 256, // in one statement, so that it stays short
    PRUNE_STATEMENTS_MAX = 64,
    FIRE_AT_ONCE = 256,
};

// What the newest version was at some times. The one that is PG_KEPT_MS old is the floor.
struct sample {
    int64_t at_ns;
    uint64_t version;
};

struct keeper {
    struct pg *pg;
    struct pg_keeping *keeping;
    struct pg_conn conn;
    struct sample samples[SAMPLES];
    size_t sample_count; // ever
    uint64_t seen;       // watches were told up to here
    int64_t turn_ns;     // when the last turn was
};

static int
run_one(struct keeper *k, struct pg_query *q)
{
    return pg_round(&k->conn, q, 1);
}

static int
run_statement(struct keeper *k, enum pg_statement statement, const uint64_t *ints, int n)
{
    struct arena arena;
    struct pg_query q = {.statement = statement, .param_count = n};
    arena_init(&arena);
    for (int i = 0; i < n; i++)
        q.params[i] = pg_int(&arena, ints[i]);
    int code = run_one(k, &q);
    if (code == OK)
        pg_results_clear(&k->pg->lib, &q, 1);
    arena_fini(&arena);
    return code;
}

static int
read_head(struct keeper *k, uint64_t *version, uint64_t *floor)
{
    struct pg_query q = {.statement = PG_HEAD};
    TRY(run_one(k, &q));
    *version = pg_int_at(&k->pg->lib, q.result, 0, 0);
    *floor = pg_int_at(&k->pg->lib, q.result, 0, 1);
    pg_results_clear(&k->pg->lib, &q, 1);
    return OK;
}

static void
fire_changes(const struct keeper *k, const PGresult *rows, struct watches *watches)
{
    const struct pg_lib *lib = &k->pg->lib;
    struct str keys[FIRE_AT_ONCE];
    int count = lib->ntuples(rows);
    for (int i = 0, n = 0; i < count; i++) {
        keys[n++] = pg_bytes_at(lib, rows, i, 0);
        if (n < FIRE_AT_ONCE && i + 1 < count)
            continue;
        watches_fire(watches, keys, (size_t)n);
        n = 0;
    }
}

// Watches that come after this was read see what it holds by themselves.
static int
tell_watches(struct keeper *k)
{
    struct watches *watches = atomic_load(&k->keeping->watches);
    uint64_t version, floor;
    TRY(read_head(k, &version, &floor));
    if (version == k->seen || watches == NULL || watches_count(watches) == 0) {
        k->seen = version;
        return OK;
    }
    if (k->seen < floor)
        watches_fire_all(watches);
    struct arena arena;
    arena_init(&arena);
    struct pg_query q = {PG_CHANGES, {pg_int(&arena, k->seen)}, 1, NULL};
    int code = run_one(k, &q);
    if (code == OK)
        fire_changes(k, q.result, watches);
    pg_results_clear(&k->pg->lib, &q, 1);
    k->seen = code == OK ? version : k->seen;
    arena_fini(&arena);
    return code;
}

// 0: nothing is old enough.
static uint64_t
old_version(const struct keeper *k, int64_t now_ns)
{
    uint64_t version = 0;
    for (size_t i = 0; i < SAMPLES && i < k->sample_count; i++) {
        const struct sample *s = &k->samples[i];
        if (now_ns - s->at_ns >= (int64_t)PG_KEPT_MS * 1000000 && s->version > version)
            version = s->version;
    }
    return version;
}

static int
pruned_version(struct keeper *k, uint64_t *out)
{
    struct pg_query q = {.statement = PG_PRUNED};
    TRY(run_one(k, &q));
    *out = pg_int_at(&k->pg->lib, q.result, 0, 0);
    pg_results_clear(&k->pg->lib, &q, 1);
    return OK;
}

// First the floor, so that readers find out; then what lies below it.
static int
prune(struct keeper *k, uint64_t floor)
{
    uint64_t pruned;
    TRY(pruned_version(k, &pruned));
    if (pruned >= floor)
        return OK;
    TRY(run_statement(k, PG_SET_FLOOR, &floor, 1));
    for (int i = 0; i < PRUNE_STATEMENTS_MAX && pruned < floor; i++) {
        uint64_t to = floor - pruned > PRUNE_VERSIONS_MAX ? pruned + PRUNE_VERSIONS_MAX : floor;
        TRY(run_statement(k, PG_PRUNE, (uint64_t[]){pruned, to}, 2));
        TRY(run_statement(k, PG_SET_PRUNED, &to, 1));
        pruned = to;
    }
    return OK;
}

static int
take_turn(struct keeper *k)
{
    int64_t now_ns = clock_mono_ns(k->pg->runtime);
    uint64_t version, floor;
    TRY(read_head(k, &version, &floor));
    k->samples[k->sample_count++ % SAMPLES] = (struct sample){now_ns, version};
    k->turn_ns = now_ns;
    uint64_t old = old_version(k, now_ns);
    return old > floor || (old > 0 && k->sample_count % SAMPLES == 0) ? prune(k, old) : OK;
}

// Whether there were any.
static bool
take_notices(const struct keeper *k)
{
    const struct pg_lib *lib = &k->pg->lib;
    bool has_any = false;
    if (k->conn.pg == NULL || lib->consumeInput(k->conn.pg) != 1)
        return false;
    for (PGnotify *n; (n = lib->notifies(k->conn.pg)) != NULL; has_any = true)
        lib->freemem(n);
    return has_any;
}

static int
listen_again(struct keeper *k)
{
    if (k->conn.pg != NULL)
        return OK;
    TRY(pg_connect(&k->conn));
    return run_statement(k, PG_LISTEN, NULL, 0);
}

static int
keep(struct keeper *k)
{
    TRY(listen_again(k));
    TRY(tell_watches(k));
    bool is_due = clock_mono_ns(k->pg->runtime) - k->turn_ns >= (int64_t)TURN_MS * 1000000;
    return is_due ? take_turn(k) : OK;
}

static void *
run(void *arg)
{
    struct pg_keeping *keeping = arg;
    struct keeper k = {.pg = keeping->pg, .keeping = keeping};
    pg_conn_init(&k.conn, k.pg);
    while (!atomic_load(&keeping->is_ending)) {
        (void)!keep(&k); // what failed was logged, and is tried again
        if (take_notices(&k))
            continue; // they came meanwhile, and what they tell of may not have been read
        // Until a notice of another process, the end, or the next turn.
        pg_wait(&k.conn, keeping->wake_fd, TURN_MS);
    }
    pg_disconnect(&k.conn);
    return NULL;
}

int
pg_keeping_start(struct pg *pg)
{
    struct pg_keeping *k = &pg->keeping;
    k->pg = pg;
    k->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (k->wake_fd < 0)
        return E_IO;
    if (pthread_create(&k->thread, NULL, run, k) != 0) {
        close(k->wake_fd);
        return E_IO;
    }
    (void)pthread_setname_np(k->thread, "pg-keep");
    return OK;
}

void
pg_keeping_stop(struct pg *pg)
{
    struct pg_keeping *k = &pg->keeping;
    atomic_store(&k->is_ending, true);
    CHECK(eventfd_write(k->wake_fd, 1) == 0);
    CHECK(pthread_join(k->thread, NULL) == 0);
    close(k->wake_fd);
}
