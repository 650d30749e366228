// Commits and reads of the store, and of what it is measured beside:
//     store commits|log|optimistic|reads DIR SECONDS WRITERS
// prints {"operations": N, "seconds": S, "cpu_us": C}.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/store/txn.h"

enum {
    KEY_BYTES = 32,
    VALUE_BYTES = 100,
    KEYS = 1 << 20,
    READ_KEYS = 20000,
    LOAD_KEYS = 500, // in a transaction
    WRITERS_MAX = 1024,
    CACHE_BYTES = 64 * 1024 * 1024,
    LOG_BYTES_FIRST = 1 << 20,
};

struct bench {
    struct runtime *runtime;
    struct kv *kv;
    const char *dir;
    int64_t end_ns;
    int writers;
    kv_body_fn *body;
    rocksdb_optimistictransactiondb_t *peer;
    _Atomic uint64_t operations;
    pthread_mutex_t mutex; // over `running`
    pthread_cond_t ended;
    int running;
};

struct writer {
    struct bench *bench;
    uint64_t random;
    unsigned key;
};

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// With a beginning in common, as the keys of one account's queue have.
static struct str
key_of(unsigned i, char out[KEY_BYTES])
{
    int len = snprintf(out, KEY_BYTES, "service/account/%08x", i);
    return (struct str){out, (size_t)len};
}

static const char value_bytes[VALUE_BYTES] = "a value";

static int
put_body(struct kv_txn *txn, void *arg)
{
    const struct writer *w = arg;
    char key[KEY_BYTES];
    return kv_set(txn, key_of(w->key, key), (struct str){value_bytes, sizeof value_bytes});
}

static int
read_body(struct kv_txn *txn, void *arg)
{
    const struct writer *w = arg;
    char key[KEY_BYTES];
    struct str value;
    TRY(kv_get(txn, key_of(w->key % READ_KEYS, key), KV_SERIALIZABLE, &value));
    CHECK(value.len == VALUE_BYTES);
    return OK;
}

static void
report_end(struct bench *b)
{
    pthread_mutex_lock(&b->mutex);
    b->running--;
    pthread_cond_signal(&b->ended);
    pthread_mutex_unlock(&b->mutex);
}

static void
run_writer(void *arg)
{
    struct writer *w = arg;
    struct bench *b = w->bench;
    struct arena arena;
    arena_init(&arena);
    while (clock_mono_ns(b->runtime) < b->end_ns) {
        w->key = next_random(&w->random) % KEYS;
        CHECK(kv_run(b->kv, &arena, b->body, w) == OK);
        arena_reset(&arena);
        atomic_fetch_add_explicit(&b->operations, 1, memory_order_relaxed);
    }
    arena_fini(&arena);
    report_end(b);
}

static void
start_writer(void *arg)
{
    CHECK(fiber_start(loop_current(), "writer", run_writer, arg, NULL) == OK);
}

static void *
run_peer_writer(void *arg)
{
    struct writer *w = arg;
    struct bench *b = w->bench;
    rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(options, 1);
    rocksdb_optimistictransaction_options_t *txn_options =
        rocksdb_optimistictransaction_options_create();
    rocksdb_transaction_t *txn = NULL;
    while (clock_mono_ns(b->runtime) < b->end_ns) {
        char bytes[KEY_BYTES], *error = NULL;
        struct str key = key_of(next_random(&w->random) % KEYS, bytes);
        txn = rocksdb_optimistictransaction_begin(b->peer, options, txn_options, txn);
        rocksdb_transaction_put(txn, key.ptr, key.len, value_bytes, sizeof value_bytes, &error);
        if (error == NULL)
            rocksdb_transaction_commit(txn, &error);
        atomic_fetch_add_explicit(&b->operations, error == NULL, memory_order_relaxed);
        rocksdb_free(error); // a conflict counts for nothing
    }
    rocksdb_transaction_destroy(txn);
    rocksdb_optimistictransaction_options_destroy(txn_options);
    rocksdb_writeoptions_destroy(options);
    report_end(b);
    return NULL;
}

// A back end that can only write: each batch is one append and one fdatasync of its bytes.
struct log_file {
    struct backend backend;
    int fd;
    char *bytes;
    size_t len, size;
};

static uint64_t
log_version(struct backend *b)
{
    return 0;
}

static bool
log_has_room(struct backend *b, size_t bytes, bool is_growth)
{
    return true;
}

static void
log_add(struct log_file *l, struct str s)
{
    if (l->len + sizeof s.len + s.len > l->size) {
        l->size = 2 * (l->size + s.len) + LOG_BYTES_FIRST;
        l->bytes = realloc(l->bytes, l->size);
        CHECK(l->bytes != NULL);
    }
    memcpy(l->bytes + l->len, &s.len, sizeof s.len);
    memcpy(l->bytes + l->len + sizeof s.len, s.ptr, s.len);
    l->len += sizeof s.len + s.len;
}

static void
log_batch_put(struct backend *b, struct str key, struct str value)
{
    log_add((struct log_file *)b, key);
    log_add((struct log_file *)b, value);
}

static int
log_batch_write(struct backend *b, uint64_t version)
{
    struct log_file *l = (struct log_file *)b;
    CHECK(write(l->fd, l->bytes, l->len) == (ssize_t)l->len && fdatasync(l->fd) == 0);
    l->len = 0;
    return OK;
}

