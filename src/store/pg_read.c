// Reading from PostgreSQL: what fibers ask for at the same time goes over in one round.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/pg.h"

enum { RETRY_MS = 50 };

static bool
is_ending(struct pg_reading *r)
{
    pthread_mutex_lock(&r->mutex);
    bool is = r->is_ending;
    pthread_mutex_unlock(&r->mutex);
    return is;
}

// At most a round's requests. NULL: the thread ends.
static struct pg_request *
take_requests(struct pg_reading *r)
{
    pthread_mutex_lock(&r->mutex);
    while (r->first == NULL && !r->is_ending)
        pthread_cond_wait(&r->has_request, &r->mutex);
    struct pg_request *first = r->first, **end = &r->first;
    for (int i = 0; i < PG_ROUND_REQUESTS_MAX && *end != NULL; i++)
        end = &(*end)->next;
    if (first != NULL) {
        r->first = *end;
        r->end = r->first == NULL ? &r->first : r->end;
        *end = NULL;
    }
    bool has_more = r->first != NULL;
    pthread_mutex_unlock(&r->mutex);
    if (has_more)
        pthread_cond_signal(&r->has_request);
    return first;
}

static struct str
present(struct str s)
{
    return str_is_present(s) ? s : STR("");
}

static struct pg_query
query_of(const struct pg_request *r, struct arena *arena)
{
    struct str version = pg_int(arena, r->version);
    if (r->kind == PG_GETS)
        return (struct pg_query){
            PG_GET_MANY, {pg_bytes_array(arena, r->keys, r->n), version}, 2, NULL};
    return (struct pg_query){r->is_reverse ? PG_ROWS_REVERSE : PG_ROWS,
                             {present(r->from), present(r->to), version, pg_int(arena, r->limit)},
                             4,
                             NULL};
}

static struct str
copy_at(const struct pg_lib *lib, const PGresult *result, int row, int column, struct arena *arena)
{
    struct str s = pg_bytes_at(lib, result, row, column);
    return str_is_present(s) ? arena_copy(arena, s) : s;
}

static void
take_gets(const struct pg_lib *lib, const PGresult *result, struct pg_request *r)
{
    for (int row = 0; row < lib->ntuples(result); row++) {
        uint64_t i = pg_int_at(lib, result, row, 0) - 1;
        CHECK(i < r->n);
        r->out[i] = copy_at(lib, result, row, 1, r->arena);
    }
}

void
pg_take_rows(const struct pg_lib *lib, const PGresult *result, struct pg_request *r)
{
    r->row_count = (size_t)lib->ntuples(result);
    r->entry_count = 0;
    r->entries = ARENA_ARRAY(r->arena, r->row_count, struct pg_entry);
    for (int row = 0; row < (int)r->row_count; row++) {
        r->last_key = copy_at(lib, result, row, 0, r->arena);
        if (!lib->getisnull(result, row, 1))
            r->entries[r->entry_count++] =
                (struct pg_entry){r->last_key, copy_at(lib, result, row, 1, r->arena)};
    }
}

// Behind all reads the newest version, for those who ask; and the floor, below which they may have
// missed what they should have seen.
static int
run_round(struct pg_conn *c, struct pg_request *first, struct arena *arena)
{
    struct pg_query queries[PG_ROUND_REQUESTS_MAX + 1];
    size_t n = 0, at = 0;
    for (const struct pg_request *r = first; r != NULL; r = r->next) {
        if (r->kind != PG_VERSION)
            queries[n++] = query_of(r, arena);
    }
    queries[n++] = (struct pg_query){.statement = PG_HEAD};
    TRY(pg_round(c, queries, n));
    uint64_t version = pg_int_at(c->lib, queries[n - 1].result, 0, 0);
    uint64_t floor = pg_int_at(c->lib, queries[n - 1].result, 0, 1);
    for (struct pg_request *r = first; r != NULL; r = r->next) {
        r->code = r->kind == PG_VERSION || r->version >= floor ? OK : E_TOO_OLD;
        if (r->kind == PG_VERSION)
            r->version = version;
        else if (r->kind == PG_GETS)
            take_gets(c->lib, queries[at++].result, r);
        else
            pg_take_rows(c->lib, queries[at++].result, r);
    }
    pg_results_clear(c->lib, queries, n);
    return OK;
}

// A database that is away for a moment, as when a standby takes over, is waited for.
static void
read_all(struct pg_reading *r, struct pg_conn *c, struct pg_request *first)
{
    int64_t give_up_ns = deadline_in_ms(r->pg->runtime, BATCH_FIND_MS_MAX);
    int code;
    for (;;) {
        struct arena arena;
        arena_init(&arena);
        code = pg_connect(c);
        if (code == OK)
            code = run_round(c, first, &arena);
        arena_fini(&arena);
        if (code == OK || clock_mono_ns(r->pg->runtime) > give_up_ns || is_ending(r))
            break;
        pg_pause(RETRY_MS);
    }
    for (struct pg_request *q = first, *next; q != NULL; q = next) {
        next = q->next;
        if (code != OK)
            q->code = E_IO;
        struct fiber *fiber = q->fiber;
        atomic_store_explicit(&q->is_done, true, memory_order_release);
        fiber_wake(fiber);
    }
}

static void *
run(void *arg)
{
    struct pg_reading *r = arg;
    struct pg_conn conn;
    pg_conn_init(&conn, r->pg);
    for (struct pg_request *first; (first = take_requests(r)) != NULL;)
        read_all(r, &conn, first);
    pg_disconnect(&conn);
    return NULL;
}

int
pg_read(struct pg *pg, struct pg_request *q)
{
    struct pg_reading *r = &pg->reading;
    q->fiber = fiber_self();
    q->next = NULL;
    CHECK(q->fiber != NULL);
    atomic_fetch_add_explicit(&r->requests, 1, memory_order_relaxed);
    pthread_mutex_lock(&r->mutex);
    *r->end = q;
    r->end = &q->next;
    pthread_mutex_unlock(&r->mutex);
    pthread_cond_signal(&r->has_request);
    while (!atomic_load_explicit(&q->is_done, memory_order_acquire))
        CHECK(fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE) == OK);
    return q->code;
}

int
pg_reading_start(struct pg *pg)
{
    struct pg_reading *r = &pg->reading;
    r->pg = pg;
    r->end = &r->first;
    CHECK(pthread_mutex_init(&r->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&r->has_request, NULL) == 0);
    for (; r->thread_count < PG_READERS; r->thread_count++) {
        if (pthread_create(&r->threads[r->thread_count], NULL, run, r) != 0)
            return E_IO;
        (void)pthread_setname_np(r->threads[r->thread_count], "pg-read");
    }
    return OK;
}

void
pg_reading_stop(struct pg *pg)
{
    struct pg_reading *r = &pg->reading;
    pthread_mutex_lock(&r->mutex);
    r->is_ending = true;
    pthread_mutex_unlock(&r->mutex);
    pthread_cond_broadcast(&r->has_request);
    for (int i = 0; i < r->thread_count; i++)
        CHECK(pthread_join(r->threads[i], NULL) == 0);
    pthread_cond_destroy(&r->has_request);
    pthread_mutex_destroy(&r->mutex);
}
