// One thread that commits for everybody: what waits goes to disk with one sync.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/committer.h"

#include <pthread.h>
#include <stdlib.h>

// In the order of submission.
struct commit_list {
    struct commit *first, **end;
};

// What moves between one loop and the committer, many commits at a time: those that the loop's
// fibers submit within one turn go over together, and those that are decided come back together.
struct committer_loop {
    struct committer *committer;
    struct commit_list submitted; // touched by the loop's thread alone
    struct commit_list decided;   // touched by the committer's thread alone
};

struct committer {
    struct runtime *runtime;
    struct batch *batch;
    struct committer_loop *loops;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct commit_list queue; // under the mutex, as are the next two
    bool is_asleep;
    bool is_ending;
    uint64_t accepted; // into the batch; the thread's own
    _Atomic uint64_t commits, batches, conflicts;
};

static void
list_init(struct commit_list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void
list_add(struct commit_list *l, struct commit *c)
{
    c->next = NULL;
    *l->end = c;
    l->end = &c->next;
}

static struct commit *
list_take_all(struct commit_list *l)
{
    struct commit *first = l->first;
    list_init(l);
    return first;
}

static void
list_append_all(struct commit_list *l, struct commit_list *from)
{
    *l->end = from->first;
    l->end = from->end;
    list_init(from);
}

static bool
list_is_empty(const struct commit_list *l)
{
    return l->first == NULL;
}

// Runs on the loop after the fibers of this turn.
static void
submit(void *arg)
{
    struct committer_loop *l = arg;
    struct committer *c = l->committer;
    pthread_mutex_lock(&c->mutex);
    list_append_all(&c->queue, &l->submitted);
    bool is_asleep = c->is_asleep;
    pthread_mutex_unlock(&c->mutex);
    if (is_asleep)
        pthread_cond_signal(&c->wake);
}

// Runs on the loop of these commits' fibers, so that none of them can end before its wake.
static void
finish(void *arg)
{
    for (struct commit *c = arg, *next; c != NULL; c = next) {
        next = c->next;
        c->is_done = true;
        fiber_wake(c->fiber);
    }
}

static void
count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

// Those that were to be written share the fate of their batch.
static void
tell_code(const struct commit_list *l, int code)
{
    for (struct commit *c = l->first; c != NULL; c = c->next)
        c->code = c->code == OK ? code : c->code;
}

static void
flush(struct committer *c)
{
    int code = batch_write(c->batch);
    count(&c->batches, code == OK);
    count(code == OK ? &c->commits : &c->conflicts,
          code == OK || code == E_CONFLICT ? c->accepted : 0);
    c->accepted = 0;
    for (int i = 0; i < runtime_loop_count(c->runtime); i++) {
        struct commit_list *l = &c->loops[i].decided;
        if (list_is_empty(l))
            continue;
        if (code != E_NOT_FOUND)
            tell_code(l, code);
        loop_post(runtime_loop(c->runtime, i), finish, list_take_all(l));
    }
    if (code == OK)
        batch_prune(c->batch);
}

static void
decide(struct committer *c, struct commit *commit)
{
    if (batch_add(c->batch, commit) == E_AGAIN) {
        flush(c);
        CHECK(batch_add(c->batch, commit) == OK);
    }
    c->accepted += commit->code == OK;
    if (commit->code == E_CONFLICT)
        count(&c->conflicts, 1);
    list_add(&c->loops[loop_index(fiber_loop(commit->fiber))].decided, commit);
}

// NULL: the committer ends.
static struct commit *
wait_for_commits(struct committer *c)
{
    pthread_mutex_lock(&c->mutex);
    c->is_asleep = true;
    while (list_is_empty(&c->queue) && !c->is_ending)
        pthread_cond_wait(&c->wake, &c->mutex);
    c->is_asleep = false;
    struct commit *first = list_take_all(&c->queue);
    pthread_mutex_unlock(&c->mutex);
    return first;
}

static void *
run(void *arg)
{
    struct committer *c = arg;
    for (struct commit *commit; (commit = wait_for_commits(c)) != NULL;) {
        for (struct commit *next; commit != NULL; commit = next) {
            next = commit->next;
            decide(c, commit);
        }
        flush(c);
    }
    return NULL;
}

struct committer *
committer_new(struct runtime *rt, struct backend *backend, const struct live *live,
              struct watches *watches, struct read_cache *read_cache)
{
    struct committer *c = calloc(1, sizeof *c);
    CHECK(c != NULL);
    c->runtime = rt;
    c->batch = batch_new(rt, backend, live, watches, read_cache);
    list_init(&c->queue);
    c->loops = calloc((size_t)runtime_loop_count(rt), sizeof *c->loops);
    CHECK(c->loops != NULL);
    for (int i = 0; i < runtime_loop_count(rt); i++) {
        c->loops[i].committer = c;
        list_init(&c->loops[i].submitted);
        list_init(&c->loops[i].decided);
    }
    CHECK(pthread_mutex_init(&c->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&c->wake, NULL) == 0);
    CHECK(pthread_create(&c->thread, NULL, run, c) == 0);
    (void)pthread_setname_np(c->thread, "commit");
    return c;
}

void
committer_free(struct committer *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->mutex);
    c->is_ending = true;
    pthread_mutex_unlock(&c->mutex);
    pthread_cond_signal(&c->wake);
    CHECK(pthread_join(c->thread, NULL) == 0);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mutex);
    batch_free(c->batch);
    free(c->loops);
    free(c);
}

void
committer_commit(struct committer *c, struct commit *commit)
{
    struct loop *loop = fiber_loop(commit->fiber);
    struct committer_loop *l = &c->loops[loop_index(loop)];
    if (list_is_empty(&l->submitted))
        loop_post(loop, submit, l);
    list_add(&l->submitted, commit);
    while (!commit->is_done) {
        if (fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE) != OK)
            continue; // only is_done ends it
    }
}

const _Atomic uint64_t *
committer_published(const struct committer *c)
{
    return batch_published(c->batch);
}

void
committer_stats_get(const struct committer *c, struct kv_stats *out)
{
    out->commits = atomic_load_explicit(&c->commits, memory_order_relaxed);
    out->batches = atomic_load_explicit(&c->batches, memory_order_relaxed);
    out->conflicts = atomic_load_explicit(&c->conflicts, memory_order_relaxed);
}
