// The back end on PostgreSQL, which several processes may share (docs/design/0006-postgresql.md).
// SPDX-License-Identifier: Apache-2.0
#include "src/store/pg.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/store/backup.h"

enum { BACKUP_ROWS = 256 };

static struct pg *
pg_of(struct backend *b)
{
    return (struct pg *)b;
}

static void
pg_free(struct pg *pg)
{
    pg_writing_fini(pg);
    pg_lib_unload(&pg->lib);
    free(pg->url);
    free(pg);
}

static void
pg_close(struct backend *b)
{
    struct pg *pg = pg_of(b);
    pg_keeping_stop(pg);
    pg_reading_stop(pg);
    pg_free(pg);
}

static uint64_t
pg_version(struct backend *b)
{
    return pg_of(b)->writing.known;
}

static int
pg_snapshot_new(struct backend *b, uint64_t *version, struct backend_snapshot **out)
{
    struct pg_request r = {.kind = PG_VERSION};
    TRY(pg_read(pg_of(b), &r));
    struct backend_snapshot *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    s->version = r.version;
    *version = r.version > *version ? r.version : *version;
    *out = s;
    return OK;
}

static void
pg_snapshot_free(struct backend *b, struct backend_snapshot *s)
{
    free(s);
}

static int
pg_get_many(struct backend *b, struct backend_snapshot *s, const struct str *keys, size_t n,
            struct arena *arena, struct str *out)
{
    if (n == 0)
        return OK;
    struct pg_request r = {
        .kind = PG_GETS, .version = s->version, .keys = keys, .n = n, .arena = arena, .out = out};
    return pg_read(pg_of(b), &r);
}

static int
pg_get(struct backend *b, struct backend_snapshot *s, struct str key, struct arena *arena,
       struct str *out)
{
    if (s == NULL)
        return pg_get_newest(pg_of(b), key, arena, out);
    return pg_get_many(b, s, &key, 1, arena, out);
}

static uint64_t
pg_cold_reads(struct backend *b)
{
    return atomic_load_explicit(&pg_of(b)->reading.requests, memory_order_relaxed);
}

// The database says so when it is full.
static bool
pg_has_room(struct backend *b, size_t bytes, bool is_growth)
{
    return true;
}

static void
pg_watch(struct backend *b, struct watches *watches)
{
    atomic_store(&pg_of(b)->keeping.watches, watches);
}

static const struct backend_ops pg_ops = {
    .key_bytes_max = PG_KEY_BYTES_MAX,
    .close = pg_close,
    .version = pg_version,
    .snapshot_new = pg_snapshot_new,
    .snapshot_free = pg_snapshot_free,
    .get = pg_get,
    .get_many = pg_get_many,
    .iter_open = pg_iter_open,
    .iter_seek = pg_iter_seek,
    .iter_next = pg_iter_next,
    .iter_close = pg_iter_close,
    .backup = pg_backup,
    .watch = pg_watch,
    .cold_reads = pg_cold_reads,
    .has_room = pg_has_room,
    .batch_begin = pg_batch_begin,
    .batch_cancel = pg_batch_cancel,
    .batch_put = pg_batch_put,
    .batch_del = pg_batch_del,
    .batch_write = pg_batch_write,
    .batch_find = pg_batch_find,
};

// What is known of the beginning: everything up to here has happened unseen.
static int
read_known(struct pg *pg, char *problem, size_t problem_size)
{
    struct pg_conn *c = &pg->writing.conn;
    struct pg_query q = {.statement = PG_HEAD};
    int code = pg_connect(c);
    if (code == OK)
        code = pg_round(c, &q, 1);
    if (code != OK) {
        snprintf(problem, problem_size, "%s",
                 code != E_EXISTS ? "cannot read the tables in the database of --store"
                 : c->right == PG_ALONE
                     ? "a c10m uses the database of --store, which must have none meanwhile"
                     : "the database of --store is being checked by c10m fsck");
        return code;
    }
    pg->writing.known = pg_int_at(&pg->lib, q.result, 0, 0);
    pg_results_clear(&pg->lib, &q, 1);
    return OK;
}

