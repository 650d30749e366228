// The blocking pool: a few threads that may wait for the system.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/pool.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "src/task/runtime_state.h"
#include "src/task/thread.h"

// On the stack of the fiber that waits for it.
struct pool_job {
    void (*fn)(void *arg);
    void *arg;
    struct fiber *fiber;
    atomic_bool is_done;
    STAILQ_ENTRY(pool_job) link;
};

// NULL when the pool ends.
static struct pool_job *
job_take(struct pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->idle_count++;
    while (STAILQ_EMPTY(&p->jobs) && !p->is_ending)
        pthread_cond_wait(&p->has_job, &p->mutex);
    p->idle_count--;
    struct pool_job *job = STAILQ_FIRST(&p->jobs);
    if (job) {
        STAILQ_REMOVE_HEAD(&p->jobs, link);
        p->job_count--;
    }
    pthread_mutex_unlock(&p->mutex);
    return job;
}

static void *
pool_thread(void *arg)
{
    struct pool *p = arg;
    for (struct pool_job *job; (job = job_take(p));) {
        struct fiber *fiber = job->fiber;
        job->fn(job->arg);
        // Now the fiber may go on, end, and take the job with it; fiber_wake allows for that.
        atomic_store_explicit(&job->is_done, true, memory_order_release);
        fiber_wake(fiber);
    }
    return NULL;
}

static void
pool_grow(struct pool *p)
{
    pthread_t *thread = &p->threads[p->thread_count];
    if (thread_start(thread, "c10m-pool", pool_thread, p) == OK)
        p->thread_count++;
    CHECK(p->thread_count > 0);
}

static void
job_put(struct pool *p, struct pool_job *job)
{
    pthread_mutex_lock(&p->mutex);
    STAILQ_INSERT_TAIL(&p->jobs, job, link);
    p->job_count++;
    if (p->job_count > p->idle_count && p->thread_count < p->thread_max)
        pool_grow(p);
    pthread_cond_signal(&p->has_job);
    pthread_mutex_unlock(&p->mutex);
}

void
pool_init(struct pool *p, size_t thread_max)
{
    *p = (struct pool){.thread_max = thread_max};
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->has_job, NULL);
    STAILQ_INIT(&p->jobs);
    p->threads = calloc(thread_max, sizeof(*p->threads));
    CHECK(p->threads);
}

void
pool_fini(struct pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->is_ending = true;
    pthread_cond_broadcast(&p->has_job);
    pthread_mutex_unlock(&p->mutex);
    for (size_t i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    CHECK(STAILQ_EMPTY(&p->jobs));
    free(p->threads);
    pthread_cond_destroy(&p->has_job);
    pthread_mutex_destroy(&p->mutex);
}

void
pool_run(struct runtime *rt, void (*fn)(void *arg), void *arg)
{
    struct fiber *self = fiber_self();
    if (!self) {
        fn(arg);
        return;
    }
    struct pool_job job = {.fn = fn, .arg = arg, .fiber = self};
    job_put(&rt->pool, &job);
    while (!atomic_load_explicit(&job.is_done, memory_order_acquire))
        CHECK(fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE) == OK);
}
