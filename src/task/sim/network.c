// The network of the simulated machine: connections with delays, splits and resets.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "src/task/sim/descriptor.h"
#include "src/task/sim/wrap.h"

enum {
    PORT_FIRST = 20000,
    PORT_CLIENT_FIRST = 40000,
    SPLIT_ONE_IN = 4,
    SHORT_WRITE_ONE_IN = 16,
    STALL_ONE_IN = 64,
};

enum piece_kind { PIECE_DATA, PIECE_END, PIECE_RESET, PIECE_CONNECTED };

// On its way to a socket.
struct piece {
    TAILQ_ENTRY(piece) link;
    enum piece_kind kind;
    int64_t due_ns;
    size_t len, done;
    char bytes[];
};

struct sim_socket {
    struct sim_file file; // the first member
    TAILQ_ENTRY(sim_socket) link;
    struct sim_socket *peer; // NULL: gone, or never there
    uint16_t port, peer_port;
    TAILQ_HEAD(piece_list, piece) coming; // in the order in which it arrives
    struct piece_list arrived;            // not read yet
    size_t held_bytes;                    // of both
    bool is_listening, is_connected, is_ended, is_reset;
    bool has_ended;       // its own end was sent
    bool is_writer_stuck; // an edge is due when there is room
    int error;            // of the connect
    // A connection that nobody has accepted yet stands in the backlog of its listener.
    struct sim_socket *listener;
};
static TAILQ_HEAD(, sim_socket) sockets = TAILQ_HEAD_INITIALIZER(sockets);
static struct sim_network conditions = {.delay_ns_max = 100000, .window_bytes = 65536};
static uint16_t port_next, client_port_next;
static int64_t next_due_ns = INT64_MAX;

static struct sim_socket *
socket_of(int fd)
{
    struct sim_file *f = sim_file_of(fd);
    CHECK(f && f->kind == SIM_FILE_SOCKET);
    return (struct sim_socket *)f;
}

static struct sim_socket *
socket_make(void)
{
    struct sim_socket *s = sim_real_calloc(1, sizeof(*s));
    s->file.kind = SIM_FILE_SOCKET;
    s->file.fd = -1;
    TAILQ_INIT(&s->coming);
    TAILQ_INIT(&s->arrived);
    TAILQ_INSERT_TAIL(&sockets, s, link);
    return s;
}

static void
socket_release(struct sim_socket *s)
{
    for (struct piece *p; (p = TAILQ_FIRST(&s->coming));) {
        TAILQ_REMOVE(&s->coming, p, link);
        sim_real_free(p);
    }
    for (struct piece *p; (p = TAILQ_FIRST(&s->arrived));) {
        TAILQ_REMOVE(&s->arrived, p, link);
        sim_real_free(p);
    }
    TAILQ_REMOVE(&sockets, s, link);
    sim_real_free(s);
}

void
sim_network_set(const struct sim_network *network)
{
    conditions = *network;
}

static uint64_t
chance(uint64_t n)
{
    return sim_random_below(&sim->network_random, n);
}

// -- on the way

static int64_t
arrival_ns(const struct sim_socket *to)
{
    int64_t due = sim->now_ns + 1 + (int64_t)chance((uint64_t)conditions.delay_ns_max);
    if (conditions.stall_ns_max > 0 && chance(STALL_ONE_IN) == 0)
        due += (int64_t)chance((uint64_t)conditions.stall_ns_max);
    const struct piece *last = TAILQ_LAST(&to->coming, piece_list);
    return last && last->due_ns > due ? last->due_ns : due;
}

static void
piece_send(struct sim_socket *to, enum piece_kind kind, const char *bytes, size_t len)
{
    if (!to)
        return;
    struct piece *p = sim_real_calloc(1, sizeof(*p) + len);
    p->kind = kind;
    p->due_ns = arrival_ns(to);
    p->len = len;
    if (len > 0)
        memcpy(p->bytes, bytes, len);
    TAILQ_INSERT_TAIL(&to->coming, p, link);
    to->held_bytes += len;
    if (p->due_ns < next_due_ns)
        next_due_ns = p->due_ns;
}

