// Addresses of the host's own that lead to guests.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/holder/elastic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <sys/epoll.h>

enum { SOURCE_BITS = 32, NANOSECONDS_PER_MS = 1000 * 1000 };

static void
door_ready(struct watcher *w, uint32_t events)
{
    struct door *d = (struct door *)w;
    if (d->watcher.fd < 0)
        return;
    if (d->type == SOCK_STREAM)
        connection_accept(d);
    else
        talk_hear(d);
}

// Its events of this turn may be at hand: its memory goes between two turns (elastics_free).
static void
door_end(struct door *d)
{
    talks_end(d);
    close(d->watcher.fd);
    d->watcher.fd = -1;
    LIST_REMOVE(d, link);
    d->elastic->door_count--;
    LIST_INSERT_HEAD(&d->elastic->holder->ended_doors, d, link);
}

static int
door_socket(const struct elastic *e, const struct guest_socket *s)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_addr = e->loopback, .sin_port = htons(s->port)};
    int one = 1, fd = outside_socket(e->holder, s->type);
    if (fd < 0)
        return -1;
    bool is_stream = s->type == SOCK_STREAM;
    if ((!is_stream || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0) &&
        bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
        (!is_stream || listen(fd, SOMAXCONN) == 0))
        return fd;
    close(fd);
    return -1;
}

static bool
door_open(struct elastic *e, const struct guest_socket *s)
{
    struct door *d = e->door_count < DOORS_MAX ? calloc(1, sizeof(*d)) : NULL;
    if (d == NULL)
        return false;
    *d = (struct door){{door_socket(e, s), door_ready}, e, s->type, s->port, true};
    if (d->watcher.fd < 0 || !watch(e->holder, &d->watcher, EPOLLIN)) {
        if (d->watcher.fd >= 0)
            close(d->watcher.fd);
        free(d);
        return false;
    }
    LIST_INSERT_HEAD(&e->doors, d, link);
    e->door_count++;
    return true;
}

static struct door *
door_find(struct elastic *e, const struct guest_socket *s)
{
    struct door *d;
    LIST_FOREACH(d, &e->doors, link)
    if (d->type == s->type && d->port == s->port)
        return d;
    return NULL;
}

// Opens what the guest listens on, and closes what it does not any more; connections go on.
static void
look(struct elastic *e)
{
    static struct guest_socket found[DOORS_MAX];
    int count = guest_sockets_find(e->diag_fd, e->address, found, DOORS_MAX);
    if (count < 0)
        return; // what was last seen stays
    struct door *d;
    LIST_FOREACH(d, &e->doors, link)
    d->is_seen = false;
    e->refused = 0;
    for (int i = 0; i < count; i++) {
        d = door_find(e, &found[i]);
        if (d != NULL)
            d->is_seen = true;
        else if (!door_open(e, &found[i]))
            e->refused++;
    }
    for (d = LIST_FIRST(&e->doors); d != NULL;) {
        struct door *next = LIST_NEXT(d, link);
        if (!d->is_seen)
            door_end(d);
        d = next;
    }
}

static void
timer_ready(struct watcher *w, uint32_t events)
{
    struct elastic *e = (struct elastic *)w;
    uint64_t count;
    if (e->timer.fd >= 0 && read(e->timer.fd, &count, sizeof(count)) > 0)
        look(e);
}

static struct elastic *
elastic_find(struct holder *h, struct in_addr loopback)
{
    struct elastic *e;
    LIST_FOREACH(e, &h->elastics, link)
    if (e->loopback.s_addr == loopback.s_addr)
        return e;
    return NULL;
}

static bool
elastic_begin(struct elastic *e, const struct port *p)
{
    const struct timespec every = {.tv_nsec = (long)LOOK_MS * NANOSECONDS_PER_MS};
    struct itimerspec t = {.it_value = {.tv_nsec = 1}, .it_interval = every};
    e->timer.fn = timer_ready;
    e->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    e->diag_fd = guest_sockets_open(e->holder, p->net_fd);
    return e->timer.fd >= 0 && e->diag_fd >= 0 && timerfd_settime(e->timer.fd, 0, &t, NULL) == 0 &&
           watch(e->holder, &e->timer, EPOLLIN);
}

static void
elastic_close(struct elastic *e)
{
    if (e->timer.fd >= 0)
        close(e->timer.fd);
    if (e->diag_fd >= 0)
        close(e->diag_fd);
    e->timer.fd = e->diag_fd = -1;
}

bool
elastic_add(struct holder *h, struct in_addr loopback, const char *port_name,
            struct in_addr address, struct in_addr source, const char **what)
{
    struct elastic *e = elastic_find(h, loopback);
    const struct port *p = port_find(h, port_name);
    if (e != NULL && strcmp(e->port_name, port_name) == 0 && e->address.s_addr == address.s_addr)
        return true;
    elastic_del(h, loopback);
    *what = "the port";
    errno = ENOENT;
    if (p == NULL || !gateway_add(h, source, SOURCE_BITS, what))
        return false;
    *what = "one more address";
    errno = ENOSPC;
    e = h->elastic_count < ELASTICS_MAX ? calloc(1, sizeof(*e)) : NULL;
    if (e == NULL)
        return false;
    *e = (struct elastic){
        .holder = h, .loopback = loopback, .address = address, .source = source, .diag_fd = -1};
    snprintf(e->port_name, sizeof(e->port_name), "%s", port_name);
    if (!elastic_begin(e, p)) {
        int error = errno;
        elastic_close(e);
        free(e);
        errno = error;
        return false;
    }
    LIST_INSERT_HEAD(&h->elastics, e, link);
    h->elastic_count++;
    return true;
}

void
elastic_del(struct holder *h, struct in_addr loopback)
{
    struct elastic *e = elastic_find(h, loopback);
    if (e == NULL)
        return;
    while (!LIST_EMPTY(&e->doors))
        door_end(LIST_FIRST(&e->doors));
    connections_end(e);
    elastic_close(e);
    LIST_REMOVE(e, link);
    h->elastic_count--;
    LIST_INSERT_HEAD(&h->ended_elastics, e, link);
}

size_t
elastics_refused(const struct holder *h)
{
    const struct elastic *e;
    size_t refused = 0;
    LIST_FOREACH(e, &h->elastics, link)
    refused += e->refused;
    return refused;
}

void
elastics_free(struct holder *h)
{
    while (!LIST_EMPTY(&h->ended_doors)) {
        struct door *d = LIST_FIRST(&h->ended_doors);
        LIST_REMOVE(d, link);
        free(d);
    }
    while (!LIST_EMPTY(&h->ended_elastics)) {
        struct elastic *e = LIST_FIRST(&h->ended_elastics);
        LIST_REMOVE(e, link);
        free(e);
    }
}
