// Committing to PostgreSQL: two rounds for a batch, between which the head's row is locked.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/omap.h"
#include "src/store/pg.h"

enum { RETRY_MS = 50 };

struct pg_value {
    struct str value; // absent: deleted
};

static struct pg *
pg_of(struct backend *b)
{
    return (struct pg *)b;
}

static void
drop_batch(struct pg_writing *w)
{
    arena_reset(&w->arena);
    w->keys = NULL;
}

// The last word on a key stays: a batch is one version.
static void
put(struct pg *pg, struct str key, struct str value)
{
    struct pg_writing *w = &pg->writing;
    if (w->keys == NULL)
        w->keys = omap_new_in(&w->arena, 1);
    struct omap_entry *e = omap_put(w->keys, key);
    if (e->value == NULL)
        e->value = ARENA_NEW(&w->arena, struct pg_value);
    ((struct pg_value *)e->value)->value = value;
}

static void
tell_news(const struct pg *pg, const struct pg_query *changes, uint64_t floor,
          const struct backend_news *news)
{
    const PGresult *rows = changes->result;
    const struct pg_lib *lib = &pg->lib;
    if (floor > pg->writing.known)
        news->forgotten(news->arg, floor);
    for (int i = 0; i < lib->ntuples(rows); i++)
        news->changed(news->arg, pg_bytes_at(lib, rows, i, 0), pg_int_at(lib, rows, i, 1));
}

// The floor comes behind the changes: what was removed before they were read lies below it.
static int
lock_head(struct pg *pg, const struct backend_news *news, uint64_t *version)
{
    struct pg_writing *w = &pg->writing;
    struct pg_query q[] = {{.statement = PG_BEGIN},
                           {.statement = PG_LOCK_HEAD},
                           {PG_CHANGES, {pg_int(&w->arena, w->known)}, 1, NULL},
                           {.statement = PG_FLOOR}};
    TRY(pg_connect(&w->conn));
    TRY(pg_round(&w->conn, q, COUNT_OF(q)));
    *version = pg_int_at(&pg->lib, q[1].result, 0, 0);
    tell_news(pg, &q[2], pg_int_at(&pg->lib, q[3].result, 0, 0), news);
    pg_results_clear(&pg->lib, q, COUNT_OF(q));
    w->known = *version;
    return OK;
}

void
pg_writing_init(struct pg *pg, bool is_alone)
{
    arena_init(&pg->writing.arena);
    pg_conn_init(&pg->writing.conn, pg);
    pg->writing.conn.right = is_alone ? PG_ALONE : PG_SHARED;
}

void
pg_writing_fini(struct pg *pg)
{
    pg_disconnect(&pg->writing.conn);
    arena_fini(&pg->writing.arena);
}

int
pg_get_newest(struct pg *pg, struct str key, struct arena *arena, struct str *out)
{
    struct pg_writing *w = &pg->writing;
    struct pg_query q = {
        PG_GET_MANY, {pg_bytes_array(arena, &key, 1), pg_int(arena, INT64_MAX)}, 2, NULL};
    if (w->was_lost || pg_round(&w->conn, &q, 1) != OK) {
        w->was_lost = true; // and with it the lock: nothing of this batch may be written
        return E_IO;
    }
    struct str value = pg_bytes_at(&pg->lib, q.result, 0, 1);
    *out = str_is_present(value) ? arena_copy(arena, value) : value;
    pg_results_clear(&pg->lib, &q, 1);
    return OK;
}

int
pg_batch_begin(struct backend *b, const struct backend_news *news, uint64_t *version)
{
    struct pg *pg = pg_of(b);
    int64_t give_up_ns = deadline_in_ms(pg->runtime, BATCH_FIND_MS_MAX);
    pg->writing.was_lost = false;
    drop_batch(&pg->writing);
    while (lock_head(pg, news, version) != OK) {
        if (clock_mono_ns(pg->runtime) > give_up_ns)
            return E_IO;
        pg_pause(RETRY_MS);
    }
    return OK;
}

