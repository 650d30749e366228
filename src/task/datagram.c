// UDP sockets: bound or passed in, read as datagrams come.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/task/address.h"
#include "src/task/loop.h"

enum { DATAGRAMS_PER_TURN_MAX = 64 };

struct datagram {
    struct source source;
    struct runtime *rt;
    datagram_fn *fn;
    void *arg;
    sem_t is_closed;
    char bytes[DATAGRAM_BYTES_MAX];
};

static bool
receive_one(struct datagram *d)
{
    struct sockaddr_storage sa;
    struct socket_address from;
    socklen_t len = sizeof(sa);
    ssize_t n = recvfrom(d->source.fd, d->bytes, sizeof(d->bytes), 0, (struct sockaddr *)&sa, &len);
    if (n < 0)
        return errno == EINTR;
    address_set(&from, (struct sockaddr *)&sa, len);
    d->fn(d->arg, d, &from, (struct str){d->bytes, (size_t)n});
    return true;
}

// Level-triggered: what is left over comes again in the next turn.
static void
on_events(struct source *source, unsigned events)
{
    struct datagram *d = (struct datagram *)source;
    for (int n = DATAGRAMS_PER_TURN_MAX; n > 0 && receive_one(d); n--)
        continue;
}

static void
on_deleted(struct source *source)
{
    sem_post(&((struct datagram *)source)->is_closed);
}

static void
start(void *arg)
{
    struct datagram *d = arg;
    CHECK(source_add(runtime_loop(d->rt, 0), &d->source, EPOLLIN) == OK);
}

static void
stop(void *arg)
{
    struct datagram *d = arg;
    source_del(runtime_loop(d->rt, 0), &d->source);
}

static void
await_closed(void *arg)
{
    struct datagram *d = arg;
    while (sem_wait(&d->is_closed) != 0)
        CHECK(errno == EINTR);
}

static int
is_datagram(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

int
datagram_adopt(struct runtime *rt, int fd, struct socket_address *address, datagram_fn *fn,
               void *arg, struct datagram **out)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    if (!is_datagram(fd) || getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return E_INVALID;
    address_set(address, (struct sockaddr *)&sa, len);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    struct datagram *d = calloc(1, sizeof(*d));
    CHECK(d != NULL);
    d->source = (struct source){.fd = fd, .on_events = on_events, .on_deleted = on_deleted};
    d->rt = rt;
    d->fn = fn;
    d->arg = arg;
    sem_init(&d->is_closed, 0, 0);
    *out = d;
    loop_post(runtime_loop(rt, 0), start, d);
    return OK;
}

int
datagram_new(struct runtime *rt, struct socket_address *address, datagram_fn *fn, void *arg,
             struct datagram **out)
{
    struct sockaddr_storage sa;
    address_get(address, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return E_IO;
    if (bind(fd, (struct sockaddr *)&sa, address->storage_len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return error == EADDRINUSE ? E_EXISTS : E_IO;
    }
    return datagram_adopt(rt, fd, address, fn, arg, out);
}

int
datagram_send(struct datagram *d, const struct socket_address *to, struct str bytes)
{
    struct sockaddr_storage sa;
    address_get(to, &sa);
    if (sendto(d->source.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL, (struct sockaddr *)&sa,
               to->storage_len) >= 0)
        return OK;
    return errno == EAGAIN ? E_AGAIN : errno == EMSGSIZE ? E_LIMIT : E_IO;
}

void
datagram_free(struct datagram *d)
{
    if (d == NULL)
        return;
    CHECK(fiber_self() != NULL || loop_current() == NULL);
    loop_post(runtime_loop(d->rt, 0), stop, d);
    pool_run(d->rt, await_closed, d);
    sem_destroy(&d->is_closed);
    free(d);
}
