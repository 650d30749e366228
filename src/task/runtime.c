// Starting and ending the loops and the pool of one c10m.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/runtime.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/task/runtime_state.h"
#include "src/task/thread.h"

// Cancelled fibers that have not ended by then never will.
enum { DRAIN_S_MAX = 10 };

static int
core_count(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
        return 1;
    int count = CPU_COUNT(&cores);
    return count < RUNTIME_LOOPS_MAX ? count : RUNTIME_LOOPS_MAX;
}

static int
loops_start(struct runtime *rt, int count)
{
    for (int i = 0; i < count; i++) {
        struct loop *loop;
        TRY(loop_new(rt, i, &loop));
        char name[32];
        snprintf(name, sizeof(name), "c10m-loop-%d", i);
        // Known before it runs, so that its first post finds its neighbours.
        rt->loops[i] = loop;
        if (thread_start(&loop->thread, name, loop_run, loop) != OK) {
            loop_free(loop);
            return E_IO;
        }
        rt->loop_count++;
    }
    return OK;
}

static void
loop_stop(void *arg)
{
    struct loop *loop = arg;
    loop->is_stopping = true;
    fibers_cancel(loop);
}

static void
loop_end(void *arg)
{
    struct loop *loop = arg;
    loop->is_ending = true;
}

static void
post_to_all(struct runtime *rt, void (*fn)(void *loop))
{
    for (int i = 0; i < rt->loop_count; i++)
        loop_post(rt->loops[i], fn, rt->loops[i]);
}

// Names for the bug report; the loops still run, so this is a look through a keyhole.
_Noreturn static void
die_of_fibers(struct runtime *rt)
{
    for (int i = 0; i < rt->loop_count; i++) {
        struct fiber *f = TAILQ_FIRST(&rt->loops[i]->fibers);
        for (; f; f = TAILQ_NEXT(f, link))
            fprintf(stderr, "fiber \"%s\" of loop %d did not end when cancelled\n", f->name, i);
    }
    check_failed("fibers end when cancelled", __FILE__, __LINE__);
}

static void
await_drained(struct runtime *rt)
{
    struct timespec until;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += DRAIN_S_MAX;
    int error = 0;
    pthread_mutex_lock(&rt->mutex);
    while (rt->loops_drained < rt->loop_count && error == 0)
        error = pthread_cond_clockwait(&rt->loop_changed, &rt->mutex, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&rt->mutex);
    if (error != 0)
        die_of_fibers(rt);
}

void
runtime_note_drained(struct runtime *rt, bool is_drained)
{
    pthread_mutex_lock(&rt->mutex);
    rt->loops_drained += is_drained ? 1 : -1;
    pthread_cond_signal(&rt->loop_changed);
    pthread_mutex_unlock(&rt->mutex);
}

int
runtime_new(const struct runtime_options *options, struct runtime **out)
{
    CHECK(options->loops >= 0 && options->loops <= RUNTIME_LOOPS_MAX);
    CHECK(options->pool_threads >= 0);
    struct runtime *rt = calloc(1, sizeof(*rt));
    CHECK(rt);
    rt->fibers_max = options->fibers_max ? options->fibers_max : RUNTIME_FIBERS_DEFAULT;
    pthread_mutex_init(&rt->mutex, NULL);
    pthread_cond_init(&rt->loop_changed, NULL);
    size_t pool_threads =
        options->pool_threads ? (size_t)options->pool_threads : RUNTIME_POOL_DEFAULT;
    pool_init(&rt->pool, pool_threads);
    if (loops_start(rt, options->loops ? options->loops : core_count()) != OK) {
        int error = errno;
        runtime_free(rt);
        errno = error;
        return E_IO;
    }
    *out = rt;
    return OK;
}

void
runtime_free(struct runtime *rt)
{
    if (!rt)
        return;
    CHECK(!loop_current());
    post_to_all(rt, loop_stop);
    await_drained(rt);
    post_to_all(rt, loop_end);
    for (int i = 0; i < rt->loop_count; i++)
        pthread_join(rt->loops[i]->thread, NULL);
    // Only now is nobody left who wakes a fiber.
    pool_fini(&rt->pool);
    for (int i = 0; i < rt->loop_count; i++)
        loop_free(rt->loops[i]);
    pthread_cond_destroy(&rt->loop_changed);
    pthread_mutex_destroy(&rt->mutex);
    free(rt);
}

int
runtime_loop_count(const struct runtime *rt)
{
    return rt->loop_count;
}

struct loop *
runtime_loop(struct runtime *rt, int index)
{
    CHECK(index >= 0 && index < rt->loop_count);
    return rt->loops[index];
}

struct outside_call {
    struct loop *loop;
    int (*fn)(void *arg);
    void *arg;
    int result;
    sem_t done;
};

static void
outside_call_main(void *arg)
{
    struct outside_call *c = arg;
    c->result = c->fn(c->arg);
    sem_post(&c->done);
}

static void
outside_call_start(void *arg)
{
    struct outside_call *c = arg;
    c->result = fiber_start(c->loop, "runtime_call", outside_call_main, c, NULL);
    if (c->result != OK)
        sem_post(&c->done);
}

int
runtime_call(struct runtime *rt, int (*fn)(void *arg), void *arg)
{
    CHECK(!loop_current());
    struct outside_call c = {.loop = rt->loops[0], .fn = fn, .arg = arg};
    sem_init(&c.done, 0, 0);
    loop_post(c.loop, outside_call_start, &c);
    while (sem_wait(&c.done) != 0)
        CHECK(errno == EINTR);
    sem_destroy(&c.done);
    return c.result;
}
