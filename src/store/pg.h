// What the parts of the PostgreSQL back end share (docs/design/0006-postgresql.md).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "src/store/backend.h"
#include "src/store/pg_conn.h"
#include "src/store/watches.h"

enum {
    PG_KEY_BYTES_MAX = 2600, // what an entry of a PostgreSQL index holds
    PG_SCHEMA = 1,           // version of the tables; an older program refuses a newer one
    PG_READERS = 2,          // threads, each with a connection
    PG_ROUND_REQUESTS_MAX = 64,
    // Versions stay readable for so long after they were replaced: longer than a transaction lives.
    PG_KEPT_MS = 15 * 1000,
    PG_WRITER_BYTES = 16,
};

enum pg_request_kind { PG_VERSION, PG_GETS, PG_RANGE };

// What a fiber asks for; it is parked until a reader has done it.
struct pg_request {
    struct pg_request *next;
    enum pg_request_kind kind;
    uint64_t version; // to read at; PG_VERSION: the newest
    struct arena *arena;
    // PG_GETS
    const struct str *keys;
    size_t n;
    struct str *out;
    // PG_RANGE: at most `limit` rows of [from, to). Deleted ones are left out of the entries, but
    // count as rows.
    struct str from, to;
    bool is_reverse;
    size_t limit, row_count, entry_count;
    struct str last_key; // of all rows
    struct pg_entry *entries;

    struct fiber *fiber;
    int code; // OK, E_TOO_OLD, E_IO
    atomic_bool is_done;
};

struct pg_entry {
    struct str key, value;
};

// The threads that read, and what they are to read.
struct pg_reading {
    pthread_mutex_t mutex;
    pthread_cond_t has_request;
    struct pg_request *first, **end;
    bool is_ending;
    pthread_t threads[PG_READERS];
    int thread_count;
    struct pg *pg;
    _Atomic uint64_t requests;
};

// The committer's part. Touched by its thread alone.
struct pg_writing {
    struct pg_conn conn;
    struct arena arena; // of the batch
    struct omap *keys;  // to struct pg_value; NULL: the batch is empty
    uint64_t known;     // everything up to here was told or written
    uint64_t batch;     // number of the batch, which is written with it
    bool was_lost;      // since the last batch_begin
};

// The thread that removes old versions, and listens to other processes.
struct pg_keeping {
    pthread_t thread;
    int wake_fd;
    atomic_bool is_ending;
    _Atomic(struct watches *) watches;
    struct pg *pg;
};

struct pg {
    struct backend backend;
    struct runtime *runtime;
    const struct log *log;
    struct pg_lib lib;
    char *url;
    char writer[PG_WRITER_BYTES]; // who we are in the table of writers
    struct pg_reading reading;
    struct pg_writing writing;
    struct pg_keeping keeping;
};

struct backend_snapshot {
    uint64_t version;
};

void pg_conn_init(struct pg_conn *c, const struct pg *pg);

// Parks the calling fiber. OK, E_TOO_OLD, E_IO.
MUST_USE int pg_read(struct pg *pg, struct pg_request *r);
MUST_USE int pg_reading_start(struct pg *pg);
void pg_reading_stop(struct pg *pg);
// From a result of the statement for ranges.
void pg_take_rows(const struct pg_lib *lib, const PGresult *result, struct pg_request *r);

struct backend_iter *pg_iter_open(struct backend *b, struct backend_snapshot *s, struct str from,
                                  struct str to, bool is_reverse, struct arena *arena);
void pg_iter_seek(struct backend_iter *it, struct str key, bool is_included);
int pg_iter_next(struct backend_iter *it, struct str *key, struct str *value);
void pg_iter_close(struct backend_iter *it);

void pg_writing_init(struct pg *pg, bool is_alone);
void pg_writing_fini(struct pg *pg);
// The newest state, on the committer's connection.
int pg_get_newest(struct pg *pg, struct str key, struct arena *arena, struct str *out);
int pg_batch_begin(struct backend *b, const struct backend_news *news, uint64_t *version);
void pg_batch_cancel(struct backend *b);
void pg_batch_put(struct backend *b, struct str key, struct str value);
void pg_batch_del(struct backend *b, struct str key);
int pg_batch_write(struct backend *b, uint64_t version);
int pg_batch_find(struct backend *b);

MUST_USE int pg_keeping_start(struct pg *pg);
void pg_keeping_stop(struct pg *pg);

int pg_backup(struct backend *b, const char *dir, uint64_t *version_base, char *problem,
              size_t problem_size);
