// Listening on every loop.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/task/address.h"
#include "src/task/runtime_state.h"
#include "src/task/socket_state.h"

enum {
    BACKLOG = 4096,
    LISTEN_RETRIES_MAX = 50,
    ACCEPTS_PER_TURN_MAX = 64,
    ACCEPT_RETRY_MS = 50, // when descriptors or memory ran out
};

// The listening socket of one loop.
struct port {
    struct source source;
    struct timer retry;
    struct loop *loop;
    struct listener *listener;
};

struct listener {
    struct runtime *rt;
    socket_accept_fn *on_accept;
    void *arg;
    sem_t closed;
    int port_count;
    struct port ports[];
};

static void
accepted(struct port *p, int fd, const struct sockaddr_storage *sa, socklen_t len)
{
    struct socket_address peer;
    struct socket *s;
    address_set(&peer, (const struct sockaddr *)sa, len);
    if (socket_new(p->loop, fd, &peer, &s) == OK)
        p->listener->on_accept(p->listener->arg, s);
}

// A connection that ended in the backlog, and the like: the next one is asked for at once.
static bool
is_of_one_connection(int error)
{
    return error != EAGAIN && error != EMFILE && error != ENFILE && error != ENOBUFS &&
           error != ENOMEM;
}

// OK, or E_AGAIN: nothing is left, or E_IO: the system has no more descriptors or memory.
static int
accept_one(struct port *p)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    int fd = accept4(p->source.fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        accepted(p, fd, &sa, len);
    else if (!is_of_one_connection(errno))
        return errno == EAGAIN ? E_AGAIN : E_IO;
    return OK;
}

static void
port_resume(void *arg)
{
    struct port *p = arg;
    source_change(p->loop, &p->source, EPOLLIN);
}

// Level-triggered: what is left over comes again in the next turn.
static void
port_on_events(struct source *source, unsigned events)
{
    struct port *p = (struct port *)source;
    int code = OK;
    for (int n = ACCEPTS_PER_TURN_MAX; n > 0 && code == OK; n--)
        code = accept_one(p);
    if (code == E_IO) {
        // The backlog stays ready, so listening on would only spin.
        source_change(p->loop, &p->source, 0);
        timer_arm(&p->retry, deadline_in_ms(p->listener->rt, ACCEPT_RETRY_MS));
    }
}

static void
port_on_deleted(struct source *source)
{
    sem_post(&((struct port *)source)->listener->closed);
}

static void
port_open(void *arg)
{
    struct port *p = arg;
    CHECK(source_add(p->loop, &p->source, EPOLLIN) == OK);
}

static void
port_close(void *arg)
{
    struct port *p = arg;
    timer_disarm(&p->retry);
    while (accept_one(p) == OK)
        continue;
    source_del(p->loop, &p->source);
}

static int
option_set(int fd, int level, int option)
{
    int one = 1;
    return setsockopt(fd, level, option, &one, sizeof(one)) == 0 ? OK : E_IO;
}

// Of two programs that begin to listen at the same moment, Linux may refuse both, since each marks
// its socket as listening before it looks for others. E_AGAIN: it may go otherwise the next time.
static int
bind_and_listen(int fd, const struct sockaddr_storage *sa, socklen_t len, bool is_first)
{
    if (bind(fd, (const struct sockaddr *)sa, len) != 0)
        return errno != EADDRINUSE ? E_IO : is_first ? E_EXISTS : E_AGAIN;
    if (listen(fd, BACKLOG) != 0)
        return errno != EADDRINUSE ? E_IO : E_AGAIN;
    return OK;
}

// The first socket listens before it may share its port, which only one program can do:
// SO_REUSEPORT alone would let a second one of the same user in. SO_REUSEADDR is not in the way: it
// passes over the connections that a former process left in TIME_WAIT, not over one that listens.
static int
listen_on(int fd, const struct sockaddr_storage *sa, socklen_t len, bool is_first)
{
    TRY(option_set(fd, SOL_SOCKET, SO_REUSEADDR));
    TRY(option_set(fd, IPPROTO_TCP, TCP_NODELAY)); // what is accepted inherits it
    if (!is_first)
        TRY(option_set(fd, SOL_SOCKET, SO_REUSEPORT));
    TRY(bind_and_listen(fd, sa, len, is_first));
    return is_first ? option_set(fd, SOL_SOCKET, SO_REUSEPORT) : OK;
}

static void
port_abandon(struct port *p)
{
    if (p->source.fd >= 0)
        close(p->source.fd);
    p->source.fd = -1;
}

