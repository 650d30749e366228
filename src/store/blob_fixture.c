// What the tests of blobs share.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_fixture.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/encoding.h"
#include "src/store/tuple.h"

enum { PIECE_BYTES_MAX = 70000, READ_BYTES_MAX = 100000 };

struct call {
    struct blob_fixture *g;
    void (*fn)(struct blob_fixture *g);
};

struct step {
    struct blob_fixture *g;
    const struct blob_new *blob;
    const struct blob_id *id;
    size_t count;
};

static int
open_call(void *arg)
{
    struct blob_fixture *g = arg;
    char problem[512] = "", path[2 * FIXTURE_PATH_MAX];
    snprintf(path, sizeof path, "%s/root.key", g->store.dir);
    struct seal_options key = {
        .runtime = g->store.runtime, .kv = g->store.kv, .path = path, .is_made = true};
    int code = seal_open(&key, &g->seal, problem, sizeof problem);
    g->options.kv = g->store.kv;
    g->options.seal = g->seal;
    if (code == OK)
        code = blobs_open(&g->options, &g->blobs, problem, sizeof problem);
    if (code != OK)
        print_error("%s\n", problem);
    return code;
}

static void
open_all(struct blob_fixture *g)
{
    char problem[512] = "";
    int code = kv_open(g->store.url, &g->store.options, &g->store.kv, problem, sizeof problem);
    if (code != OK)
        print_error("%s\n", problem);
    CHECK(code == OK);
    CHECK(runtime_call(g->store.runtime, open_call, g) == OK);
}

static void
close_all(struct blob_fixture *g)
{
    blobs_close(g->blobs);
    seal_free(g->seal);
    kv_close(g->store.kv);
}

struct blob_fixture *
blob_fixture_open(const char *kind, const char *dir, struct blob_hook hook)
{
    struct blob_fixture *g = calloc(1, sizeof *g);
    CHECK(g != NULL);
    struct fixture *f = &g->store;
    f->log = (struct log){.fd = STDERR_FILENO, .level_min = LOG_DEBUG};
    f->is_durable = strcmp(kind, "rocks:") == 0;
    CHECK((size_t)snprintf(f->dir, sizeof f->dir, "%s", dir) < sizeof f->dir);
    snprintf(f->url, sizeof f->url, "%.8s%.200s", kind, f->is_durable ? dir : "");
    snprintf(g->dir, sizeof g->dir, "%s/blobs", dir);
    CHECK(runtime_new(&(struct runtime_options){.loops = FIXTURE_LOOPS}, &f->runtime) == OK);
    // Runs bodies twice, to find impure ones.
    f->options = (struct kv_options){.runtime = f->runtime, .log = &f->log, .run_twice = true};
    g->quiet = (struct log){.fd = STDERR_FILENO, .level_min = LOG_ERROR + 1};
    g->options = (struct blobs_options){.runtime = f->runtime,
                                        .log = &g->quiet,
                                        .dir = f->is_durable ? g->dir : NULL,
                                        .hook = hook};
    open_all(g);
    g->reference = malloc(REFERENCE_BYTES);
    CHECK(g->reference != NULL);
    uint64_t seed = 1;
    for (size_t i = 0; i < REFERENCE_BYTES; i++)
        g->reference[i] = (char)next_random(&seed);
    return g;
}

void
blob_fixture_close(struct blob_fixture *g)
{
    close_all(g);
    runtime_free(g->store.runtime);
    free(g->reference);
    free(g);
}

void
blob_fixture_reopen(struct blob_fixture *g)
{
    close_all(g);
    open_all(g);
}

int
blob_fixture_setup(void **state)
{
    char dir[FIXTURE_PATH_MAX];
    const char *parent = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/c10m-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(dir));
    *state = blob_fixture_open(*state, dir, (struct blob_hook){0});
    return 0;
}

int
blob_fixture_teardown(void **state)
{
    struct blob_fixture *g = *state;
    char dir[FIXTURE_PATH_MAX];
    memcpy(dir, g->store.dir, sizeof dir);
    blob_fixture_close(g);
    dir_remove(dir);
    return 0;
}

static int
call_fn(void *arg)
{
    struct call *c = arg;
    c->fn(c->g);
    return OK;
}

void
blob_in_fiber(struct blob_fixture *g, void (*fn)(struct blob_fixture *g))
{
    assert_int_equal(runtime_call(g->store.runtime, call_fn, &(struct call){g, fn}), OK);
}

struct str
reference(const struct blob_fixture *g, size_t len)
{
    CHECK(len <= REFERENCE_BYTES);
    return (struct str){g->reference, len};
}

