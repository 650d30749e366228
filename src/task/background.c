// Fibers that outlive the requests that start them.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/background.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "src/task/timer.h"

enum { START_AGAIN_MS = 50 };

TAILQ_HEAD(job_list, background_job);

struct background {
    struct runtime *runtime;
    struct lot *lot;
    pthread_mutex_t lock; // of all below, and of the jobs' progress
    bool is_stopping;
    struct job_list jobs; // started or to be started, and not ended
    unsigned started;
    uint64_t round; // of background_settle
    uint64_t worked_round;
};

struct background_job {
    TAILQ_ENTRY(background_job) link;
    struct background *background;
    struct loop *loop;
    const char *name;
    background_fn *fn;
    void *arg;
    struct timer again;
    uint64_t entered_round; // it looks, or has looked, for what there was in this round
    uint64_t looked_round;
    bool stands_apart; // background_settle does not ask it
};

// Queues of the lot beside those of the jobs' names, which do not begin with a space.
static const struct str progress_key = {" progress", 9};

// Who waits for the end sees it only after the unlock, and then frees b.
static void
job_end(struct background_job *job)
{
    struct background *b = job->background;
    pthread_mutex_lock(&b->lock);
    TAILQ_REMOVE(&b->jobs, job, link);
    lot_wake(b->lot, progress_key, SIZE_MAX);
    pthread_mutex_unlock(&b->lock);
    free(job);
}

static void
job_main(void *arg)
{
    struct background_job *job = arg;
    job->fn(job, job->arg);
    job_end(job);
}

static void
job_start(void *arg)
{
    struct background_job *job = arg;
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
    TAILQ_INIT(&b->jobs);
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

// Whether what the lot's progress queue waits for has come about.
typedef bool progress_fn(struct background *b);

static bool
is_so(struct background *b, progress_fn *fn)
{
    pthread_mutex_lock(&b->lock);
    bool is_so = fn(b);
    pthread_mutex_unlock(&b->lock);
    return is_so;
}

static int
progress_wait(struct background *b, progress_fn *fn, int64_t deadline_ns)
{
    int code = OK;
    while (code == OK && !is_so(b, fn)) {
        struct lot_ticket ticket;
        lot_enter(b->lot, progress_key, &ticket);
        code = is_so(b, fn) ? OK : lot_wait(&ticket, deadline_ns);
        lot_leave(&ticket, true);
    }
    return code;
}

static bool
is_ended(struct background *b)
{
    return TAILQ_EMPTY(&b->jobs);
}

static int
end_wait(void *arg)
{
    return progress_wait(arg, is_ended, DEADLINE_NEVER);
}

static void
wake_all(struct background *b)
{
    struct background_job *job;
    pthread_mutex_lock(&b->lock);
    TAILQ_FOREACH(job, &b->jobs, link)
    lot_wake(b->lot, str_of(job->name), SIZE_MAX);
    pthread_mutex_unlock(&b->lock);
}

void
background_stop(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    b->is_stopping = true;
    pthread_mutex_unlock(&b->lock);
    wake_all(b);
    int code;
    do
        code = runtime_call(b->runtime, end_wait, b);
    while (code == E_LIMIT); // the loop is full of fibers, which end too
    CHECK(code == OK);
}

void
background_free(struct background *b)
{
    if (b == NULL)
        return;
    CHECK(TAILQ_EMPTY(&b->jobs));
    pthread_mutex_destroy(&b->lock);
    lot_free(b->lot);
    free(b);
}

void
background_start(struct background *b, const char *name, background_fn *fn, void *arg)
{
    struct background_job *job = calloc(1, sizeof(*job));
    CHECK(job);
    *job = (struct background_job){.background = b, .name = name, .fn = fn, .arg = arg};
    pthread_mutex_lock(&b->lock);
    TAILQ_INSERT_TAIL(&b->jobs, job, link);
    unsigned loop = b->started++ % (unsigned)runtime_loop_count(b->runtime);
    job->loop = runtime_loop(b->runtime, (int)loop);
    pthread_mutex_unlock(&b->lock);
    loop_post(job->loop, job_start, job);
}

bool
background_is_stopping(const struct background_job *job)
{
    struct background *b = job->background;
    pthread_mutex_lock(&b->lock);
    bool is_stopping = b->is_stopping;
    pthread_mutex_unlock(&b->lock);
    return is_stopping;
}

void
background_enter(struct background_job *job, struct lot_ticket *ticket)
{
    struct background *b = job->background;
    lot_enter(b->lot, str_of(job->name), ticket);
    pthread_mutex_lock(&b->lock);
    job->entered_round = b->round;
    pthread_mutex_unlock(&b->lock);
}

static void
job_has_looked(struct background_job *job)
{
    struct background *b = job->background;
    pthread_mutex_lock(&b->lock);
    bool is_news = job->looked_round != job->entered_round;
    job->looked_round = job->entered_round;
    if (is_news)
        lot_wake(b->lot, progress_key, SIZE_MAX);
    pthread_mutex_unlock(&b->lock);
}

int
background_wait(struct background_job *job, struct lot_ticket *ticket, int64_t deadline_ns)
{
    job_has_looked(job);
    int code = background_is_stopping(job) ? E_CANCELLED : lot_wait(ticket, deadline_ns);
    lot_leave(ticket, true);
    return background_is_stopping(job) ? E_CANCELLED : code;
}

void
background_stand_apart(struct background_job *job)
{
    struct background *b = job->background;
    pthread_mutex_lock(&b->lock);
    job->stands_apart = true;
    lot_wake(b->lot, progress_key, SIZE_MAX);
    pthread_mutex_unlock(&b->lock);
}

void
background_worked(struct background_job *job)
{
    struct background *b = job->background;
    pthread_mutex_lock(&b->lock);
    b->worked_round = b->round;
    pthread_mutex_unlock(&b->lock);
}

void
background_wake(struct background *b, const char *name)
{
    lot_wake(b->lot, str_of(name), SIZE_MAX);
}

static bool
have_all_looked(struct background *b)
{
    struct background_job *job;
    TAILQ_FOREACH(job, &b->jobs, link)
    if (!job->stands_apart && job->looked_round < b->round)
        return false;
    return true;
}

static uint64_t
round_begin(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    uint64_t round = ++b->round;
    pthread_mutex_unlock(&b->lock);
    wake_all(b);
    return round;
}

static bool
has_worked_since(struct background *b, uint64_t round)
{
    pthread_mutex_lock(&b->lock);
    bool has_worked = b->worked_round >= round;
    pthread_mutex_unlock(&b->lock);
    return has_worked;
}

int
background_settle(struct background *b, int64_t deadline_ns)
{
    uint64_t round;
    do {
        if (clock_mono_ns(b->runtime) >= deadline_ns)
            return E_TIMEOUT;
        round = round_begin(b);
        TRY(progress_wait(b, have_all_looked, deadline_ns));
    } while (has_worked_since(b, round));
    return OK;
}

int64_t
background_rested_ns(const struct background_job *job, int64_t began_ns)
{
    int64_t now_ns = clock_mono_ns(job->background->runtime);
    int64_t rest_ns = (now_ns - began_ns) * BACKGROUND_REST;
    int64_t rest_ns_max = BACKGROUND_REST_MS_MAX * 1000000LL;
    return now_ns + (rest_ns < rest_ns_max ? rest_ns : rest_ns_max);
}
