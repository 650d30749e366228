// The statements of the PostgreSQL back end, and its tables (docs/design/0006-postgresql.md).
// SPDX-License-Identifier: Apache-2.0
#include "src/store/pg_sql.h"

#include <stdio.h>

#include "src/store/pg.h"

// A plan that is always the same: through the index, in its order. A process that stops between the
// two rounds of a batch loses the head's lock. Acknowledged is what is on disk, whatever the role's
// default.
const char pg_sql_session[] = "SET default_transaction_isolation = 'read committed';"
                              "SET jit = off;"
                              "SET plan_cache_mode = force_generic_plan;"
                              "SET enable_seqscan = off;"
                              "SET enable_bitmapscan = off;"
                              "SET statement_timeout = '10s';"
                              "SET idle_in_transaction_session_timeout = '5s';"
                              "SELECT set_config('synchronous_commit', 'on', false)"
                              " WHERE current_setting('synchronous_commit') = 'off'";

// Any number but the one of the tables.
const char *const pg_sql_right[] = {
    [PG_SHARED] = "SELECT pg_try_advisory_lock_shared(3201097)",
    [PG_ALONE] = "SELECT pg_try_advisory_lock(3201097)",
};

const char *const pg_sql[PG_STATEMENTS] = {
    [PG_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED",
    [PG_BEGIN_SNAPSHOT] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [PG_COMMIT] = "COMMIT",
    [PG_ROLLBACK] = "ROLLBACK",
    [PG_HEAD] = "SELECT h.version, f.version FROM c10m.head h, c10m.floor f",
    [PG_LOCK_HEAD] = "SELECT version FROM c10m.head FOR UPDATE",
    [PG_CHANGES] = "SELECT key, version FROM c10m.kv"
                   " WHERE version > greatest($1::int8, (SELECT version FROM c10m.floor))"
                   " ORDER BY version",
    [PG_FLOOR] = "SELECT version FROM c10m.floor",
    [PG_GET_MANY] = "SELECT u.i, (SELECT value FROM c10m.kv k WHERE k.key = u.key"
                    "   AND k.version <= $2::int8 ORDER BY k.version DESC LIMIT 1)"
                    " FROM unnest($1::bytea[]) WITH ORDINALITY AS u(key, i)",
    [PG_ROWS] = "SELECT DISTINCT ON (key) key, value FROM c10m.kv"
                " WHERE key >= $1::bytea AND key < $2::bytea AND version <= $3::int8"
                " ORDER BY key, version DESC LIMIT $4::int8",
    [PG_ROWS_REVERSE] = "SELECT DISTINCT ON (key) key, value FROM c10m.kv"
                        " WHERE key >= $1::bytea AND key < $2::bytea AND version <= $3::int8"
                        " ORDER BY key DESC, version DESC LIMIT $4::int8",
    [PG_PUT] = "INSERT INTO c10m.kv (key, version, value)"
               " SELECT u.key, $2::int8, u.value FROM unnest($1::bytea[], $3::bytea[])"
               " AS u(key, value)",
    [PG_SET_HEAD] = "UPDATE c10m.head SET version = $1::int8",
    [PG_SET_WRITER] = "INSERT INTO c10m.writer (id, batch, at) VALUES ($1::bytea, $2::int8, now())"
                      " ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at = excluded.at",
    [PG_WRITER_BATCH] = "SELECT batch FROM c10m.writer WHERE id = $1::bytea",
    [PG_NOTIFY] = "SELECT pg_notify('c10m', '')",
    [PG_LISTEN] = "LISTEN c10m",
    [PG_SET_FLOOR] = "UPDATE c10m.floor SET version = $1::int8 WHERE version < $1::int8",
    [PG_PRUNED] = "SELECT pruned FROM c10m.floor",
    // A replaced version goes, and so does a deletion, which has nothing left to hide then.
    [PG_PRUNE] =
        "DELETE FROM c10m.kv k USING (SELECT DISTINCT key FROM c10m.kv"
        "   WHERE version > $1::int8 AND version <= $2::int8) c"
        " WHERE k.key = c.key AND k.version <= $2::int8 AND (k.value IS NULL OR k.version <"
        "   (SELECT max(n.version) FROM c10m.kv n"
        "    WHERE n.key = c.key AND n.version <= $2::int8))",
    [PG_SET_PRUNED] = "UPDATE c10m.floor SET pruned = $1::int8 WHERE pruned < $1::int8",
};

// key_version has the newest first, so that one step finds what a snapshot sees; kv_version finds
// what changed since.
static const char SCHEMA_SQL[] =
    "SET client_min_messages = error;"
    "BEGIN;"
    "SELECT pg_advisory_xact_lock(3201096);" // any number: two first starts wait for each other
    "CREATE SCHEMA IF NOT EXISTS c10m;"
    "CREATE TABLE IF NOT EXISTS c10m.meta (format int8 NOT NULL);"
    "INSERT INTO c10m.meta SELECT %d WHERE NOT EXISTS (SELECT FROM c10m.meta);"
    "CREATE TABLE IF NOT EXISTS c10m.head (version int8 NOT NULL);"
    "INSERT INTO c10m.head SELECT 0 WHERE NOT EXISTS (SELECT FROM c10m.head);"
    "CREATE TABLE IF NOT EXISTS c10m.floor (version int8 NOT NULL, pruned int8 NOT NULL);"
    "INSERT INTO c10m.floor SELECT 0, 0 WHERE NOT EXISTS (SELECT FROM c10m.floor);"
    "CREATE TABLE IF NOT EXISTS c10m.writer (id bytea PRIMARY KEY, batch int8 NOT NULL,"
    "  at timestamptz NOT NULL);"
    "CREATE TABLE IF NOT EXISTS c10m.kv (key bytea NOT NULL, version int8 NOT NULL, value bytea)"
    "  WITH (autovacuum_vacuum_scale_factor = 0.05);"
    "CREATE UNIQUE INDEX IF NOT EXISTS key_version ON c10m.kv (key, version DESC);"
    "CREATE INDEX IF NOT EXISTS kv_version ON c10m.kv (version);"
    "COMMIT";

// "*" when it cannot be asked.
static const char *
setting(const struct pg_lib *lib, const PGresult *result, int column)
{
    return lib->ntuples(result) == 1 ? lib->getvalue(result, 0, column) : "*";
}

static int
check_format(const struct pg_conn *c, char *problem, size_t problem_size)
{
    PGresult *result = c->lib->exec(
        c->pg, "SELECT format, current_setting('fsync'), current_setting('synchronous_commit')"
               " FROM c10m.meta");
    int64_t format = 0;
    int code = str_to_int64(str_of(setting(c->lib, result, 0)), &format);
    if (code == OK && strcmp(setting(c->lib, result, 1), "off") == 0)
        log_event(c->log, LOG_WARN, "database_unsafe",
                  "setting=fsync value=off means=\"what was acknowledged may be lost\"");
    c->lib->clear(result);
    if (code == OK && format <= PG_SCHEMA)
        return OK;
    snprintf(problem, problem_size,
             code != OK ? "the tables of schema c10m in the database cannot be read"
                        : "the tables in the database have format %lld, and this c10m knows %d: "
                          "use the newer c10m that made them, or another database",
             (long long)format, PG_SCHEMA);
    return code != OK ? E_INVALID : E_NEWER;
}

static int
make_tables(const struct pg_conn *c, char *problem, size_t problem_size)
{
    char sql[sizeof SCHEMA_SQL + 16];
    snprintf(sql, sizeof sql, SCHEMA_SQL, PG_SCHEMA);
    PGresult *result = c->lib->exec(c->pg, sql);
    bool is_made = c->lib->resultStatus(result) == PGRES_COMMAND_OK;
    c->lib->clear(result);
    if (is_made)
        return OK;
    snprintf(problem, problem_size, "cannot make the tables of schema c10m in the database: %s",
             c->lib->errorMessage(c->pg));
    return E_IO;
}

int
pg_schema_prepare(struct pg_conn *c, char *problem, size_t problem_size)
{
    static const char *const NAMES[] = {"connect_timeout", "fallback_application_name", "dbname",
                                        NULL};
    const char *values[] = {"5", "c10m", c->url, NULL};
    int code = E_IO;
    c->pg = c->lib->connectdbParams(NAMES, values, 1);
    if (c->pg == NULL || c->lib->status(c->pg) != CONNECTION_OK)
        snprintf(problem, problem_size, "cannot reach the database of --store: %s",
                 c->pg == NULL ? "no memory" : c->lib->errorMessage(c->pg));
    else
        code = make_tables(c, problem, problem_size);
    if (code == OK)
        code = check_format(c, problem, problem_size);
    pg_disconnect(c);
    return code;
}
