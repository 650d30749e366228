// Descriptors of the simulated machine, and epoll over them.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/sim/descriptor.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "src/task/sim/wrap.h"

enum { NS_PER_MS = 1000000 };

static struct sim_file *files[SIM_FD_COUNT];
static size_t file_count; // highest used + 1

int
sim_file_open(struct sim_file *f)
{
    size_t i = 0;
    while (i < file_count && files[i])
        i++;
    CHECK(i < SIM_FD_COUNT);
    files[i] = f;
    if (i == file_count)
        file_count++;
    f->process = sim_process_self();
    f->fd = SIM_FD_FIRST + (int)i;
    return f->fd;
}

struct sim_file *
sim_file_of(int fd)
{
    if (!sim || fd < SIM_FD_FIRST || fd >= SIM_FD_FIRST + SIM_FD_COUNT)
        return NULL;
    return files[fd - SIM_FD_FIRST];
}

static void
file_close(struct sim_file *f, bool is_killed)
{
    files[f->fd - SIM_FD_FIRST] = NULL;
    while (file_count > 0 && !files[file_count - 1])
        file_count--;
    f->fd = -1;
    f->poller = NULL;
    if (f->kind == SIM_FILE_POLLER)
        for (size_t i = 0; i < file_count; i++)
            if (files[i] && files[i]->poller == f)
                files[i]->poller = NULL;
    if (f->kind == SIM_FILE_SOCKET)
        sim_socket_close(f, is_killed);
    else
        sim_real_free(f);
}

void
sim_descriptors_close(struct sim_process *p)
{
    for (size_t i = 0; i < SIM_FD_COUNT; i++)
        if (files[i] && files[i]->process == p)
            file_close(files[i], true);
}

void
sim_descriptors_fini(void)
{
    for (size_t i = 0; i < SIM_FD_COUNT; i++)
        if (files[i])
            file_close(files[i], true);
    sim_network_fini();
}

void
sim_file_edge(struct sim_file *f, unsigned events)
{
    f->pending |= events;
    if (f->poller)
        sim_wake_all(f->poller);
}

static struct sim_file *
file_new(enum sim_file_kind kind)
{
    struct sim_file *f = sim_real_calloc(1, sizeof(*f));
    f->kind = kind;
    return f;
}

int
sim_log_open(const char *name)
{
    struct sim_file *f = file_new(SIM_FILE_LOG);
    f->name = name;
    return sim_file_open(f);
}

// -- the wrapped calls

int
__wrap_close(int fd)
{
    struct sim_file *f = sim_file_of(fd);
    if (!f)
        return __real_close(fd);
    file_close(f, false);
    return 0;
}

static void
log_lines(const struct sim_file *f, const char *bytes, size_t size)
{
    sim_trace("log %s: %.*s", f->name, (int)(size > 0 ? size - 1 : 0), bytes);
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t size)
{
    struct sim_file *f = sim_file_of(fd);
    if (!f)
        return __real_write(fd, bytes, size);
    if (f->kind == SIM_FILE_EVENT) {
        sim_file_edge(f, EPOLLIN);
        sim_preempt();
    } else if (f->kind == SIM_FILE_LOG) {
        log_lines(f, bytes, size);
    } else {
        errno = EBADF;
        return -1;
    }
    return (ssize_t)size;
}

int
__wrap_eventfd(unsigned value, int flags)
{
    if (!sim_is_inside())
        return __real_eventfd(value, flags);
    return sim_file_open(file_new(SIM_FILE_EVENT));
}

int
__wrap_epoll_create1(int flags)
{
    if (!sim_is_inside())
        return __real_epoll_create1(flags);
    return sim_file_open(file_new(SIM_FILE_POLLER));
}

static void
watch(struct sim_file *poller, struct sim_file *f, const struct epoll_event *event)
{
    f->poller = poller;
    f->events = event->events;
    f->data = event->data.ptr;
    if (f->kind == SIM_FILE_SOCKET)
        f->pending = sim_socket_edges(f);
}

int
__wrap_epoll_ctl(int poller, int what, int fd, struct epoll_event *event)
{
    struct sim_file *p = sim_file_of(poller), *f = sim_file_of(fd);
    if (!p)
        return __real_epoll_ctl(poller, what, fd, event);
    CHECK(f && p->kind == SIM_FILE_POLLER);
    CHECK((what == EPOLL_CTL_ADD) == (f->poller == NULL));
    if (what == EPOLL_CTL_DEL)
        f->poller = NULL;
    else
        watch(p, f, event);
    return 0;
}

static unsigned
take_events(struct sim_file *f)
{
    unsigned wanted = f->events | EPOLLERR | EPOLLHUP;
    if (!(f->events & EPOLLET))
        return sim_socket_level(f) & wanted;
    unsigned events = f->pending & wanted;
    f->pending = 0;
    return events;
}

// From anywhere in the table on, so that no descriptor is always first.
static int
collect(const struct sim_file *poller, struct epoll_event *out, int size)
{
    int n = 0;
    size_t count = file_count;
    size_t from = count > 0 ? sim_random_below(&sim->schedule_random, count) : 0;
    for (size_t i = 0; i < count && n < size; i++) {
        struct sim_file *f = files[(from + i) % count];
        if (!f || f->poller != poller)
            continue;
        unsigned events = take_events(f);
        if (events)
            out[n++] = (struct epoll_event){.events = events, .data.ptr = f->data};
    }
    return n;
}

// A loop that only looks gives way, or nothing else would ever go on.
int
__wrap_epoll_wait(int poller, struct epoll_event *out, int size, int wait_ms)
{
    struct sim_file *p = sim_file_of(poller);
    if (!p)
        return __real_epoll_wait(poller, out, size, wait_ms);
    if (wait_ms == 0)
        sim_yield();
    int64_t until_ns = wait_ms < 0 ? INT64_MAX : sim_now_ns() + (int64_t)wait_ms * NS_PER_MS;
    int n = collect(p, out, size);
    while (n == 0 && sim_now_ns() < until_ns) {
        (void)sim_wait(p, until_ns);
        n = collect(p, out, size);
    }
    return n;
}