static int
port_listen(struct port *p, struct socket_address *address, bool is_first)
{
    struct sockaddr_storage sa;
    socklen_t len = address->storage_len;
    address_get(address, &sa);
    p->source.fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->source.fd < 0)
        return E_IO;
    TRY(listen_on(p->source.fd, &sa, len, is_first));
    if (getsockname(p->source.fd, (struct sockaddr *)&sa, &len) != 0)
        return E_IO;
    address_set(address, (struct sockaddr *)&sa, len);
    return OK;
}

static int
port_listen_patiently(struct port *p, struct socket_address *address, bool is_first)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    int code = port_listen(p, address, is_first);
    for (int n = LISTEN_RETRIES_MAX; n > 0 && code == E_AGAIN; n--) {
        port_abandon(p);
        nanosleep(&pause, NULL);
        code = port_listen(p, address, is_first);
    }
    return code == E_AGAIN ? E_EXISTS : code;
}

static int
ports_listen(struct listener *l, struct socket_address *address)
{
    for (int i = 0; i < l->port_count; i++)
        TRY(port_listen_patiently(&l->ports[i], address, i == 0));
    return OK;
}

static void
port_init(struct port *p, struct listener *l, struct loop *loop)
{
    p->source.fd = -1;
    p->source.on_events = port_on_events;
    p->source.on_deleted = port_on_deleted;
    p->loop = loop;
    p->listener = l;
    timer_init(&p->retry, loop, port_resume, p);
}

static void
listener_release(struct listener *l)
{
    for (int i = 0; i < l->port_count; i++)
        port_abandon(&l->ports[i]);
    sem_destroy(&l->closed);
    free(l);
}

static void
ports_await_closed(void *arg)
{
    struct listener *l = arg;
    for (int i = 0; i < l->port_count; i++) {
        while (sem_wait(&l->closed) != 0)
            CHECK(errno == EINTR);
    }
}

static struct listener *
listener_make(struct runtime *rt, socket_accept_fn *on_accept, void *arg)
{
    size_t count = (size_t)runtime_loop_count(rt);
    struct listener *l = calloc(1, sizeof(*l) + count * sizeof(l->ports[0]));
    CHECK(l);
    l->rt = rt;
    l->on_accept = on_accept;
    l->arg = arg;
    l->port_count = (int)count;
    sem_init(&l->closed, 0, 0);
    for (int i = 0; i < l->port_count; i++)
        port_init(&l->ports[i], l, runtime_loop(rt, i));
    return l;
}

static void
ports_open(struct listener *l)
{
    for (int i = 0; i < l->port_count; i++)
        loop_post(l->ports[i].loop, port_open, &l->ports[i]);
}

static bool
is_stream(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

// Every loop waits for the one socket; whoever comes first accepts.
static int
ports_adopt(struct listener *l, int fd)
{
    for (int i = 0; i < l->port_count; i++) {
        l->ports[i].source.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (l->ports[i].source.fd < 0)
            return E_IO;
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || listen(fd, BACKLOG) != 0)
        return E_IO;
    return option_set(fd, IPPROTO_TCP, TCP_NODELAY);
}

int
listener_adopt(struct runtime *rt, int fd, struct socket_address *address,
               socket_accept_fn *on_accept, void *arg, struct listener **out)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    if (!is_stream(fd) || getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return E_INVALID;
    address_set(address, (struct sockaddr *)&sa, len);
    struct listener *l = listener_make(rt, on_accept, arg);
    int code = ports_adopt(l, fd);
    if (code != OK) {
        listener_release(l);
        return code;
    }
    close(fd);
    *out = l;
    ports_open(l);
    return OK;
}

int
listener_new(struct runtime *rt, struct socket_address *address, socket_accept_fn *on_accept,
             void *arg, struct listener **out)
{
    struct listener *l = listener_make(rt, on_accept, arg);
    int code = ports_listen(l, address);
    if (code != OK) {
        int error = errno;
        listener_release(l);
        errno = error;
        return code;
    }
    *out = l;
    ports_open(l);
    return OK;
}

void
listener_free(struct listener *l)
{
    if (!l)
        return;
    CHECK(fiber_self() || !loop_current());
    for (int i = 0; i < l->port_count; i++)
        loop_post(l->ports[i].loop, port_close, &l->ports[i]);
    pool_run(l->rt, ports_await_closed, l); // a fiber parks, a thread waits itself
    listener_release(l);
}
