// Fibers that outlive the requests that start them.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/background.h"

#include <pthread.h>
#include <stdlib.h>

#include "src/task/timer.h"

enum { START_AGAIN_MS = 50 };

struct background {
    struct runtime *runtime;
    struct lot *lot;
    pthread_mutex_t lock;
    bool is_stopping;
    size_t live; // started or to be started, and not ended
    unsigned started;
};

struct job {
    struct background *background;
    struct loop *loop;
    const char *name;
    background_fn *fn;
    void *arg;
    struct timer again;
};

// One queue each for those who wait for work and for the one who waits for their end.
static const struct str work_key = {"work", 4};
static const struct str end_key = {"end", 3};

static size_t
live_count(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    size_t live = b->live;
    pthread_mutex_unlock(&b->lock);
    return live;
}

// Who waits for the end sees it only after the unlock, and then frees b.
static void
job_end(struct job *job)
{
    struct background *b = job->background;
    free(job);
    pthread_mutex_lock(&b->lock);
    b->live--;
    lot_wake(b->lot, end_key, SIZE_MAX);
    pthread_mutex_unlock(&b->lock);
}

static void
job_main(void *arg)
{
    struct job *job = arg;
    if (!background_is_stopping(job->background))
        job->fn(job->background, job->arg);
    job_end(job);
}

static void
job_start(void *arg)
{
    struct job *job = arg;
    if (fiber_start(job->loop, job->name, job_main, job, NULL) == OK)
        return;
    timer_init(&job->again, job->loop, job_start, job);
    timer_arm(&job->again, deadline_in_ms(job->background->runtime, START_AGAIN_MS));
}

struct background *
background_new(struct runtime *rt)
{
    struct background *b = calloc(1, sizeof(*b));
    CHECK(b);
    b->runtime = rt;
    b->lot = lot_new();
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

static int
end_wait(void *arg)
{
    struct background *b = arg;
    while (live_count(b) > 0) {
        struct lot_ticket ticket;
        lot_enter(b->lot, end_key, &ticket);
        int code = live_count(b) > 0 ? lot_wait(&ticket, DEADLINE_NEVER) : OK;
        lot_leave(&ticket, true);
        TRY(code);
    }
    return OK;
}

void
background_free(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    b->is_stopping = true;
    pthread_mutex_unlock(&b->lock);
    background_wake(b);
    int code;
    do
        code = runtime_call(b->runtime, end_wait, b);
    while (code == E_LIMIT); // the loop is full of fibers, which end too
    CHECK(code == OK);
    pthread_mutex_destroy(&b->lock);
    lot_free(b->lot);
    free(b);
}

void
background_start(struct background *b, const char *name, background_fn *fn, void *arg)
{
    struct job *job = calloc(1, sizeof(*job));
    CHECK(job);
    pthread_mutex_lock(&b->lock);
    b->live++;
    unsigned loop = b->started++ % (unsigned)runtime_loop_count(b->runtime);
    pthread_mutex_unlock(&b->lock);
    *job = (struct job){
        .background = b,
        .loop = runtime_loop(b->runtime, (int)loop),
        .name = name,
        .fn = fn,
        .arg = arg,
    };
    loop_post(job->loop, job_start, job);
}

bool
background_is_stopping(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    bool is_stopping = b->is_stopping;
    pthread_mutex_unlock(&b->lock);
    return is_stopping;
}

void
background_enter(struct background *b, struct lot_ticket *ticket)
{
    lot_enter(b->lot, work_key, ticket);
}

int
background_wait(struct background *b, struct lot_ticket *ticket, int64_t deadline_ns)
{
    int code = background_is_stopping(b) ? E_CANCELLED : lot_wait(ticket, deadline_ns);
    lot_leave(ticket, true);
    return background_is_stopping(b) ? E_CANCELLED : code;
}

void
background_wake(struct background *b)
{
    lot_wake(b->lot, work_key, SIZE_MAX);
}

int64_t
background_rested_ns(struct background *b, int64_t began_ns)
{
    int64_t now_ns = clock_mono_ns(b->runtime);
    int64_t rest_ns = (now_ns - began_ns) * BACKGROUND_REST;
    int64_t rest_ns_max = BACKGROUND_REST_MS_MAX * 1000000LL;
    return now_ns + (rest_ns < rest_ns_max ? rest_ns : rest_ns_max);
}
