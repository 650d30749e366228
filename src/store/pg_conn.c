// One connection to PostgreSQL, used by one thread at a time, in rounds of pipelined statements.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/pg_conn.h"

#include <endian.h>
#include <poll.h>
#include <stdio.h>

#include "src/store/pg_sql.h"

enum { STATEMENT_NAME_BYTES = 16, IS_BINARY = 1, NS_PER_MS = 1000000 };

static void
log_failure(const struct pg_conn *c, const char *what)
{
    char quoted[512];
    struct str text = str_trim(str_of(c->pg == NULL ? what : c->lib->errorMessage(c->pg)));
    log_event(c->log, LOG_WARN, "database_failed", "during=%s error=%s", what,
              log_quote(text, quoted, sizeof quoted));
}

static void
ignore_notice(void *arg, const char *text)
{
}

static void
print_name(enum pg_statement s, char out[STATEMENT_NAME_BYTES])
{
    snprintf(out, STATEMENT_NAME_BYTES, "s%d", (int)s);
}

// E_IO unless `result` is what was wanted.
static int
take_result(const struct pg_lib *lib, PGresult *result, ExecStatusType wanted)
{
    bool is_wanted = lib->resultStatus(result) == wanted;
    lib->clear(result);
    return is_wanted ? OK : E_IO;
}

static int
take_right(const struct pg_conn *c)
{
    if (c->right == PG_READS)
        return OK;
    PGresult *result = c->lib->exec(c->pg, pg_sql_right[c->right]);
    int code = c->lib->resultStatus(result) != PGRES_TUPLES_OK    ? E_IO
               : strcmp(c->lib->getvalue(result, 0, 0), "t") == 0 ? OK
                                                                  : E_EXISTS;
    c->lib->clear(result);
    return code;
}

static int
prepare_all(const struct pg_conn *c)
{
    char name[STATEMENT_NAME_BYTES];
    TRY(take_result(c->lib, c->lib->exec(c->pg, pg_sql_session), PGRES_TUPLES_OK));
    for (int i = 0; i < PG_STATEMENTS; i++) {
        print_name((enum pg_statement)i, name);
        PGresult *result = c->lib->prepare(c->pg, name, pg_sql[i], 0, NULL);
        TRY(take_result(c->lib, result, PGRES_COMMAND_OK));
    }
    bool is_ready = c->lib->setnonblocking(c->pg, 1) == 0 && c->lib->enterPipelineMode(c->pg) == 1;
    return is_ready ? OK : E_IO;
}

static int
open_connection(struct pg_conn *c)
{
    // What the URL says wins over what stands before it.
    static const char *const NAMES[] = {"connect_timeout", "fallback_application_name",
                                        "tcp_user_timeout", "dbname", NULL};
    const char *values[] = {"5", "c10m", "10000", c->url, NULL};
    c->pg = c->lib->connectdbParams(NAMES, values, 1);
    if (c->pg == NULL || c->lib->status(c->pg) != CONNECTION_OK)
        return E_IO;
    c->lib->setNoticeProcessor(c->pg, ignore_notice, NULL);
    return OK;
}

int
pg_connect(struct pg_conn *c)
{
    if (c->pg != NULL)
        return OK;
    int code = open_connection(c);
    if (code == OK)
        code = take_right(c);
    if (code == OK)
        code = prepare_all(c);
    if (code != OK) {
        if (code != E_EXISTS)
            log_failure(c, "connect");
        pg_disconnect(c);
    }
    return code;
}

void
pg_disconnect(struct pg_conn *c)
{
    if (c->pg != NULL)
        c->lib->finish(c->pg);
    c->pg = NULL;
}

static int
wait_for(const struct pg_conn *c, short events, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_mono_ns(c->runtime);
    struct pollfd fd = {.fd = c->lib->socket(c->pg), .events = events};
    if (left_ns <= 0 || poll(&fd, 1, (int)(left_ns / NS_PER_MS) + 1) < 0)
        return E_IO;
    return (fd.revents & POLLIN) == 0 || c->lib->consumeInput(c->pg) == 1 ? OK : E_IO;
}

static int
flush(const struct pg_conn *c, int64_t deadline_ns)
{
    for (;;) {
        int left = c->lib->flush(c->pg);
        if (left <= 0)
            return left == 0 ? OK : E_IO;
        TRY(wait_for(c, POLLIN | POLLOUT, deadline_ns));
    }
}

static int
send_query(const struct pg_conn *c, const struct pg_query *q)
{
    static const int BINARY[PG_PARAMS_MAX] = {IS_BINARY, IS_BINARY, IS_BINARY, IS_BINARY};
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    char name[STATEMENT_NAME_BYTES];
    for (int i = 0; i < q->param_count; i++) {
        values[i] = q->params[i].ptr;
        lengths[i] = (int)q->params[i].len;
    }
    print_name(q->statement, name);
    int is_sent =
        c->lib->sendQueryPrepared(c->pg, name, q->param_count, values, lengths, BINARY, IS_BINARY);
    return is_sent == 1 ? OK : E_IO;
}

