// Level-triggered watches of foreign descriptors.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/watch.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "src/task/loop.h"

struct watch {
    struct source source;
    struct loop *loop;
    socket_ready_fn *fn;
    void *arg;
};

static unsigned
epoll_of(unsigned events)
{
    unsigned wanted = 0;
    if (events & SOCKET_READABLE)
        wanted |= EPOLLIN;
    if (events & SOCKET_WRITABLE)
        wanted |= EPOLLOUT;
    if (events & SOCKET_HANGUP)
        wanted |= EPOLLRDHUP;
    return wanted;
}

// A broken descriptor counts as both: a read or a write says what happened.
static unsigned
ready_of(unsigned events)
{
    unsigned ready = 0;
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        ready |= SOCKET_READABLE;
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        ready |= SOCKET_WRITABLE;
    if (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))
        ready |= SOCKET_HANGUP;
    return ready;
}

static void
watch_on_events(struct source *source, unsigned events)
{
    struct watch *w = (struct watch *)source;
    w->fn(w->arg, ready_of(events));
}

static void
watch_on_deleted(struct source *source)
{
    free((struct watch *)source);
}

int
watch_new(struct loop *loop, int fd, unsigned events, socket_ready_fn *fn, void *arg,
          struct watch **out)
{
    CHECK(loop == loop_current());
    struct watch *w = calloc(1, sizeof(*w));
    CHECK(w != NULL);
    w->source =
        (struct source){.fd = fd, .on_events = watch_on_events, .on_deleted = watch_on_deleted};
    w->loop = loop;
    w->fn = fn;
    w->arg = arg;
    if (source_add(loop, &w->source, epoll_of(events)) != OK) {
        free(w);
        return E_IO;
    }
    *out = w;
    return OK;
}

void
watch_change(struct watch *w, unsigned events)
{
    source_change(w->loop, &w->source, epoll_of(events));
}

void
watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    CHECK(w->loop == loop_current());
    source_forget(w->loop, &w->source);
}
