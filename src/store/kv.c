// Stores: opening, running transactions again on conflict, closing.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/kv.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/store/data_dir.h"
#include "src/store/txn.h"
#include "src/store/watches.h"

enum { BACK_OFF_NS_FIRST = 50 * 1000, BACK_OFF_DOUBLINGS_MAX = 8 };

// One kv_run.
struct run {
    struct kv *kv;
    struct arena *arena;
    kv_body_fn *body;
    void *arg;
    struct kv_stamp *stamp;
};

static struct kv_txn *
txn_begin(struct kv *kv, struct arena *arena)
{
    struct kv_txn *txn = ARENA_NEW(arena, struct kv_txn);
    txn->kv = kv;
    txn->arena = arena;
    txn->loop = live_here(&kv->live);
    txn->held = arena->held;
    txn->deadline_ns = clock_mono_ns(kv->runtime) + kv->txn_ms_max * 1000000;
    overlay_init(&txn->writes, arena);
    reads_init(&txn->reads, arena);
    return txn;
}

static void
txn_end(struct kv_txn *txn)
{
    while (txn->iters != NULL)
        kv_iter_close(txn->iters);
    txn->arena->held = txn->held;
    if (txn->snapshot != NULL) {
        txn->kv->backend->ops->snapshot_free(txn->kv->backend, txn->snapshot);
        live_read_end(txn->loop, &txn->reader);
    }
}

static void
stamp_encode(uint64_t version, struct kv_stamp *out)
{
    uint64_t bytes = htobe64(version);
    memcpy(out->bytes, &bytes, sizeof bytes);
}

// What was read is consistent already, so that only writes need the committer.
static int
txn_commit(struct kv_txn *txn, struct kv_stamp *stamp)
{
    while (txn->iters != NULL)
        kv_iter_close(txn->iters); // notes what they have seen
    if (overlay_is_empty(&txn->writes))
        return OK;
    struct commit commit = {
        .fiber = fiber_self(),
        .writes = &txn->writes,
        .reads = txn->snapshot != NULL ? &txn->reads : NULL,
        .read_version = txn->read_version,
        .deadline_ns = txn->deadline_ns,
        .is_growth = txn->writes.has_puts && !txn->makes_room,
    };
    committer_commit(txn->kv->committer, &commit);
    if (commit.code == OK)
        stamp_encode(commit.version, stamp);
    return commit.code;
}

static int
run_once(const struct run *r, bool is_committed, bool *is_conflict)
{
    struct kv_txn *txn = txn_begin(r->kv, r->arena);
    *r->stamp = (struct kv_stamp){0};
    int code = r->body(txn, r->arg);
    if (code == OK && is_committed) {
        code = txn_commit(txn, r->stamp);
        *is_conflict = code == E_CONFLICT;
        if (code == OK || code == E_UNKNOWN)
            after_commit_run(txn);
    }
    txn_end(txn);
    return code;
}

// The body's first result counts for nothing: a body that cannot bear that is impure.
static void
run_in_vain(const struct run *r, struct arena_mark mark)
{
    bool is_conflict = false;
    int code = run_once(r, false, &is_conflict);
    (void)code;
    arena_rewind(r->arena, mark);
}

static void
back_off(struct kv *kv, unsigned attempt)
{
    unsigned doublings = attempt < BACK_OFF_DOUBLINGS_MAX ? attempt : BACK_OFF_DOUBLINGS_MAX;
    uint64_t limit_ns = (uint64_t)BACK_OFF_NS_FIRST << doublings;
    int64_t until = clock_mono_ns(kv->runtime) + (int64_t)(random_u64(kv->runtime) % limit_ns);
    while (fiber_park(until, FIBER_UNCANCELLABLE) == OK)
        continue; // a wake that was meant for something else
}

static int
run(const struct run *r)
{
    struct kv *kv = r->kv;
    int64_t give_up_ns = clock_mono_ns(kv->runtime) + kv->txn_ms_max * 1000000;
    struct arena_mark mark = arena_mark(r->arena);
    if (kv->runs_twice)
        run_in_vain(r, mark);
    for (unsigned attempt = 0;; attempt++) {
        bool is_conflict = false;
        int code = run_once(r, true, &is_conflict);
        if (!is_conflict || clock_mono_ns(kv->runtime) >= give_up_ns)
            return code;
        arena_rewind(r->arena, mark);
        back_off(kv, attempt);
    }
}

// Opening and closing an engine takes files, threads and stack: it runs in the pool.
struct opening {
    const char *url;
    const struct kv_options *options;
    struct backend *backend;
    char *problem;
    size_t problem_size;
    int code;
};