static void
take_piece(struct sim_socket *s, struct piece *p)
{
    sim_trace("net %u<-%u %s %zu", s->port, s->peer_port,
              (const char *[]){"data", "end", "reset", "connected"}[p->kind], p->len);
    switch (p->kind) {
    case PIECE_DATA:
        TAILQ_INSERT_TAIL(&s->arrived, p, link);
        sim_file_edge(&s->file, EPOLLIN);
        return;
    case PIECE_END:
        s->is_ended = true;
        sim_file_edge(&s->file, EPOLLIN | EPOLLRDHUP | (s->has_ended ? EPOLLHUP : 0));
        break;
    case PIECE_RESET:
        s->is_reset = true;
        s->error = s->is_connected ? ECONNRESET : ECONNREFUSED;
        sim_file_edge(&s->file, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP);
        break;
    case PIECE_CONNECTED:
        s->is_connected = true;
        sim_file_edge(&s->file, EPOLLOUT);
        if (s->listener)
            sim_file_edge(&s->listener->file, EPOLLIN);
        break;
    }
    sim_real_free(p);
}

static void
deliver_to(struct sim_socket *s)
{
    for (struct piece *p; (p = TAILQ_FIRST(&s->coming)) && p->due_ns <= sim->now_ns;) {
        TAILQ_REMOVE(&s->coming, p, link);
        take_piece(s, p);
    }
}

void
sim_network_deliver(void)
{
    if (next_due_ns > sim->now_ns)
        return;
    next_due_ns = INT64_MAX;
    struct sim_socket *s;
    TAILQ_FOREACH(s, &sockets, link)
    {
        deliver_to(s);
        const struct piece *p = TAILQ_FIRST(&s->coming);
        if (p && p->due_ns < next_due_ns)
            next_due_ns = p->due_ns;
    }
}

int64_t
sim_network_next_ns(void)
{
    return next_due_ns;
}

// -- what epoll sees

static bool
has_room(const struct sim_socket *s)
{
    return !s->peer || s->peer->held_bytes < conditions.window_bytes;
}

static struct sim_socket *
backlog_first(const struct sim_socket *listener)
{
    struct sim_socket *s;
    TAILQ_FOREACH(s, &sockets, link)
    if (s->listener == listener && s->is_connected)
        return s;
    return NULL;
}

unsigned
sim_socket_level(const struct sim_file *f)
{
    const struct sim_socket *s = (const struct sim_socket *)f;
    return backlog_first(s) ? EPOLLIN : 0;
}

unsigned
sim_socket_edges(const struct sim_file *f)
{
    const struct sim_socket *s = (const struct sim_socket *)f;
    unsigned events = 0;
    if (!TAILQ_EMPTY(&s->arrived) || s->is_ended)
        events |= EPOLLIN;
    if (s->is_ended)
        events |= EPOLLRDHUP;
    if (s->is_connected && has_room(s))
        events |= EPOLLOUT;
    if (s->is_reset)
        events |= EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP;
    return events;
}

// -- the end

static void
let_go(struct sim_socket *s, enum piece_kind how)
{
    struct sim_socket *peer = s->peer;
    if (!peer)
        return;
    if (how == PIECE_RESET || !s->has_ended)
        piece_send(peer, how, NULL, 0);
    peer->peer = NULL;
    s->peer = NULL;
    if (peer->is_writer_stuck)
        sim_file_edge(&peer->file, EPOLLOUT);
}

static void
refuse_backlog(struct sim_socket *listener)
{
    for (struct sim_socket *s = TAILQ_FIRST(&sockets), *next; s; s = next) {
        next = TAILQ_NEXT(s, link);
        if (s->listener != listener)
            continue;
        let_go(s, PIECE_RESET);
        socket_release(s);
    }
}

