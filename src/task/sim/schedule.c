// Simulated threads and processes, and who goes on when.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/task/sim/state.h"
#include "src/task/sim/wrap.h"

enum {
    STEP_NS_MAX = 4000, // what a step of a thread takes
    PREEMPT_ONE_IN = 24,
    TRACE_LINE_MAX = 4096 + 64,
};

struct sim *sim;

// -- randomness: xoshiro256**, seeded by splitmix64

static uint64_t
rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t
sim_random_next(struct sim_random_state *r)
{
    uint64_t *x = r->x, result = rotate(x[1] * 5, 7) * 9, t = x[1] << 17;
    x[2] ^= x[0];
    x[3] ^= x[1];
    x[1] ^= x[2];
    x[0] ^= x[3];
    x[2] ^= t;
    x[3] = rotate(x[3], 45);
    return result;
}

uint64_t
sim_random_below(struct sim_random_state *r, uint64_t n)
{
    return sim_random_next(r) % n;
}

void
sim_random_seed(struct sim_random_state *r, uint64_t seed)
{
    for (size_t i = 0; i < COUNT_OF(r->x); i++) {
        seed += 0x9e3779b97f4a7c15;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        r->x[i] = z ^ (z >> 31);
    }
}

uint64_t
sim_random(uint64_t n)
{
    return sim_random_below(&sim->fault_random, n);
}

bool
sim_chance(uint64_t n)
{
    return n > 0 && sim_random(n) == 0;
}

// -- the trace

static void
trace_bytes(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) // FNV-1a
        sim->trace_hash = (sim->trace_hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
    sim->trace_lines++;
    while (sim->trace_fd >= 0 && __real_write(sim->trace_fd, bytes, len) < 0 && errno == EINTR)
        continue;
}

void
sim_trace(const char *format, ...)
{
    char line[TRACE_LINE_MAX];
    int saved_errno = errno;
    int len = snprintf(line, sizeof(line), "%lld.%09lld ", (long long)(sim->now_ns / 1000000000),
                       (long long)(sim->now_ns % 1000000000));
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);
    va_end(args);
    CHECK(more >= 0);
    len += more;
    if ((size_t)len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    line[len++] = '\n';
    trace_bytes(line, (size_t)len);
    errno = saved_errno;
}

int64_t
sim_now_ns(void)
{
    return sim->now_ns;
}

uint64_t
sim_steps(void)
{
    return sim->steps;
}

// -- threads

bool
sim_is_inside(void)
{
    return sim && sim->running;
}

static void
leave_to_scheduler(void)
{
    struct sim_thread *self = sim->running;
    self->saved_errno = errno;
    context_switch(&self->context, &sim->context);
    errno = self->saved_errno;
}

static void
thread_main(void *arg)
{
    struct sim_thread *t = arg;
    (void)t->fn(t->arg);
    t->state = SIM_ENDED;
    context_leave(&t->context, &sim->context);
}

struct sim_thread *
sim_thread_start(struct sim_process *p, const char *name, void *(*fn)(void *arg), void *arg)
{
    unsigned id = 0;
    while (id < sim->thread_count && sim->threads[id])
        id++;
    CHECK(id < SIM_THREADS_MAX);
    struct sim_thread *t = sim_real_calloc(1, sizeof(*t));
    t->process = p;
    t->id = id + 1;
    t->fn = fn;
    t->arg = arg;
    t->stack = sim_stack_new();
    snprintf(t->name, sizeof(t->name), "%s", name);
    context_init(&t->context, t->stack, SIM_STACK_BYTES, thread_main, t);
    sim->threads[id] = t;
    if (id == sim->thread_count)
        sim->thread_count++;
    return t;
}

void
sim_thread_free(struct sim_thread *t)
{
    context_fini(&t->context);
    sim_stack_free(t->stack);
    sim->threads[t->id - 1] = NULL;
    while (sim->thread_count > 0 && !sim->threads[sim->thread_count - 1])
        sim->thread_count--;
    sim_real_free(t);
}

bool
sim_wait(const void *what, int64_t deadline_ns)
{
    struct sim_thread *self = sim->running;
    CHECK(sim->outside_depth == 0);
    self->state = SIM_WAITING;
    self->waits_for = what;
    self->deadline_ns = deadline_ns;
    self->has_timed_out = false;
    leave_to_scheduler();
    return !self->has_timed_out;
}