static void
log_close(struct backend *b)
{
    struct log_file *l = (struct log_file *)b;
    close(l->fd);
    free(l->bytes);
    free(l);
}

static const struct backend_ops log_ops = {
    .key_bytes_max = KV_KEY_BYTES_MAX,
    .close = log_close,
    .version = log_version,
    .has_room = log_has_room,
    .batch_put = log_batch_put,
    .batch_write = log_batch_write,
};

static int
open_log(struct bench *b)
{
    char path[4096];
    struct log_file *l = calloc(1, sizeof *l);
    CHECK(l != NULL);
    snprintf(path, sizeof path, "%s.log", b->dir);
    l->backend.ops = &log_ops;
    l->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    CHECK(l->fd >= 0);
    b->kv = kv_new(&l->backend, &(struct kv_options){.runtime = b->runtime});
    return OK;
}

static int
load_body(struct kv_txn *txn, void *arg)
{
    unsigned first = *(unsigned *)arg;
    for (unsigned i = first; i < first + LOAD_KEYS; i++) {
        char key[KEY_BYTES];
        TRY(kv_set(txn, key_of(i, key), (struct str){value_bytes, sizeof value_bytes}));
    }
    return OK;
}

static int
open_rocks(void *arg)
{
    struct bench *b = arg;
    char url[4096], problem[512] = "";
    static const struct log log = {.fd = STDERR_FILENO, .level_min = LOG_WARN};
    snprintf(url, sizeof url, "rocks:%s", b->dir);
    const struct kv_options options = {
        .runtime = b->runtime, .log = &log, .cache_bytes = CACHE_BYTES};
    CHECK(kv_open(url, &options, &b->kv, problem, sizeof problem) == OK);
    struct arena arena;
    arena_init(&arena);
    for (unsigned i = 0; b->body == read_body && i < READ_KEYS; i += LOAD_KEYS) {
        CHECK(kv_run(b->kv, &arena, load_body, &i) == OK);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return OK;
}

static void
open_peer(struct bench *b)
{
    char *error = NULL;
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    b->peer = rocksdb_optimistictransactiondb_open(options, b->dir, &error);
    CHECK(error == NULL);
    rocksdb_options_destroy(options);
}

static int64_t
cpu_us(void)
{
    struct rusage u;
    CHECK(getrusage(RUSAGE_SELF, &u) == 0);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void
start_all(struct bench *b, struct writer *writers, pthread_t *threads)
{
    b->running = b->writers;
    for (int i = 0; i < b->writers; i++) {
        writers[i] = (struct writer){b, 0x9e3779b97f4a7c15 * (uint64_t)(i + 1), 0};
        if (b->peer == NULL)
            loop_post(runtime_loop(b->runtime, 0), start_writer, &writers[i]);
        else
            CHECK(pthread_create(&threads[i], NULL, run_peer_writer, &writers[i]) == 0);
    }
}

static void
measure(struct bench *b, double seconds)
{
    struct writer *writers = calloc((size_t)b->writers, sizeof *writers);
    pthread_t *threads = calloc((size_t)b->writers, sizeof *threads);
    CHECK(writers != NULL && threads != NULL);
    int64_t began_ns = clock_mono_ns(b->runtime), began_cpu_us = cpu_us();
    b->end_ns = began_ns + (int64_t)(seconds * 1e9);
    start_all(b, writers, threads);
    pthread_mutex_lock(&b->mutex);
    while (b->running > 0)
        pthread_cond_wait(&b->ended, &b->mutex);
    pthread_mutex_unlock(&b->mutex);
    double took = (double)(clock_mono_ns(b->runtime) - began_ns) / 1e9;
    printf("{\"operations\": %llu, \"seconds\": %.3f, \"cpu_us\": %lld}\n",
           (unsigned long long)b->operations, took, (long long)(cpu_us() - began_cpu_us));
    for (int i = 0; b->peer != NULL && i < b->writers; i++)
        pthread_join(threads[i], NULL);
    free(writers);
    free(threads);
}

static int
close_kv(void *arg)
{
    struct bench *b = arg;
    kv_close(b->kv);
    return OK;
}

int
main(int argc, char **argv)
{
    int64_t writers;
    if (argc != 5 || str_to_int64(str_of(argv[4]), &writers) != OK || writers < 1 ||
        writers > WRITERS_MAX)
        return 2;
    struct str mode = str_of(argv[1]);
    struct bench b = {.dir = argv[2],
                      .writers = (int)writers,
                      .body = put_body,
                      .mutex = PTHREAD_MUTEX_INITIALIZER,
                      .ended = PTHREAD_COND_INITIALIZER};
    CHECK(runtime_new(&(struct runtime_options){.loops = 1}, &b.runtime) == OK);
    if (str_eq(mode, STR("reads")))
        b.body = read_body;
    if (str_eq(mode, STR("optimistic")))
        open_peer(&b);
    else if (str_eq(mode, STR("log")))
        CHECK(open_log(&b) == OK);
    else
        CHECK(runtime_call(b.runtime, open_rocks, &b) == OK);
    measure(&b, strtod(argv[3], NULL));
    if (b.peer != NULL)
        rocksdb_optimistictransactiondb_close(b.peer);
    else
        CHECK(runtime_call(b.runtime, close_kv, &b) == OK);
    runtime_free(b.runtime);
    return 0;
}