static void
open_backend(void *arg)
{
    struct opening *o = arg;
    struct str url = str_of(o->url);
    if (str_eq(url, STR("mem:"))) {
        o->backend = mem_open(o->options);
    } else if (str_starts(url, STR("rocks:")) && url.len > STR("rocks:").len) {
        o->code = rocks_open(o->url + STR("rocks:").len, o->options, &o->backend, o->problem,
                             o->problem_size);
    } else if (str_starts(url, STR("postgresql:"))) {
        o->code = pg_open(o->url, o->options, &o->backend, o->problem, o->problem_size);
    } else {
        snprintf(o->problem, o->problem_size,
                 "the store must be \"rocks:DIRECTORY\", \"postgresql://...\" or \"mem:\"");
        o->code = E_INVALID;
    }
}

static void
close_all(void *arg)
{
    struct kv *kv = arg;
    live_close(&kv->live);
    committer_free(kv->committer);
    kv->backend->ops->close(kv->backend);
    watches_free(kv->watches);
    read_cache_free(kv->read_cache);
    live_fini(&kv->live);
    free(kv);
}

struct kv *
kv_new(struct backend *backend, const struct kv_options *options)
{
    struct kv *kv = calloc(1, sizeof *kv);
    CHECK(kv != NULL);
    kv->runtime = options->runtime;
    kv->backend = backend;
    kv->txn_ms_max = KV_TXN_MS_MAX;
    kv->runs_twice = options->run_twice;
    live_init(&kv->live, kv->runtime);
    kv->watches = watches_new();
    if (backend->ops->watch != NULL)
        backend->ops->watch(backend, kv->watches);
    if (backend->ops->caches_reads)
        kv->read_cache =
            read_cache_new(runtime_loop_count(kv->runtime), read_cache_bytes_of(options));
    kv->committer = committer_new(kv->runtime, backend, &kv->live, kv->watches, kv->read_cache);
    return kv;
}

int
kv_open(const char *url, const struct kv_options *options, struct kv **out, char *problem,
        size_t problem_size)
{
    struct opening o = {
        .url = url, .options = options, .problem = problem, .problem_size = problem_size};
    pool_run(options->runtime, open_backend, &o);
    TRY(o.code);
    *out = kv_new(o.backend, options);
    return OK;
}

void
kv_close(struct kv *kv)
{
    if (kv != NULL)
        pool_run(kv->runtime, close_all, kv);
}

int
kv_run(struct kv *kv, struct arena *arena, kv_body_fn *body, void *arg)
{
    struct kv_stamp stamp;
    return kv_run_stamped(kv, arena, body, arg, &stamp);
}

int
kv_run_stamped(struct kv *kv, struct arena *arena, kv_body_fn *body, void *arg,
               struct kv_stamp *out)
{
    CHECK(fiber_self() != NULL);
    struct live_loop *loop = live_here(&kv->live);
    live_enter(loop);
    struct kv_stamp stamp;
    int code = run(&(struct run){kv, arena, body, arg, &stamp});
    if (code == OK)
        *out = stamp;
    live_leave(loop);
    return code;
}

size_t
kv_key_bytes_max(const struct kv *kv)
{
    return kv->backend->ops->key_bytes_max;
}

struct backing_up {
    struct kv *kv;
    const char *dir;
    char *problem;
    size_t problem_size;
    int code;
};

static void
back_up(void *arg)
{
    struct backing_up *u = arg;
    struct backend *b = u->kv->backend;
    u->code = data_dir_backup_begin(u->dir, u->problem, u->problem_size);
    uint64_t version_base = 0;
    if (u->code == OK)
        u->code = b->ops->backup(b, u->dir, &version_base, u->problem, u->problem_size);
    if (u->code == OK)
        u->code = data_dir_backup_mark(u->dir, version_base, u->problem, u->problem_size);
}

int
kv_backup(struct kv *kv, const char *dir, char *problem, size_t problem_size)
{
    struct backing_up u = {kv, dir, problem, problem_size, OK};
    pool_run(kv->runtime, back_up, &u);
    return u.code;
}

int
kv_backup_end(const char *dir, char *problem, size_t problem_size)
{
    return data_dir_backup_end(dir, problem, problem_size);
}

void
kv_stats_get(struct kv *kv, struct kv_stats *out)
{
    committer_stats_get(kv->committer, out);
    out->cold_reads = kv->backend->ops->cold_reads(kv->backend);
}
