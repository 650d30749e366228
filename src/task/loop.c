// One event loop: events, posts, timers and fibers, in turns.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/plant.h"
#include "src/task/runtime_state.h"

enum { EVENTS_PER_TURN_MAX = 256, NS_PER_MS = 1000000, WAIT_MS_MAX = 60 * 60 * 1000 };

// The one thing that a thread knows without being told; set once by loop_run. Contexts stay on
// their thread, so its address may be kept over a switch.
static _Thread_local struct loop *current_loop;

static void
inbox_init(struct inbox *inbox)
{
    pthread_mutex_init(&inbox->mutex, NULL);
    STAILQ_INIT(&inbox->posts);
    STAILQ_INIT(&inbox->woken);
    inbox->is_loop_asleep = false;
    atomic_init(&inbox->has_mail, false);
}

static void
inbox_fini(struct inbox *inbox)
{
    CHECK(STAILQ_EMPTY(&inbox->woken));
    for (struct post *post; (post = STAILQ_FIRST(&inbox->posts));) {
        STAILQ_REMOVE_HEAD(&inbox->posts, link);
        free(post);
    }
    pthread_mutex_destroy(&inbox->mutex);
}

void
inbox_deliver(struct loop *loop)
{
    struct inbox *inbox = &loop->inbox;
    bool is_asleep = inbox->is_loop_asleep;
    inbox->is_loop_asleep = false;
    atomic_store_explicit(&inbox->has_mail, true, memory_order_relaxed);
    pthread_mutex_unlock(&inbox->mutex);
    uint64_t one = 1;
    if (is_asleep)
        CHECK(write(loop->wake_up.fd, &one, sizeof(one)) == sizeof(one));
}

// False when there is mail. After true, who brings mail writes to the eventfd.
static bool
inbox_begin_sleep(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    bool has_woken = !STAILQ_EMPTY(&inbox->woken) && !PLANT(LOST_WAKEUP);
    bool is_empty = STAILQ_EMPTY(&inbox->posts) && !has_woken;
    inbox->is_loop_asleep = is_empty;
    pthread_mutex_unlock(&inbox->mutex);
    return is_empty;
}

static void
inbox_end_sleep(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->is_loop_asleep = false;
    pthread_mutex_unlock(&inbox->mutex);
}

static void
posts_run(struct post_queue *posts)
{
    for (struct post *post; (post = STAILQ_FIRST(posts));) {
        STAILQ_REMOVE_HEAD(posts, link);
        post->fn(post->arg);
        free(post);
    }
}

static void
inbox_open(struct loop *loop)
{
    struct inbox *inbox = &loop->inbox;
    if (!atomic_load_explicit(&inbox->has_mail, memory_order_relaxed))
        return; // mail that is not seen yet is found before the loop sleeps
    struct post_queue posts = STAILQ_HEAD_INITIALIZER(posts);
    pthread_mutex_lock(&inbox->mutex);
    STAILQ_CONCAT(&loop->ready, &inbox->woken);
    STAILQ_CONCAT(&posts, &inbox->posts);
    atomic_store_explicit(&inbox->has_mail, false, memory_order_relaxed);
    pthread_mutex_unlock(&inbox->mutex);
    posts_run(&posts);
}

// The eventfd is edge-triggered and never read: each write to it is an event of its own.
static void
wake_up_on_events(struct source *s, unsigned events)
{
}

int
source_add(struct loop *loop, struct source *s, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, s->fd, &event) == 0 ? OK : E_IO;
}

void
source_change(struct loop *loop, struct source *s, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    CHECK(epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &event) == 0);
}

void
source_queue(struct loop *loop, struct source *s)
{
    if (s->is_queued || s->fd < 0)
        return;
    s->is_queued = true;
    TAILQ_INSERT_TAIL(&loop->queued, s, link);
}

void
source_forget(struct loop *loop, struct source *s)
{
    CHECK(s->fd >= 0);
    if (s->is_queued)
        TAILQ_REMOVE(&loop->queued, s, link);
    s->is_queued = false;
    // Closing alone is not enough: a child between fork and exec still holds the open file, and
    // with it the registration of memory that is about to be freed.
    CHECK(epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL) == 0);
    s->fd = -1;
    TAILQ_INSERT_TAIL(&loop->deleted, s, link);
}

void
source_del(struct loop *loop, struct source *s)
{
    int fd = s->fd;
    source_forget(loop, s);
    close(fd);
}

// What is queued meanwhile, even by itself, has its turn after the next poll.
static void
queued_run(struct loop *loop)
{
    struct source end = {.fd = -1};
    TAILQ_INSERT_TAIL(&loop->queued, &end, link);
    for (struct source *s; (s = TAILQ_FIRST(&loop->queued)) != &end;) {
        TAILQ_REMOVE(&loop->queued, s, link);
        s->is_queued = false;
        s->on_events(s, 0);
    }
    TAILQ_REMOVE(&loop->queued, &end, link);
}