static void
thread_wake(struct sim_thread *t)
{
    t->state = SIM_READY;
    t->waits_for = NULL;
}

static bool
waits_for(const struct sim_thread *t, const void *what)
{
    return t && t->state == SIM_WAITING && t->waits_for == what;
}

void
sim_wake_all(const void *what)
{
    for (unsigned i = 0; i < sim->thread_count; i++)
        if (waits_for(sim->threads[i], what))
            thread_wake(sim->threads[i]);
}

void
sim_wake_one(const void *what)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sim->thread_count; i++)
        count += waits_for(sim->threads[i], what);
    if (count == 0)
        return;
    uint64_t chosen = sim_random_below(&sim->schedule_random, count);
    for (unsigned i = 0; i < sim->thread_count; i++)
        if (waits_for(sim->threads[i], what) && chosen-- == 0)
            thread_wake(sim->threads[i]);
}

void
sim_yield(void)
{
    if (sim->outside_depth == 0)
        leave_to_scheduler(); // still ready
}

void
sim_preempt(void)
{
    if (sim_random_below(&sim->schedule_random, PREEMPT_ONE_IN) == 0)
        sim_yield();
}

void
sim_sleep_ns(int64_t ns)
{
    (void)sim_wait(NULL, sim->now_ns + ns);
}

void
sim_outside_begin(void)
{
    if (sim)
        sim->outside_depth++;
}

void
sim_outside_end(void)
{
    if (sim)
        sim->outside_depth--;
}

// -- processes

static void *
process_main(void *arg)
{
    struct sim_process *p = arg;
    p->fn(p->arg);
    p->leaks = sim_memory_count(p);
    sim_process_kill(p);
    return NULL;
}

struct sim_process *
sim_process_start(const char *name, void (*fn)(void *arg), void *arg)
{
    struct sim_process *p = sim_real_calloc(1, sizeof(*p));
    p->name = name;
    p->id = ++sim->processes;
    p->fn = fn;
    p->arg = arg;
    sim_thread_start(p, "main", process_main, p);
    sim_trace("start %s/%u", p->name, p->id);
    return p;
}

// On a stack that is not its own.
static void
process_end(struct sim_process *p)
{
    sim_trace("end %s/%u", p->name, p->id);
    p->is_ended = true;
    for (struct sim_hook *h; (h = p->hooks);) {
        p->hooks = h->next;
        h->fn(h->arg);
    }
    for (unsigned i = 0; i < SIM_THREADS_MAX; i++)
        if (sim->threads[i] && sim->threads[i]->process == p)
            sim_thread_free(sim->threads[i]);
    sim_descriptors_close(p);
    (void)sim_memory_release(p);
    sim_wake_all(p);
}

void
sim_process_kill(struct sim_process *p)
{
    if (p->is_ended)
        return;
    if (p != sim_process_self()) {
        process_end(p);
        return;
    }
    sim->outside_depth = 0;
    sim->doomed = p;
    leave_to_scheduler();
    CHECK(!"a killed process went on");
}

void
sim_process_pause(struct sim_process *p, int64_t ns)
{
    if (p->is_ended)
        return;
    sim_trace("pause %s/%u ms=%lld", p->name, p->id, (long long)(ns / 1000000));
    p->paused_until_ns = sim->now_ns + ns;
}

bool
sim_process_is_alive(const struct sim_process *p)
{
    return !p->is_ended;
}

size_t
sim_process_leaks(const struct sim_process *p)
{
    return p->leaks;
}

bool
sim_process_wait(struct sim_process *p, int64_t deadline_ns)
{
    while (!p->is_ended && sim->now_ns < deadline_ns)
        (void)sim_wait(p, deadline_ns);
    return p->is_ended;
}

void
sim_process_free(struct sim_process *p)
{
    CHECK(p->is_ended);
    sim_real_free(p);
}

struct sim_process *
sim_process_self(void)
{
    return sim->running ? sim->running->process : NULL;
}

void
sim_process_on_end(struct sim_process *p, struct sim_hook *hook)
{
    hook->next = p->hooks;
    p->hooks = hook;
}

