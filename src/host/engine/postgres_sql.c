// SQL for a PostgreSQL that runs as an engine, through the socket in its folder.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/postgres_sql.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/engine/folder.h"
#include "src/store/pg_lib.h"

struct call {
    struct engine_run *run;
    const char *sql;
    struct str *out;
    int code;
};

uint16_t
postgres_port(const struct engine_run *r)
{
    return r->spec.tcp_port != 0 ? r->spec.tcp_port : POSTGRES_PORT;
}

struct str
postgres_quote(struct engine_run *r, struct str text, char quote)
{
    struct buf out;
    buf_init(&out, r->arena, text.len + 16);
    buf_put_char(&out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote)
            buf_put_char(&out, quote);
        buf_put_char(&out, text.ptr[i]);
    }
    buf_put_char(&out, quote);
    return buf_str(&out);
}

// The guest owns the folder, so what is found there might be a link to somebody else's server.
static bool
is_ours(const struct engine_run *r, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    int64_t owner = engine_owner(r);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (owner < 0 ? peer.uid == geteuid() : peer.uid == (uid_t)owner);
}

static int
result_take(struct call *c, const struct pg_lib *lib, PGresult *result)
{
    ExecStatusType status = lib->resultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        const char *text = lib->resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        return engine_fail(c->run, E_IO, "PostgreSQL: %s", text != NULL ? text : "no answer");
    }
    if (status == PGRES_TUPLES_OK && lib->ntuples(result) > 0 && !lib->getisnull(result, 0, 0))
        *c->out = arena_copy(c->run->arena, (struct str){lib->getvalue(result, 0, 0),
                                                         (size_t)lib->getlength(result, 0, 0)});
    return OK;
}

static int
ask(struct call *c, const struct pg_lib *lib, int dir_fd)
{
    static const char *const names[] = {
        "host",    "port",    "user",       "dbname",           "connect_timeout",
        "options", "sslmode", "gssencmode", "application_name", NULL};
    char host[32], port[8];
    snprintf(host, sizeof(host), "/proc/self/fd/%d", dir_fd);
    snprintf(port, sizeof(port), "%u", postgres_port(c->run));
    const char *const values[] = {
        host,
        port,
        "postgres",
        "postgres",
        "10",
        "-c statement_timeout=55s -c search_path=pg_catalog -c client_min_messages=warning",
        "disable",
        "disable",
        "c10m",
        NULL};
    PGconn *pg = lib->connectdbParams(names, values, 0);
    int code = E_AGAIN;
    if (lib->status(pg) != CONNECTION_OK)
        (void)engine_fail(c->run, E_AGAIN, "PostgreSQL takes no connections yet");
    else if (!is_ours(c->run, lib->socket(pg)))
        code = engine_fail(c->run, E_INVALID, "another process answers in PostgreSQL's place");
    else {
        PGresult *result = lib->exec(pg, c->sql);
        code = result_take(c, lib, result);
        lib->clear(result);
    }
    lib->finish(pg);
    return code;
}

static void
call_run(void *arg)
{
    struct call *c = arg;
    struct pg_lib lib;
    c->code = pg_lib_load(&lib, c->run->problem, UNIT_PROBLEM_BYTES);
    if (c->code != OK) {
        (void)engine_fail(c->run, c->code,
                          "c10m speaks to PostgreSQL by libpq: install the Debian "
                          "package libpq5");
        return;
    }
    int dir = engine_open(c->run, "run", O_PATH | O_DIRECTORY);
    c->code = dir < 0 ? E_AGAIN : ask(c, &lib, dir);
    if (dir >= 0)
        close(dir);
    pg_lib_unload(&lib);
}

int
postgres_sql(struct engine_run *r, struct str sql, struct str *out)
{
    struct call c = {.run = r, .sql = arena_copy_z(r->arena, sql), .out = out};
    *out = (struct str){0};
    pool_run(r->host->runtime, call_run, &c);
    return c.code;
}
