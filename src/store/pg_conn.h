// One connection to PostgreSQL, used by one thread at a time, in rounds of pipelined statements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"
#include "src/base/log.h"
#include "src/store/pg_lib.h"
#include "src/task/runtime.h"

enum pg_statement {
    PG_BEGIN,
    PG_BEGIN_SNAPSHOT,
    PG_COMMIT,
    PG_ROLLBACK,
    PG_HEAD,
    PG_LOCK_HEAD,
    PG_CHANGES,
    PG_FLOOR,
    PG_GET_MANY,
    PG_ROWS,
    PG_ROWS_REVERSE,
    PG_PUT,
    PG_SET_HEAD,
    PG_SET_WRITER,
    PG_WRITER_BATCH,
    PG_NOTIFY,
    PG_LISTEN,
    PG_SET_FLOOR,
    PG_PRUNED,
    PG_PRUNE,
    PG_SET_PRUNED,
    PG_STATEMENTS,
};

enum { PG_PARAMS_MAX = 4, PG_ROUND_MS_MAX = 15 * 1000, PG_INT_BYTES = 8 };

// What a session holds as long as it lives. Whoever writes has PG_SHARED, or PG_ALONE.
enum pg_right { PG_READS, PG_SHARED, PG_ALONE };

struct pg_conn {
    const struct pg_lib *lib;
    struct runtime *runtime;
    const struct log *log;
    const char *url;
    enum pg_right right;
    PGconn *pg; // NULL: none
    // Of the last round that failed: the database refused it, so that nothing of it happened.
    bool was_refused;
};

// A statement with its binary parameters; absent ones are NULL.
struct pg_query {
    enum pg_statement statement;
    struct str params[PG_PARAMS_MAX];
    int param_count;
    PGresult *result; // afterwards, the caller's to clear by pg_results_clear
};

// Opens the connection unless it is open. Blocks. E_EXISTS: others have rights that exclude this
// one's; E_IO: logged.
MUST_USE int pg_connect(struct pg_conn *c);
void pg_disconnect(struct pg_conn *c);
// Sends all at once, and waits for their results. E_FULL: the database's disk; E_IO, logged. The
// connection is gone after each of them.
MUST_USE int pg_round(struct pg_conn *c, struct pg_query *queries, size_t n);
void pg_results_clear(const struct pg_lib *lib, struct pg_query *queries, size_t n);

// Waits: until something came on the connection (which may be closed) or wake_fd, at most ms; or
// just ms. Not in fibers.
void pg_wait(const struct pg_conn *c, int wake_fd, int ms);
void pg_pause(int ms);

// Makes the tables unless they are there. E_NEWER, E_IO, E_INVALID, with a sentence.
MUST_USE int pg_schema_prepare(struct pg_conn *c, char *problem, size_t problem_size);

// Parameters, in the arena, and values of results.
struct str pg_int(struct arena *arena, uint64_t value);
struct str pg_bytes_array(struct arena *arena, const struct str *items, size_t n);
uint64_t pg_int_at(const struct pg_lib *lib, const PGresult *result, int row, int column);
// Absent when it is NULL. Lives as long as the result.
struct str pg_bytes_at(const struct pg_lib *lib, const PGresult *result, int row, int column);