static int
open_pg(struct pg *pg, char *problem, size_t problem_size)
{
    struct pg_conn first;
    pg_conn_init(&first, pg);
    TRY(pg_schema_prepare(&first, problem, problem_size));
    TRY(read_known(pg, problem, problem_size));
    snprintf(problem, problem_size, "cannot start the threads of a postgresql: store");
    TRY(pg_reading_start(pg));
    int code = pg_keeping_start(pg);
    if (code != OK)
        pg_reading_stop(pg);
    return code;
}

void
pg_conn_init(struct pg_conn *c, const struct pg *pg)
{
    *c = (struct pg_conn){.lib = &pg->lib, .runtime = pg->runtime, .log = pg->log, .url = pg->url};
}

int
pg_open(const char *url, const struct kv_options *options, struct backend **out, char *problem,
        size_t problem_size)
{
    struct pg_lib lib;
    TRY(pg_lib_load(&lib, problem, problem_size));
    struct pg *pg = calloc(1, sizeof *pg);
    CHECK(pg != NULL);
    *pg = (struct pg){.backend.ops = &pg_ops,
                      .runtime = options->runtime,
                      .log = options->log,
                      .lib = lib,
                      .url = strdup(url)};
    CHECK(pg->url != NULL);
    random_bytes(pg->runtime, pg->writer, sizeof pg->writer);
    pg_writing_init(pg, options->is_alone);
    int code = open_pg(pg, problem, problem_size);
    if (code != OK) {
        pg_free(pg);
        return code;
    }
    *out = &pg->backend;
    return OK;
}

// Every key of one snapshot, through a connection of its own.
struct source {
    struct pg *pg;
    struct pg_conn conn;
    struct arena arena;
    struct pg_request chunk;
    size_t next;
};

static int
begin_snapshot(struct source *s, uint64_t *version)
{
    struct pg_query q[] = {{.statement = PG_BEGIN_SNAPSHOT}, {.statement = PG_HEAD}};
    TRY(pg_connect(&s->conn));
    TRY(pg_round(&s->conn, q, COUNT_OF(q)));
    s->chunk.version = *version = pg_int_at(&s->pg->lib, q[1].result, 0, 0);
    pg_results_clear(&s->pg->lib, q, COUNT_OF(q));
    return OK;
}

static int
read_rows(struct source *s)
{
    struct pg_request *r = &s->chunk;
    struct arena arena;
    arena_init(&arena);
    struct str from = r->row_count == 0 ? STR("") : key_after(&arena, r->last_key);
    // Longer than any key, of the greatest bytes.
    char *end = arena_alloc_bytes(&arena, PG_KEY_BYTES_MAX + 1);
    memset(end, 0xff, PG_KEY_BYTES_MAX + 1);
    struct pg_query q = {PG_ROWS,
                         {from,
                          {end, PG_KEY_BYTES_MAX + 1},
                          pg_int(&arena, r->version),
                          pg_int(&arena, BACKUP_ROWS)},
                         4,
                         NULL};
    int code = pg_round(&s->conn, &q, 1);
    arena_reset(&s->arena);
    if (code == OK)
        pg_take_rows(&s->pg->lib, q.result, r);
    pg_results_clear(&s->pg->lib, &q, 1);
    arena_fini(&arena);
    s->next = 0;
    return code;
}

static int
source_next(void *arg, struct arena *arena, struct str *key, struct str *value)
{
    struct source *s = arg;
    bool is_first = s->chunk.arena == NULL;
    s->chunk.arena = &s->arena;
    while (s->next == s->chunk.entry_count) {
        if (!is_first && s->chunk.row_count < BACKUP_ROWS)
            return E_NOT_FOUND;
        TRY(read_rows(s));
        is_first = false;
    }
    const struct pg_entry *e = &s->chunk.entries[s->next++];
    *key = e->key;
    *value = e->value;
    return OK;
}

int
pg_backup(struct backend *b, const char *dir, uint64_t *version_base, char *problem,
          size_t problem_size)
{
    struct source s = {.pg = pg_of(b)};
    pg_conn_init(&s.conn, s.pg);
    arena_init(&s.arena);
    int code = begin_snapshot(&s, version_base);
    if (code != OK)
        snprintf(problem, problem_size, "cannot read the database for a backup");
    else
        code = backup_copy(dir, source_next, &s, problem, problem_size);
    pg_disconnect(&s.conn);
    arena_fini(&s.arena);
    return code;
}