static int
next_result(const struct pg_conn *c, int64_t deadline_ns, PGresult **out)
{
    while (c->lib->isBusy(c->pg))
        TRY(wait_for(c, POLLIN, deadline_ns));
    *out = c->lib->getResult(c->pg);
    return OK;
}

// Whether the database itself said no, and lives: after anything else the round may have happened.
static int
take_refusal(struct pg_conn *c, const PGresult *result)
{
    const char *state = c->lib->resultErrorField(result, PG_DIAG_SQLSTATE);
    // 57: it shuts down, or ends our session; 08: the connection.
    c->was_refused = state != NULL && strncmp(state, "57", 2) != 0 && strncmp(state, "08", 2) != 0;
    return c->was_refused && strcmp(state, "53100") == 0 ? E_FULL : E_IO;
}

static int
receive(struct pg_conn *c, struct pg_query *q, int64_t deadline_ns)
{
    PGresult *end = NULL;
    TRY(next_result(c, deadline_ns, &q->result));
    if (q->result == NULL)
        return E_IO;
    ExecStatusType status = c->lib->resultStatus(q->result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return take_refusal(c, q->result);
    TRY(next_result(c, deadline_ns, &end));
    if (end == NULL)
        return OK;
    c->lib->clear(end);
    return E_IO;
}

static int
receive_sync(const struct pg_conn *c, int64_t deadline_ns)
{
    PGresult *sync = NULL;
    TRY(next_result(c, deadline_ns, &sync));
    return sync == NULL ? E_IO : take_result(c->lib, sync, PGRES_PIPELINE_SYNC);
}

static int
run_round(struct pg_conn *c, struct pg_query *queries, size_t n)
{
    int64_t deadline_ns = deadline_in_ms(c->runtime, PG_ROUND_MS_MAX);
    for (size_t i = 0; i < n; i++)
        TRY(send_query(c, &queries[i]));
    if (c->lib->pipelineSync(c->pg) != 1)
        return E_IO;
    TRY(flush(c, deadline_ns));
    for (size_t i = 0; i < n; i++)
        TRY(receive(c, &queries[i], deadline_ns));
    return receive_sync(c, deadline_ns);
}

int
pg_round(struct pg_conn *c, struct pg_query *queries, size_t n)
{
    c->was_refused = false;
    if (c->pg == NULL)
        return E_IO;
    int code = run_round(c, queries, n);
    if (code == OK)
        return OK;
    log_failure(c, "round");
    pg_results_clear(c->lib, queries, n);
    pg_disconnect(c);
    return code;
}

void
pg_results_clear(const struct pg_lib *lib, struct pg_query *queries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (queries[i].result != NULL)
            lib->clear(queries[i].result);
        queries[i].result = NULL;
    }
}

void
pg_wait(const struct pg_conn *c, int wake_fd, int ms)
{
    struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (c->pg != NULL)
        fds[1].fd = c->lib->socket(c->pg);
    poll(fds, COUNT_OF(fds), ms);
}

void
pg_pause(int ms)
{
    poll(NULL, 0, ms);
}

struct str
pg_int(struct arena *arena, uint64_t value)
{
    uint64_t bytes = htobe64(value);
    return arena_copy(arena, (struct str){(char *)&bytes, sizeof bytes});
}

static char *
put_int32(char *to, int32_t value)
{
    uint32_t bytes = htobe32((uint32_t)value);
    memcpy(to, &bytes, sizeof bytes);
    return to + sizeof bytes;
}

// As PostgreSQL sends arrays: dimensions, whether there are NULLs, type, length, first index; then
// each item behind its length, -1 for NULL.
struct str
pg_bytes_array(struct arena *arena, const struct str *items, size_t n)
{
    enum { BYTEA_OID = 17, HEAD_BYTES = 20, LENGTH_BYTES = 4 };
    size_t size = HEAD_BYTES;
    for (size_t i = 0; i < n; i++)
        size += LENGTH_BYTES + items[i].len;
    char *bytes = arena_alloc_bytes(arena, size), *to = bytes;
    to = put_int32(to, 1);
    to = put_int32(to, 1);
    to = put_int32(to, BYTEA_OID);
    to = put_int32(to, (int32_t)n);
    to = put_int32(to, 1);
    for (size_t i = 0; i < n; i++) {
        to = put_int32(to, str_is_present(items[i]) ? (int32_t)items[i].len : -1);
        if (items[i].len > 0)
            memcpy(to, items[i].ptr, items[i].len);
        to += items[i].len;
    }
    return (struct str){bytes, size};
}

uint64_t
pg_int_at(const struct pg_lib *lib, const PGresult *result, int row, int column)
{
    uint64_t bytes;
    CHECK(lib->getlength(result, row, column) == sizeof bytes);
    memcpy(&bytes, lib->getvalue(result, row, column), sizeof bytes);
    return be64toh(bytes);
}

struct str
pg_bytes_at(const struct pg_lib *lib, const PGresult *result, int row, int column)
{
    if (lib->getisnull(result, row, column))
        return (struct str){0};
    return (struct str){lib->getvalue(result, row, column),
                        (size_t)lib->getlength(result, row, column)};
}
