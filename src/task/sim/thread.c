// Threads, locks and clocks of the simulated machine.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "src/task/sim/state.h"
#include "src/task/sim/wrap.h"

enum { NS_PER_S = 1000000000, SPURIOUS_ONE_IN = 64 };
static const int64_t wall_at_zero_s = 1767225600; // 2026-01-01

// -- the loop of a thread

void *
__wrap_loop_run(void *loop)
{
    if (sim_is_inside())
        sim->running->loop = loop;
    return __real_loop_run(loop);
}

struct loop *
__wrap_loop_current(void)
{
    return sim_is_inside() ? sim->running->loop : __real_loop_current();
}

// -- threads

int
__wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*fn)(void *),
                      void *arg)
{
    if (!sim_is_inside())
        return __real_pthread_create(out, attributes, fn, arg);
    *out = sim_thread_start(sim_process_self(), "thread", fn, arg)->id;
    sim_preempt();
    return 0;
}

int
__wrap_pthread_join(pthread_t thread, void **out)
{
    if (!sim_is_inside())
        return __real_pthread_join(thread, out);
    struct sim_thread *t = sim->threads[thread - 1];
    while (t->state != SIM_ENDED)
        (void)sim_wait(t, INT64_MAX);
    sim_thread_free(t);
    return 0;
}

int
__wrap_pthread_setname_np(pthread_t thread, const char *name)
{
    if (!sim_is_inside())
        return __real_pthread_setname_np(thread, name);
    struct sim_thread *t = sim->threads[thread - 1];
    snprintf(t->name, sizeof(t->name), "%.15s", name);
    return 0;
}

int
__wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return sim_is_inside() ? 0 : __real_pthread_sigmask(how, set, old);
}

// -- locks. Their memory is ours as long as they live within the simulation.

struct lock {
    struct sim_thread *owner;
};
_Static_assert(sizeof(struct lock) <= sizeof(pthread_mutex_t), "it fits");

int
__wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes)
{
    if (!sim)
        return __real_pthread_mutex_init(m, attributes);
    ((struct lock *)m)->owner = NULL;
    return 0;
}

int
__wrap_pthread_mutex_destroy(pthread_mutex_t *m)
{
    if (!sim)
        return __real_pthread_mutex_destroy(m);
    CHECK(!((struct lock *)m)->owner);
    return 0;
}

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
    if (!sim)
        return __real_pthread_mutex_lock(m);
    struct lock *l = (struct lock *)m;
    if (!sim->running) {
        CHECK(!l->owner);
        return 0; // the scheduler, in a hook
    }
    sim_preempt();
    CHECK(l->owner != sim->running);
    while (l->owner)
        (void)sim_wait(m, INT64_MAX);
    l->owner = sim->running;
    return 0;
}

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
    if (!sim)
        return __real_pthread_mutex_unlock(m);
    struct lock *l = (struct lock *)m;
    CHECK(l->owner == sim->running);
    l->owner = NULL;
    if (sim->running)
        sim_wake_one(m);
    return 0;
}

int
__wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attributes)
{
    return sim ? 0 : __real_pthread_cond_init(c, attributes);
}

int
__wrap_pthread_cond_destroy(pthread_cond_t *c)
{
    return sim ? 0 : __real_pthread_cond_destroy(c);
}

static bool
cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t until_ns)
{
    ((struct lock *)m)->owner = NULL;
    sim_wake_one(m);
    bool is_woken = true;
    if (sim_random_below(&sim->schedule_random, SPURIOUS_ONE_IN) == 0)
        sim_yield(); // POSIX allows it
    else
        is_woken = sim_wait(c, until_ns);
    (void)__wrap_pthread_mutex_lock(m);
    return is_woken;
}

int
__wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    if (!sim_is_inside())
        return __real_pthread_cond_wait(c, m);
    (void)cond_wait(c, m, INT64_MAX);
    return 0;
}

int
__wrap_pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                              const struct timespec *until)
{
    if (!sim_is_inside())
        return __real_pthread_cond_clockwait(c, m, clock, until);
    CHECK(clock == CLOCK_MONOTONIC);
    int64_t until_ns = (int64_t)until->tv_sec * NS_PER_S + until->tv_nsec;
    return cond_wait(c, m, until_ns) ? 0 : ETIMEDOUT;
}

int
__wrap_pthread_cond_signal(pthread_cond_t *c)
{
    if (!sim_is_inside())
        return __real_pthread_cond_signal(c);
    sim_wake_one(c);
    sim_preempt();
    return 0;
}

int
__wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
    if (!sim_is_inside())
        return __real_pthread_cond_broadcast(c);
    sim_wake_all(c);
    sim_preempt();
    return 0;
}

struct semaphore {
    unsigned value;
};
_Static_assert(sizeof(struct semaphore) <= sizeof(sem_t), "it fits");

int
__wrap_sem_init(sem_t *s, int is_shared, unsigned value)
{
    if (!sim)
        return __real_sem_init(s, is_shared, value);
    ((struct semaphore *)s)->value = value;
    return 0;
}

int
__wrap_sem_destroy(sem_t *s)
{
    return sim ? 0 : __real_sem_destroy(s);
}

int
__wrap_sem_wait(sem_t *s)
{
    if (!sim_is_inside())
        return __real_sem_wait(s);
    struct semaphore *own = (struct semaphore *)s;
    while (own->value == 0)
        (void)sim_wait(s, INT64_MAX);
    own->value--;
    return 0;
}

// The last touch: whoever waits may free it at once.
int
__wrap_sem_post(sem_t *s)
{
    if (!sim_is_inside())
        return __real_sem_post(s);
    ((struct semaphore *)s)->value++;
    sim_wake_one(s);
    sim_preempt();
    return 0;
}

// -- clocks and random bytes

int
__wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    if (!sim)
        return __real_clock_gettime(clock, out);
    bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    out->tv_sec = (is_wall ? wall_at_zero_s : 0) + sim->now_ns / NS_PER_S;
    out->tv_nsec = sim->now_ns % NS_PER_S;
    return 0;
}

int
__wrap_nanosleep(const struct timespec *pause, struct timespec *left)
{
    if (!sim_is_inside())
        return __real_nanosleep(pause, left);
    sim_sleep_ns((int64_t)pause->tv_sec * NS_PER_S + pause->tv_nsec);
    return 0;
}

ssize_t
__wrap_getrandom(void *out, size_t size, unsigned flags)
{
    if (!sim)
        return __real_getrandom(out, size, flags);
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)out)[i] = (unsigned char)(sim_random_next(&sim->bytes_random) >> 24);
    return (ssize_t)size;
}