void
sim_socket_close(struct sim_file *f, bool is_killed)
{
    struct sim_socket *s = (struct sim_socket *)f;
    if (s->is_listening)
        refuse_backlog(s);
    bool is_rude = !TAILQ_EMPTY(&s->arrived) || (is_killed && chance(2) == 0);
    let_go(s, is_rude ? PIECE_RESET : PIECE_END);
    socket_release(s);
}

void
sim_network_fini(void)
{
    for (struct sim_socket *s; (s = TAILQ_FIRST(&sockets));)
        socket_release(s);
    port_next = client_port_next = 0;
    next_due_ns = INT64_MAX;
    conditions = (struct sim_network){.delay_ns_max = 100000, .window_bytes = 65536};
}

// -- the wrapped calls

int
__wrap_socket(int family, int type, int protocol)
{
    CHECK(sim_is_inside() && family == AF_INET);
    struct sim_socket *s = socket_make();
    return sim_file_open(&s->file);
}

static void
address_put(uint16_t port, struct sockaddr *out, socklen_t *len)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (!out || *len < sizeof(a))
        return;
    memcpy(out, &a, sizeof(a));
    *len = sizeof(a);
}

static uint16_t
port_of(const struct sockaddr *address)
{
    struct sockaddr_in a;
    memcpy(&a, address, sizeof(a));
    return ntohs(a.sin_port);
}

// A process shares its ports with itself only (SO_REUSEPORT).
static bool
is_taken(uint16_t port)
{
    const struct sim_socket *s;
    TAILQ_FOREACH(s, &sockets, link)
    if (s->is_listening && s->port == port && s->file.process != sim_process_self())
        return true;
    return false;
}

int
__wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
    struct sim_socket *s = socket_of(fd);
    s->port = port_of(address);
    if (s->port == 0)
        s->port = (uint16_t)(PORT_FIRST + port_next++);
    if (!is_taken(s->port))
        return 0;
    errno = EADDRINUSE;
    return -1;
}

int
__wrap_listen(int fd, int backlog)
{
    socket_of(fd)->is_listening = true;
    return 0;
}

int
__wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    struct sim_socket *s = backlog_first(socket_of(fd));
    if (!s) {
        errno = EAGAIN;
        return -1;
    }
    s->listener = NULL;
    address_put(s->peer_port, peer, len);
    return sim_file_open(&s->file);
}

// Any of the sockets that share the port.
static struct sim_socket *
listener_at(uint16_t port)
{
    size_t count = 0;
    struct sim_socket *s;
    TAILQ_FOREACH(s, &sockets, link)
    count += s->is_listening && s->port == port;
    if (count == 0)
        return NULL;
    size_t chosen = chance(count);
    TAILQ_FOREACH(s, &sockets, link)
    if (s->is_listening && s->port == port && chosen-- == 0)
        return s;
    return NULL;
}

int
__wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    struct sim_socket *s = socket_of(fd), *listener = listener_at(port_of(address));
    s->port = (uint16_t)(PORT_CLIENT_FIRST + client_port_next++ % 20000);
    s->peer_port = port_of(address);
    errno = EINPROGRESS;
    if (!listener) {
        piece_send(s, PIECE_RESET, NULL, 0);
        errno = EINPROGRESS;
        return -1;
    }
    struct sim_socket *other = socket_make();
    other->listener = listener;
    other->port = s->peer_port;
    other->peer_port = s->port;
    other->peer = s;
    s->peer = other;
    piece_send(other, PIECE_CONNECTED, NULL, 0);
    piece_send(s, PIECE_CONNECTED, NULL, 0);
    errno = EINPROGRESS;
    return -1;
}

int
__wrap_getsockname(int fd, struct sockaddr *address, socklen_t *len)
{
    address_put(socket_of(fd)->port, address, len);
    return 0;
}

int
__wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
    CHECK(level == SOL_SOCKET && option == SO_ERROR);
    *(int *)value = socket_of(fd)->error;
    return 0;
}

