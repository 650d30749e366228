// Backups: data directories that RocksDB opens, whatever the back end was.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/backup.h"

#include <limits.h>
#include <stdio.h>

enum { BATCH_BYTES = 1024 * 1024, FLUSH_AT_LOG_BYTES = 0 };

struct copy {
    rocksdb_t *db;
    rocksdb_writeoptions_t *options;
    rocksdb_writebatch_t *batch;
    backup_next_fn *next;
    void *arg;
};

static int
fail(char *error, const char *dir, char *problem, size_t problem_size)
{
    if (error == NULL)
        return OK;
    snprintf(problem, problem_size, "cannot write a backup to %s: %s", dir, error);
    rocksdb_free(error);
    return E_IO;
}

static bool
print_store_path(const char *dir, char out[PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/store", dir) < PATH_MAX;
}

static char *
write_batch(const struct copy *c)
{
    char *error = NULL;
    rocksdb_write(c->db, c->options, c->batch, &error);
    rocksdb_writebatch_clear(c->batch);
    return error;
}

static int
copy_all(const struct copy *c, char **error)
{
    struct arena arena;
    struct str key, value;
    size_t bytes = 0;
    int code;
    arena_init(&arena);
    while (*error == NULL && (code = c->next(c->arg, &arena, &key, &value)) == OK) {
        rocksdb_writebatch_put(c->batch, key.ptr, key.len, value.ptr, value.len);
        bytes += key.len + value.len;
        if (bytes >= BATCH_BYTES) {
            *error = write_batch(c);
            bytes = 0;
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    if (*error == NULL)
        *error = write_batch(c);
    return *error != NULL || code == E_NOT_FOUND ? OK : code;
}

// Tables are synced when they are whole; there is no log.
static char *
flush(rocksdb_t *db)
{
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(db, options, &error);
    rocksdb_flushoptions_destroy(options);
    return error;
}

static int
copy_to(rocksdb_t *db, backup_next_fn *next, void *arg, char **error)
{
    struct copy c = {.db = db, .next = next, .arg = arg};
    c.options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(c.options, 1);
    c.batch = rocksdb_writebatch_create();
    int code = copy_all(&c, error);
    rocksdb_writebatch_destroy(c.batch);
    rocksdb_writeoptions_destroy(c.options);
    if (code == OK && *error == NULL)
        *error = flush(db);
    return code;
}

int
rocks_checkpoint(rocksdb_t *db, const char *dir, char *problem, size_t problem_size)
{
    char path[PATH_MAX], *error = NULL;
    CHECK(print_store_path(dir, path));
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(db, &error);
    TRY(fail(error, dir, problem, problem_size));
    rocksdb_checkpoint_create(checkpoint, path, FLUSH_AT_LOG_BYTES, &error);
    rocksdb_checkpoint_object_destroy(checkpoint);
    return fail(error, dir, problem, problem_size);
}

int
backup_copy(const char *dir, backup_next_fn *next, void *arg, char *problem, size_t problem_size)
{
    char path[PATH_MAX], *error = NULL;
    CHECK(print_store_path(dir, path));
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_keep_log_file_num(options, 1);
    rocksdb_t *db = rocksdb_open(options, path, &error);
    int code = db == NULL ? OK : copy_to(db, next, arg, &error);
    if (db != NULL)
        rocksdb_close(db);
    rocksdb_options_destroy(options);
    TRY(fail(error, dir, problem, problem_size));
    if (code != OK)
        snprintf(problem, problem_size, "cannot read what is to be backed up: %s", code_name(code));
    return code;
}