static void
deleted_reap(struct loop *loop)
{
    for (struct source *s; (s = TAILQ_FIRST(&loop->deleted));) {
        TAILQ_REMOVE(&loop->deleted, s, link);
        s->on_deleted(s);
    }
}

static int
loop_wait_ms(const struct loop *loop)
{
    if (!STAILQ_EMPTY(&loop->ready) || !STAILQ_EMPTY(&loop->deferred) ||
        !TAILQ_EMPTY(&loop->queued))
        return 0;
    int64_t next_ns = timers_next(loop);
    if (next_ns == DEADLINE_NEVER)
        return -1;
    int64_t left_ns = next_ns - clock_mono_ns(loop->rt);
    if (left_ns <= 0)
        return 0;
    int64_t ms = left_ns / NS_PER_MS + 1; // never early, or the loop would spin until it is due
    return ms < WAIT_MS_MAX ? (int)ms : WAIT_MS_MAX;
}

static void
loop_poll(struct loop *loop)
{
    struct epoll_event events[EVENTS_PER_TURN_MAX];
    int wait_ms = loop_wait_ms(loop);
    bool does_sleep = wait_ms != 0 && inbox_begin_sleep(&loop->inbox);
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN_MAX, does_sleep ? wait_ms : 0);
    CHECK(n >= 0 || errno == EINTR);
    if (does_sleep)
        inbox_end_sleep(&loop->inbox);
    for (int i = 0; i < n; i++) {
        struct source *s = events[i].data.ptr;
        if (s->fd >= 0) // deleted by an earlier one of this batch
            s->on_events(s, events[i].events);
    }
}

static void
loop_note_drained(struct loop *loop)
{
    bool is_drained = TAILQ_EMPTY(&loop->fibers);
    if (!loop->is_stopping || is_drained == loop->is_drained)
        return;
    loop->is_drained = is_drained;
    runtime_note_drained(loop->rt, is_drained);
}

static void
loop_turn(struct loop *loop)
{
    // Between the batches nothing names what was deleted.
    deleted_reap(loop);
    loop_poll(loop);
    loop->turn_began_ns = clock_mono_ns(loop->rt);
    if (!TAILQ_EMPTY(&loop->queued))
        queued_run(loop);
    inbox_open(loop);
    if (loop->timer_count > 0)
        timers_fire(loop, clock_mono_ns(loop->rt));
    fibers_run(loop);
    loop_note_drained(loop);
    uint64_t turns = atomic_load_explicit(&loop->turns, memory_order_relaxed);
    atomic_store_explicit(&loop->turns, turns + 1, memory_order_relaxed);
}

void *
loop_run(void *arg)
{
    struct loop *loop = arg;
    current_loop = loop;
    context_init_thread(&loop->context);
    while (!loop->is_ending || !TAILQ_EMPTY(&loop->fibers))
        loop_turn(loop);
    deleted_reap(loop);
    current_loop = NULL;
    return NULL;
}

static int
loop_open(struct loop *loop)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return E_IO;
    loop->wake_up.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_up.fd < 0)
        return E_IO;
    return source_add(loop, &loop->wake_up, EPOLLIN | EPOLLET);
}

int
loop_new(struct runtime *rt, int index, struct loop **out)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    CHECK(loop);
    loop->rt = rt;
    loop->index = index;
    loop->epoll_fd = -1;
    loop->wake_up = (struct source){.fd = -1, .on_events = wake_up_on_events};
    inbox_init(&loop->inbox);
    TAILQ_INIT(&loop->queued);
    TAILQ_INIT(&loop->deleted);
    STAILQ_INIT(&loop->ready);
    STAILQ_INIT(&loop->deferred);
    TAILQ_INIT(&loop->fibers);
    TAILQ_INIT(&loop->fibers_free);
    stack_pool_init(&loop->stacks);
    if (loop_open(loop) != OK) {
        loop_free(loop);
        return E_IO;
    }
    *out = loop;
    return OK;
}

void
loop_free(struct loop *loop)
{
    fibers_fini(loop);
    stack_pool_fini(&loop->stacks);
    inbox_fini(&loop->inbox);
    if (loop->wake_up.fd >= 0)
        close(loop->wake_up.fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    free(loop->timers);
    explicit_bzero(&loop->random, sizeof(loop->random));
    free(loop);
}

struct loop *
loop_current(void)
{
    return current_loop;
}

struct runtime *
loop_runtime(struct loop *loop)
{
    return loop->rt;
}

int
loop_index(const struct loop *loop)
{
    return loop->index;
}

void
loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct post *post = malloc(sizeof(*post));
    CHECK(post);
    post->fn = fn;
    post->arg = arg;
    pthread_mutex_lock(&loop->inbox.mutex);
    STAILQ_INSERT_TAIL(&loop->inbox.posts, post, link);
    inbox_deliver(loop);
}
