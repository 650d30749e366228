// Connections from the host's side, passed on to an address of the network.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/holder/elastic.h"

// Bytes go through a pipe in the kernel and are never ours.
enum { PIPE_BYTES = 256 * 1024 };

struct connection;

// One way of a connection.
struct way {
    int pipe[2];
    size_t held;       // bytes in the pipe
    bool is_ended;     // its sender has ended; what is held goes on
    bool is_passed_on; // its receiver was told
};

struct side {
    struct watcher watcher;
    struct connection *connection;
};

struct connection {
    struct holder *holder;
    struct side sides[2]; // the host's, the network's
    struct way ways[2];   // from sides[0] to sides[1], and back
    LIST_ENTRY(connection) link;
};

// Events of its other side may be at hand already, so its memory goes later.
static void
connection_end(struct connection *c)
{
    for (int i = 0; i < 2; i++) {
        if (c->sides[i].watcher.fd >= 0)
            close(c->sides[i].watcher.fd);
        c->sides[i].watcher.fd = -1;
        for (int end = 0; end < 2; end++)
            if (c->ways[i].pipe[end] >= 0)
                close(c->ways[i].pipe[end]);
    }
    LIST_REMOVE(c, link);
    LIST_INSERT_HEAD(&c->holder->ended, c, link);
}

void
connections_free(struct holder *h)
{
    while (!LIST_EMPTY(&h->ended)) {
        struct connection *c = LIST_FIRST(&h->ended);
        LIST_REMOVE(c, link);
        free(c);
    }
}

// Moves what can be moved; false: the connection is over.
static bool
way_move(struct way *w, int from, int to)
{
    for (;;) {
        bool has_moved = false;
        ssize_t n = 0;
        if (!w->is_ended && w->held < PIPE_BYTES) {
            n = splice(from, NULL, w->pipe[1], NULL, PIPE_BYTES - w->held,
                       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
            if (n < 0 && errno != EAGAIN)
                return false;
            w->is_ended = n == 0;
            w->held += n > 0 ? (size_t)n : 0;
            has_moved = n > 0;
        }
        if (w->held > 0) {
            n = splice(w->pipe[0], NULL, to, NULL, w->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
            if (n < 0 && errno != EAGAIN)
                return false;
            w->held -= n > 0 ? (size_t)n : 0;
            has_moved = has_moved || n > 0;
        }
        if (!has_moved)
            break;
    }
    if (w->is_ended && w->held == 0 && !w->is_passed_on) {
        w->is_passed_on = true;
        shutdown(to, SHUT_WR);
    }
    return true;
}

static void
side_ready(struct watcher *watcher, uint32_t events)
{
    struct connection *c = ((struct side *)watcher)->connection;
    int host = c->sides[0].watcher.fd, network = c->sides[1].watcher.fd;
    if (host < 0)
        return;
    bool is_over = !way_move(&c->ways[0], host, network) || !way_move(&c->ways[1], network, host) ||
                   (c->ways[0].is_passed_on && c->ways[1].is_passed_on);
    if (is_over)
        connection_end(c);
}

static bool
connection_make(struct connection *c, const struct door *d, int fd)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = d->elastic->source};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr = d->elastic->address, .sin_port = htons(d->port)};
    int one = 1;
    for (int i = 0; i < 2; i++) {
        c->sides[i] = (struct side){{-1, side_ready}, c};
        c->ways[i] = (struct way){.pipe = {-1, -1}};
    }
    c->sides[0].watcher.fd = fd;
    c->sides[1].watcher.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    for (int i = 0; i < 2; i++)
        if (c->sides[i].watcher.fd < 0 || pipe2(c->ways[i].pipe, O_CLOEXEC | O_NONBLOCK) != 0)
            return false;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(c->ways[i].pipe[0], F_SETPIPE_SZ, PIPE_BYTES);
        (void)setsockopt(c->sides[i].watcher.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    if (bind(c->sides[1].watcher.fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        return false;
    if (connect(c->sides[1].watcher.fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
        errno != EINPROGRESS)
        return false;
    uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    return watch(c->holder, &c->sides[0].watcher, events) &&
           watch(c->holder, &c->sides[1].watcher, events);
}

void
connection_accept(struct door *d)
{
    int fd = accept4(d->watcher.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct connection *c = fd >= 0 ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    c->holder = d->elastic->holder;
    LIST_INSERT_HEAD(&d->elastic->connections, c, link);
    if (!connection_make(c, d, fd))
        connection_end(c);
}

void
connections_end(struct elastic *e)
{
    while (!LIST_EMPTY(&e->connections))
        connection_end(LIST_FIRST(&e->connections));
}