// -- the scheduler

static bool
may_run(const struct sim_thread *t)
{
    return t && t->state == SIM_READY && t->process->paused_until_ns <= sim->now_ns;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
next_event_ns(void)
{
    int64_t next = sim_network_next_ns();
    for (unsigned i = 0; i < sim->thread_count; i++) {
        const struct sim_thread *t = sim->threads[i];
        if (t && t->state == SIM_WAITING)
            next = earlier(next, t->deadline_ns);
        else if (t && t->state == SIM_READY && t->process->paused_until_ns > sim->now_ns)
            next = earlier(next, t->process->paused_until_ns);
    }
    return next;
}

static void
fire_deadlines(void)
{
    for (unsigned i = 0; i < sim->thread_count; i++) {
        struct sim_thread *t = sim->threads[i];
        if (!t || t->state != SIM_WAITING || t->deadline_ns > sim->now_ns)
            continue;
        t->has_timed_out = true;
        thread_wake(t);
    }
}

_Noreturn static void
die_of_deadlock(void)
{
    for (unsigned i = 0; i < sim->thread_count; i++) {
        const struct sim_thread *t = sim->threads[i];
        if (t)
            fprintf(stderr, "%s/%u: thread %s waits for ever\n", t->process->name, t->process->id,
                    t->name);
    }
    check_failed("some simulated thread can go on", __FILE__, __LINE__);
}

static struct sim_thread *
choose(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sim->thread_count; i++)
        count += may_run(sim->threads[i]);
    if (count == 0)
        return NULL;
    uint64_t chosen = sim_random_below(&sim->schedule_random, count);
    for (unsigned i = 0;; i++)
        if (may_run(sim->threads[i]) && chosen-- == 0)
            return sim->threads[i];
}

static void
run_thread(struct sim_thread *t)
{
    sim_trace("run %s/%u %s", t->process->name, t->process->id, t->name);
    sim->running = t;
    context_switch(&sim->context, &t->context);
    sim->running = NULL;
    if (sim->doomed) {
        process_end(sim->doomed);
        sim->doomed = NULL;
    } else if (t->state == SIM_ENDED) {
        sim_wake_all(t);
    }
}

static void
step(void)
{
    sim_network_deliver();
    fire_deadlines();
    struct sim_thread *t = choose();
    if (!t) {
        int64_t next = next_event_ns();
        if (next == INT64_MAX)
            die_of_deadlock();
        sim->now_ns = next > sim->now_ns ? next : sim->now_ns;
        return;
    }
    sim->steps++;
    run_thread(t);
    sim->now_ns += 1 + (int64_t)sim_random_below(&sim->schedule_random, STEP_NS_MAX);
}

void
sim_begin(const struct sim_options *options)
{
    CHECK(!sim);
    struct sim *s = sim_real_calloc(1, sizeof(*s));
    s->trace_fd = options->trace_fd;
    s->trace_hash = 0xcbf29ce484222325;
    s->now_ns = 1000000000; // a monotonic clock is never 0
    sim_random_seed(&s->schedule_random, options->seed);
    sim_random_seed(&s->network_random, options->seed ^ 0x6e6574);
    sim_random_seed(&s->bytes_random, options->seed ^ 0x6279746573);
    sim_random_seed(&s->fault_random, options->seed ^ 0x6661756c74);
    context_init_thread(&s->context);
    sim = s;
}

void
sim_run(void (*fn)(void *arg), void *arg)
{
    struct sim_process *p = sim_process_start("world", fn, arg);
    while (!p->is_ended)
        step();
    sim_process_free(p);
}

void
sim_end(struct sim_totals *out)
{
    for (unsigned i = 0; i < SIM_THREADS_MAX; i++) {
        struct sim_thread *t = sim->threads[i];
        if (!t)
            continue;
        struct sim_process *p = t->process;
        process_end(p);
        sim_process_free(p);
    }
    *out = (struct sim_totals){sim->now_ns, sim->steps, sim->trace_lines, sim->trace_hash};
    sim_descriptors_fini();
    sim_memory_fini();
    struct sim *s = sim;
    sim = NULL;
    sim_real_free(s);
}