struct blob_new *
put_blob(struct blob_fixture *g, struct arena *arena, struct str data)
{
    struct blob_new *blob = ARENA_NEW(arena, struct blob_new);
    struct blob_put *p;
    uint64_t seed = data.len + 1;
    CHECK(blob_put_begin(g->blobs, &p) == OK);
    for (struct str rest = data; rest.len > 0;) {
        size_t len = next_random(&seed) % PIECE_BYTES_MAX + 1;
        CHECK(blob_put_write(p, str_slice(rest, 0, len)) == OK);
        rest = str_slice(rest, len, rest.len);
    }
    CHECK(blob_put_commit(p, arena, blob) == OK);
    CHECK(blob->size == data.len);
    return blob;
}

static int
link_body(struct kv_txn *txn, void *arg)
{
    const struct step *s = arg;
    return blob_link(s->g->blobs, txn, s->blob);
}

static int
link_again_body(struct kv_txn *txn, void *arg)
{
    const struct step *s = arg;
    return blob_link_again(s->g->blobs, txn, s->id);
}

static int
unlink_body(struct kv_txn *txn, void *arg)
{
    const struct step *s = arg;
    return blob_unlink(s->g->blobs, txn, s->id);
}

int
link_blob(struct blob_fixture *g, const struct blob_new *blob)
{
    return run_txn(&g->store, link_body, &(struct step){.g = g, .blob = blob});
}

int
link_blob_again(struct blob_fixture *g, const struct blob_id *id)
{
    return run_txn(&g->store, link_again_body, &(struct step){.g = g, .id = id});
}

int
unlink_blob(struct blob_fixture *g, const struct blob_id *id)
{
    return run_txn(&g->store, unlink_body, &(struct step){.g = g, .id = id});
}

struct blob_id
make_blob(struct blob_fixture *g, struct str data)
{
    struct arena arena;
    arena_init(&arena);
    struct blob_new *blob = put_blob(g, &arena, data);
    struct blob_id id = blob->id;
    CHECK(link_blob(g, blob) == OK);
    arena_fini(&arena);
    return id;
}

static int
compare_contents(struct blob_reader *r, struct str data)
{
    static const size_t SIZES[] = {1, BLOB_CHUNK_DATA_BYTES, 10007, BLOB_STREAM_DATA_BYTES,
                                   READ_BYTES_MAX};
    char *out = malloc(READ_BYTES_MAX);
    CHECK(out != NULL);
    int code = blob_size(r) == data.len ? OK : E_CONFLICT;
    size_t at = 0;
    for (size_t i = 0; code == OK; i++) {
        size_t len = SIZES[i % COUNT_OF(SIZES)], got = 0;
        code = blob_read_at(r, at, out, len, &got);
        if (code == OK && !str_eq(str_slice(data, at, at + len), (struct str){out, got}))
            code = E_CONFLICT;
        at += got;
        if (got < len)
            break;
    }
    free(out);
    return code == OK && at != data.len ? E_CONFLICT : code;
}

int
compare_blob(struct blob_fixture *g, const struct blob_id *id, struct str data)
{
    struct blob_reader *r;
    TRY(blob_open(g->blobs, id, &r));
    int code = compare_contents(r, data);
    blob_close(r);
    return code;
}

size_t
collect_all(struct blob_fixture *g)
{
    size_t all = 0, count = BLOB_COLLECT_MAX;
    for (; count == BLOB_COLLECT_MAX; all += count)
        CHECK(blob_collect(g->blobs, INT64_MAX, BLOB_COLLECT_MAX, &count) == OK);
    return all;
}

size_t
count_files(const struct blob_fixture *g)
{
    char *const paths[] = {(char *)g->dir, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL, NULL);
    CHECK(tree != NULL);
    size_t count = 0;
    for (const FTSENT *e; (e = fts_read(tree)) != NULL;)
        count += e->fts_info == FTS_F;
    fts_close(tree);
    return count;
}

static int
count_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct tuple t;
    struct kv_range range = {0};
    struct kv_iter *it;
    struct str key, value;
    int code;
    tuple_init(&t, kv_txn_arena(txn));
    tuple_add_str(&t, STR("blob"));
    tuple_range(&t, kv_txn_arena(txn), &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    for (s->count = 0; (code = kv_iter_next(it, &key, &value)) == OK; s->count++)
        continue;
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

size_t
count_records(struct blob_fixture *g)
{
    struct step s = {.g = g};
    CHECK(run_txn(&g->store, count_body, &s) == OK);
    return s.count;
}

void
blob_path(const struct blob_fixture *g, const struct blob_id *id, char *out, size_t size)
{
    char text[2 * BLOB_ID_BYTES];
    hex_encode(id->bytes, BLOB_ID_BYTES, text);
    CHECK((size_t)snprintf(out, size, "%s/%.2s/%.*s", g->dir, text, (int)sizeof text, text) < size);
}