int
__wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
    return 0;
}

int
__wrap_shutdown(int fd, int how)
{
    CHECK(how == SHUT_WR);
    struct sim_socket *s = socket_of(fd);
    if (!s->has_ended)
        piece_send(s->peer, PIECE_END, NULL, 0);
    s->has_ended = true;
    if (s->is_ended)
        sim_file_edge(&s->file, EPOLLHUP);
    return 0;
}

static size_t
piece_read(struct sim_socket *s, struct piece *p, char *out, size_t size)
{
    size_t n = p->len - p->done < size ? p->len - p->done : size;
    memcpy(out, p->bytes + p->done, n);
    p->done += n;
    s->held_bytes -= n;
    if (p->done == p->len) {
        TAILQ_REMOVE(&s->arrived, p, link);
        sim_real_free(p);
    }
    return n;
}

// Takes all that is there: a short read says that the socket is empty.
ssize_t
__wrap_recv(int fd, void *out, size_t size, int flags)
{
    struct sim_socket *s = socket_of(fd);
    size_t n = 0;
    if (s->is_reset) {
        errno = ECONNRESET;
        return -1;
    }
    for (struct piece *p; n < size && (p = TAILQ_FIRST(&s->arrived));)
        n += piece_read(s, p, (char *)out + n, size - n);
    if (n == 0 && size > 0 && !s->is_ended) {
        errno = EAGAIN;
        return -1;
    }
    if (n > 0 && s->peer && s->peer->is_writer_stuck && has_room(s->peer)) {
        s->peer->is_writer_stuck = false;
        sim_file_edge(&s->peer->file, EPOLLOUT);
    }
    return (ssize_t)n;
}

static size_t
room_for(const struct sim_socket *s, size_t len)
{
    size_t room = has_room(s) ? conditions.window_bytes - s->peer->held_bytes : 0;
    size_t n = len < room ? len : room;
    return n > 1 && chance(SHORT_WRITE_ONE_IN) == 0 ? 1 + chance(n - 1) : n;
}

static void
send_bytes(struct sim_socket *to, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t n = chance(SPLIT_ONE_IN) == 0 ? 1 + chance(len) : len;
        piece_send(to, PIECE_DATA, bytes, n);
        bytes += n;
        len -= n;
    }
}

// What was on its way may still arrive, or not.
static void
break_connection(struct sim_socket *s)
{
    sim_trace("net reset %u-%u", s->port, s->peer_port);
    piece_send(s->peer, PIECE_RESET, NULL, 0);
    piece_send(s, PIECE_RESET, NULL, 0);
}

// How many of the parts' bytes one call takes; false: an error, with errno.
static bool
may_send(struct sim_socket *s, size_t len, size_t *out)
{
    errno = s->is_reset ? ECONNRESET : EPIPE;
    if (s->is_reset || s->has_ended)
        return false;
    *out = len;
    if (!s->peer) {
        piece_send(s, PIECE_RESET, NULL, 0); // nobody is there: the answer is a reset
        return true;
    }
    *out = room_for(s, len);
    // Linux tells of room again only after a write that found none.
    s->is_writer_stuck = *out < len;
    errno = EAGAIN;
    return len == 0 || *out > 0;
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct sim_socket *s = socket_of(fd);
    size_t len = 0, n;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        len += message->msg_iov[i].iov_len;
    if (!may_send(s, len, &n))
        return -1;
    size_t left = s->peer ? n : 0;
    for (size_t i = 0; i < message->msg_iovlen && left > 0; i++) {
        size_t part = message->msg_iov[i].iov_len < left ? message->msg_iov[i].iov_len : left;
        send_bytes(s->peer, message->msg_iov[i].iov_base, part);
        left -= part;
    }
    if (s->peer && conditions.reset_one_in > 0 && chance(conditions.reset_one_in) == 0)
        break_connection(s);
    return (ssize_t)n;
}