void
pg_batch_cancel(struct backend *b)
{
    struct pg *pg = pg_of(b);
    struct pg_query q = {.statement = PG_ROLLBACK};
    if (pg_round(&pg->writing.conn, &q, 1) == OK)
        pg_results_clear(&pg->lib, &q, 1);
    drop_batch(&pg->writing);
}

void
pg_batch_put(struct backend *b, struct str key, struct str value)
{
    put(pg_of(b), key, value);
}

void
pg_batch_del(struct backend *b, struct str key)
{
    put(pg_of(b), key, (struct str){0});
}

static struct pg_query
put_query(struct pg_writing *w, uint64_t version)
{
    size_t n = omap_count(w->keys), i = 0;
    struct str *keys = ARENA_ARRAY(&w->arena, n, struct str);
    struct str *values = ARENA_ARRAY(&w->arena, n, struct str);
    for (struct omap_entry *e = omap_first(w->keys); e != NULL; e = omap_next(e), i++) {
        keys[i] = e->key;
        values[i] = ((const struct pg_value *)e->value)->value;
    }
    return (struct pg_query){PG_PUT,
                             {pg_bytes_array(&w->arena, keys, n), pg_int(&w->arena, version),
                              pg_bytes_array(&w->arena, values, n)},
                             3,
                             NULL};
}

int
pg_batch_write(struct backend *b, uint64_t version)
{
    struct pg *pg = pg_of(b);
    struct pg_writing *w = &pg->writing;
    if (w->was_lost) {
        drop_batch(w);
        return E_AGAIN;
    }
    struct str writer = {pg->writer, sizeof pg->writer};
    struct pg_query q[] = {put_query(w, version),
                           {PG_SET_HEAD, {pg_int(&w->arena, version)}, 1, NULL},
                           {PG_SET_WRITER, {writer, pg_int(&w->arena, ++w->batch)}, 2, NULL},
                           {.statement = PG_NOTIFY},
                           {.statement = PG_COMMIT}};
    int code = pg_round(&w->conn, q, COUNT_OF(q));
    drop_batch(w);
    if (code == OK) {
        pg_results_clear(&pg->lib, q, COUNT_OF(q));
        w->known = version;
        return OK;
    }
    if (w->conn.was_refused)
        return code == E_FULL ? E_FULL : E_AGAIN;
    return E_UNKNOWN;
}

// The head's lock is taken first: the lost session, should it still be at it, holds that until it
// has committed or ended.
static int
find_batch(struct pg *pg, bool *is_there)
{
    struct pg_writing *w = &pg->writing;
    struct str writer = {pg->writer, sizeof pg->writer};
    struct pg_query q[] = {{.statement = PG_BEGIN},
                           {.statement = PG_LOCK_HEAD},
                           {PG_WRITER_BATCH, {writer}, 1, NULL},
                           {.statement = PG_ROLLBACK}};
    TRY(pg_connect(&w->conn));
    TRY(pg_round(&w->conn, q, COUNT_OF(q)));
    *is_there =
        pg->lib.ntuples(q[2].result) == 1 && pg_int_at(&pg->lib, q[2].result, 0, 0) == w->batch;
    pg_results_clear(&pg->lib, q, COUNT_OF(q));
    return OK;
}

int
pg_batch_find(struct backend *b)
{
    struct pg *pg = pg_of(b);
    int64_t give_up_ns = deadline_in_ms(pg->runtime, BATCH_FIND_MS_MAX);
    bool is_there = false;
    while (find_batch(pg, &is_there) != OK) {
        if (clock_mono_ns(pg->runtime) > give_up_ns)
            return E_IO;
        pg_pause(RETRY_MS);
    }
    log_event(pg->log, LOG_INFO, "commit_resolved", "batch=%llu is_written=%d",
              (unsigned long long)pg->writing.batch, is_there);
    return is_there ? OK : E_NOT_FOUND;
}
