// The transactions under way, loop by loop: how many there are, and how old the oldest read is.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/live.h"

#include <stdlib.h>

static void
report_closed(struct live *live)
{
    pthread_mutex_lock(&live->mutex);
    live->closed_count++;
    pthread_cond_signal(&live->changed);
    pthread_mutex_unlock(&live->mutex);
}

// Runs on the loop.
static void
close_loop(void *arg)
{
    struct live_loop *l = arg;
    l->is_closing = true;
    if (l->count == 0)
        report_closed(l->live);
}

void
live_init(struct live *l, struct runtime *rt)
{
    *l = (struct live){.runtime = rt, .loop_count = runtime_loop_count(rt)};
    l->loops = calloc((size_t)l->loop_count, sizeof *l->loops);
    CHECK(l->loops != NULL);
    for (int i = 0; i < l->loop_count; i++) {
        struct live_loop *loop = &l->loops[i];
        loop->oldest = UINT64_MAX;
        loop->ends.older = loop->ends.newer = &loop->ends;
        loop->live = l;
    }
    CHECK(pthread_mutex_init(&l->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&l->changed, NULL) == 0);
}

void
live_fini(struct live *l)
{
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
    free(l->loops);
}

struct live_loop *
live_here(struct live *l)
{
    return &l->loops[loop_index(loop_current())];
}

void
live_enter(struct live_loop *l)
{
    CHECK(!l->is_closing);
    l->count++;
}

void
live_leave(struct live_loop *l)
{
    l->count--;
    if (l->is_closing && l->count == 0)
        report_closed(l->live); // the last touch: the closer may free all of it now
}

void
live_read_begin(struct live_loop *l, struct live_reader *r, const _Atomic uint64_t *published)
{
    uint64_t version = atomic_load(published);
    // The first reader of a loop announces itself, then looks again: whoever published in between
    // may not have seen the announcement.
    while (l->ends.newer == &l->ends) {
        atomic_store(&l->oldest, version);
        uint64_t again = atomic_load(published);
        if (again == version)
            break;
        version = again;
    }
    r->version = version;
    r->newer = &l->ends;
    r->older = l->ends.older;
    r->older->newer = r;
    l->ends.older = r;
}

void
live_read_end(struct live_loop *l, struct live_reader *r)
{
    r->older->newer = r->newer;
    r->newer->older = r->older;
    bool is_empty = l->ends.newer == &l->ends;
    atomic_store(&l->oldest, is_empty ? UINT64_MAX : l->ends.newer->version);
}

uint64_t
live_oldest(const struct live *l)
{
    uint64_t oldest = UINT64_MAX;
    for (int i = 0; i < l->loop_count; i++) {
        uint64_t version = atomic_load(&l->loops[i].oldest);
        if (version < oldest)
            oldest = version;
    }
    return oldest;
}

void
live_close(struct live *l)
{
    for (int i = 0; i < l->loop_count; i++)
        loop_post(runtime_loop(l->runtime, i), close_loop, &l->loops[i]);
    pthread_mutex_lock(&l->mutex);
    while (l->closed_count < l->loop_count)
        pthread_cond_wait(&l->changed, &l->mutex);
    pthread_mutex_unlock(&l->mutex);
}
