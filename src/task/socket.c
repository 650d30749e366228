// Connected sockets: readiness, reading, writing, waiting.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/task/address.h"
#include "src/task/socket_state.h"

enum { SOCKET_PARTS_MAX = 16 }; // of one system call

static unsigned
ready_of(unsigned events)
{
    unsigned ready = 0;
    if (events & EPOLLIN)
        ready |= SOCKET_READABLE;
    if (events & EPOLLOUT)
        ready |= SOCKET_WRITABLE;
    if (events & EPOLLRDHUP)
        ready |= SOCKET_HANGUP | SOCKET_READABLE;
    if (events & (EPOLLHUP | EPOLLERR)) // a read or a write says what happened
        ready |= SOCKET_HANGUP | SOCKET_READABLE | SOCKET_WRITABLE;
    return ready;
}

// A watch is level-triggered for its owner: as long as it is due, it is called in every turn.
static void
queue_if_due(struct socket *s)
{
    if (s->ready & s->watched)
        source_queue(s->loop, &s->source);
}

static void
watch_call(struct socket *s)
{
    unsigned due = s->ready & s->watched;
    if (!due)
        return;
    s->watched &= (uint8_t)~SOCKET_HANGUP; // it never ends, so it is told once
    s->fn(s->arg, due);
    queue_if_due(s); // nothing happens when it was freed
}

static void
socket_on_events(struct source *source, unsigned events)
{
    struct socket *s = (struct socket *)source;
    s->ready |= (uint8_t)ready_of(events);
    if (s->reader && (s->ready & SOCKET_READABLE))
        fiber_wake(s->reader);
    if (s->writer && (s->ready & SOCKET_WRITABLE))
        fiber_wake(s->writer);
    watch_call(s);
}

static void
socket_on_deleted(struct source *source)
{
    free((struct socket *)source);
}

// What a failed system call means to the owner.
static int
code_of_errno(void)
{
    switch (errno) {
    case EAGAIN:
        return E_AGAIN;
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
        return E_CLOSED;
    default:
        return E_IO;
    }
}

int
socket_new(struct loop *loop, int fd, const struct socket_address *peer, struct socket **out)
{
    struct socket *s = calloc(1, sizeof(*s));
    CHECK(s);
    s->source.fd = fd;
    s->source.on_events = socket_on_events;
    s->source.on_deleted = socket_on_deleted;
    s->loop = loop;
    memcpy(s->peer, peer->text, sizeof(s->peer));
    if (source_add(loop, &s->source, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) != OK) {
        close(fd);
        free(s);
        return E_IO;
    }
    *out = s;
    return OK;
}

// Starts a connection; the descriptor, or -1.
static int
connect_begin(const struct socket_address *address)
{
    struct sockaddr_storage sa;
    address_get(address, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&sa, address->storage_len) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

// The outcome, once the socket is writable.
static int
connect_end(struct socket *s)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(s->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return E_IO;
    errno = error;
    return error == 0 ? OK : E_IO;
}

int
socket_connect(struct loop *loop, const struct socket_address *address, int64_t deadline_ns,
               struct socket **out)
{
    CHECK(loop == loop_current());
    int fd = connect_begin(address);
    if (fd < 0)
        return E_IO;
    struct socket *s;
    TRY(socket_new(loop, fd, address, &s));
    int code = socket_wait(s, SOCKET_WRITABLE, deadline_ns);
    if (code == OK)
        code = connect_end(s);
    if (code != OK) {
        int error = errno;
        socket_free(s);
        errno = error;
        return code;
    }
    *out = s;
    return OK;
}

void
socket_free(struct socket *s)
{
    if (!s)
        return;
    CHECK(s->loop == loop_current());
    CHECK(!s->reader && !s->writer);
    s->watched = 0;
    source_del(s->loop, &s->source);
}

struct loop *
socket_loop(const struct socket *s)
{
    return s->loop;
}

const char *
socket_peer(const struct socket *s)
{
    return s->peer;
}

ptrdiff_t
socket_read(struct socket *s, void *out, size_t size)
{
    if (!(s->ready & SOCKET_READABLE))
        return E_AGAIN;
    ssize_t n;
    do {
        n = recv(s->source.fd, out, size, 0);
    } while (n < 0 && errno == EINTR);
    // A short read emptied the socket: what comes later is a new edge. After a hang-up there is
    // none.
    if ((n > 0 && (size_t)n < size && !(s->ready & SOCKET_HANGUP)) || (n < 0 && errno == EAGAIN))
        s->ready &= (uint8_t)~SOCKET_READABLE;
    if (n < 0)
        return code_of_errno();
    return n > 0 || size == 0 ? n : E_CLOSED;
}

ptrdiff_t
socket_write(struct socket *s, const struct str *parts, size_t count)
{
    if (!(s->ready & SOCKET_WRITABLE))
        return E_AGAIN;
    struct iovec iov[SOCKET_PARTS_MAX];
    size_t iov_count = count < SOCKET_PARTS_MAX ? count : SOCKET_PARTS_MAX;
    for (size_t i = 0; i < iov_count; i++)
        iov[i] = (struct iovec){(void *)(uintptr_t)parts[i].ptr, parts[i].len};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = iov_count};
    ssize_t n;
    do {
        n = sendmsg(s->source.fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        s->ready &= (uint8_t)~SOCKET_WRITABLE;
    return n < 0 ? code_of_errno() : n;
}

void
socket_keep_readable(struct socket *s)
{
    s->ready |= SOCKET_READABLE;
}

void
socket_end(struct socket *s)
{
    (void)shutdown(s->source.fd, SHUT_WR); // fails when the peer is gone: a read finds out
}

void
socket_watch(struct socket *s, unsigned events, socket_ready_fn *fn, void *arg)
{
    CHECK(s->loop == loop_current());
    s->watched = (uint8_t)events;
    s->fn = fn;
    s->arg = arg;
    queue_if_due(s);
}

int
socket_wait(struct socket *s, enum socket_event event, int64_t deadline_ns)
{
    CHECK(event == SOCKET_READABLE || event == SOCKET_WRITABLE);
    struct fiber **waiter = event == SOCKET_READABLE ? &s->reader : &s->writer;
    CHECK(!*waiter);
    *waiter = fiber_self();
    int code = OK;
    while (!(s->ready & event) && code == OK)
        code = fiber_park(deadline_ns, FIBER_CANCELLABLE);
    *waiter = NULL;
    return s->ready & event ? OK : code;
}

// The parts from `done` bytes on, as many as one call takes.
static size_t
parts_after(const struct str *parts, size_t count, size_t done, struct str *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count && n < SOCKET_PARTS_MAX; i++) {
        if (done >= parts[i].len)
            done -= parts[i].len;
        else {
            out[n++] = str_slice(parts[i], done, parts[i].len);
            done = 0;
        }
    }
    return n;
}

int
socket_write_all(struct socket *s, const struct str *parts, size_t count, int64_t deadline_ns)
{
    struct str rest[SOCKET_PARTS_MAX];
    size_t done = 0;
    for (size_t n; (n = parts_after(parts, count, done, rest)) > 0;) {
        ptrdiff_t written = socket_write(s, rest, n);
        if (written == E_AGAIN)
            TRY(socket_wait(s, SOCKET_WRITABLE, deadline_ns));
        else if (written < 0)
            return (int)written;
        else
            done += (size_t)written;
    }
    return OK;
}
