// What all connections have in common, whatever they speak: a life, a deadline, an end.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/connection.h"

#include <stdlib.h>

#include "src/http/tls_stream.h"

enum {
    LINGER_MS = 1000,
    DISCARD_BYTES = 4096,
    WRITE_PARTS_MAX = 4,
    WRITE_STEP_BYTES = 64 * 1024,
};

// -- life

static void
tell_when_drained(struct http_loop *l)
{
    if (l->is_drained || !l->is_draining || !LIST_EMPTY(&l->connections))
        return;
    l->is_drained = true;
    l->on_drained(l->owner);
}

void
connection_close(struct http_connection *c)
{
    struct http_loop *l = c->home;
    timer_disarm(&c->timer);
    c->protocol->fini(c);
    connection_give_reader_back(c);
    c->transport->fini(c);
    socket_free(c->socket);
    LIST_REMOVE(c, link);
    free(c);
    atomic_fetch_sub_explicit(&l->shared->connections, 1, memory_order_relaxed);
    tell_when_drained(l);
}

void
connection_take_reader(struct http_connection *c)
{
    if (c->reader)
        return;
    c->reader = http_reader_pool_take(&c->home->readers);
    c->reader->memory = &c->home->options->memory;
    c->reader->stops_at_head = c->home->options->wants_stream != NULL;
}

void
connection_give_reader_back(struct http_connection *c)
{
    if (c->reader)
        http_reader_pool_put(&c->home->readers, c->reader);
    c->reader = NULL;
}

bool
connection_is_server_ending(const struct http_connection *c)
{
    return atomic_load_explicit(&c->home->shared->is_ending, memory_order_relaxed);
}

struct str
connection_date(struct http_connection *c)
{
    struct http_loop *l = c->home;
    return http_date_get(&l->date, clock_wall_ms(loop_runtime(l->loop)));
}

// -- waiting

static void
on_ready(void *arg, unsigned events)
{
    struct http_connection *c = arg;
    c->protocol->on_ready(c, events);
}

void
connection_watch(struct http_connection *c, unsigned events)
{
    if (c->watched == events)
        return;
    c->watched = events;
    socket_watch(c->socket, events, on_ready, c);
}

int64_t
connection_now_ns(const struct http_connection *c)
{
    return clock_mono_ns(loop_runtime(c->home->loop));
}

// Most deadlines are replaced by later ones before they pass, so a timer that fires too early is
// armed again only then.
void
connection_set_deadline(struct http_connection *c, int64_t deadline_ns)
{
    c->deadline_ns = deadline_ns;
    if (c->timer.heap_index == 0 || c->timer.deadline_ns > deadline_ns)
        timer_arm(&c->timer, deadline_ns);
}

void
connection_set_deadline_in_ms(struct http_connection *c, int64_t ms)
{
    connection_set_deadline(c, deadline_in_ms(loop_runtime(c->home->loop), ms));
}

static void
on_timer(void *arg)
{
    struct http_connection *c = arg;
    if (c->deadline_ns > connection_now_ns(c))
        timer_arm(&c->timer, c->deadline_ns);
    else
        c->protocol->on_deadline(c);
}

// -- writing

static size_t
parts_after(const struct str *parts, size_t count, size_t done, struct str *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (done < parts[i].len)
            out[n++] = str_slice(parts[i], done, parts[i].len);
        done -= done < parts[i].len ? done : parts[i].len;
    }
    return n;
}

int
connection_write_all(struct http_connection *c, const struct str *parts, size_t count)
{
    struct str rest[WRITE_PARTS_MAX];
    CHECK(count <= WRITE_PARTS_MAX);
    size_t done = 0, step_end = 0;
    int64_t deadline_ns = 0;
    for (size_t n; (n = parts_after(parts, count, done, rest)) > 0;) {
        if (done >= step_end) {
            step_end = done + WRITE_STEP_BYTES;
            deadline_ns =
                deadline_in_ms(loop_runtime(c->home->loop), c->home->options->idle_timeout_ms);
        }
        ptrdiff_t written = c->transport->write(c, rest, n);
        if (written == E_AGAIN)
            TRY(socket_wait(c->socket, SOCKET_WRITABLE, deadline_ns));
        else if (written < 0)
            return (int)written;
        else
            done += (size_t)written;
    }
    return OK;
}

// -- in the clear

static ptrdiff_t
plain_read(struct http_connection *c, void *out, size_t size)
{
    return socket_read(c->socket, out, size);
}

static ptrdiff_t
plain_write(struct http_connection *c, const struct str *parts, size_t count)
{
    return socket_write(c->socket, parts, count);
}

static void
do_nothing(struct http_connection *c)
{
}

const struct http_transport plain_transport = {
    .read = plain_read,
    .write = plain_write,
    .end = do_nothing,
    .fini = do_nothing,
};

// -- the end

// What arrives is of no use any more, so it is read below the transport.
static void
discard(struct http_connection *c, unsigned events)
{
    char bytes[DISCARD_BYTES];
    ptrdiff_t n = socket_read(c->socket, bytes, sizeof(bytes));
    if (n < 0 && n != E_AGAIN)
        connection_close(c);
}

static const struct http_protocol lingering_protocol = {
    .on_ready = discard,
    .on_deadline = connection_close,
    .drain = do_nothing,
    .cancel = connection_close,
    .fini = do_nothing,
};

void
connection_linger(struct http_connection *c)
{
    c->protocol->fini(c);
    connection_give_reader_back(c);
    c->protocol = &lingering_protocol;
    c->transport->end(c);
    socket_end(c->socket);
    connection_set_deadline_in_ms(c, LINGER_MS);
    connection_watch(c, SOCKET_READABLE);
}

// -- all connections of a loop

void
http_loop_init(struct http_loop *l)
{
    LIST_INIT(&l->connections);
    http_reader_pool_init(&l->readers);
}

void
http_loop_fini(struct http_loop *l)
{
    CHECK(LIST_EMPTY(&l->connections));
    http_reader_pool_fini(&l->readers);
    tls_loop_fini(l);
}

void
http_loop_accept(struct http_loop *l, struct socket *socket, void *origin)
{
    size_t live = atomic_fetch_add_explicit(&l->shared->connections, 1, memory_order_relaxed);
    if (live >= l->options->connections_max) {
        atomic_fetch_sub_explicit(&l->shared->connections, 1, memory_order_relaxed);
        socket_free(socket);
        return;
    }
    struct http_connection *c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    c->home = l;
    c->socket = socket;
    c->origin = origin;
    c->transport = &plain_transport;
    c->protocol = &opening_protocol;
    timer_init(&c->timer, l->loop, on_timer, c);
    LIST_INSERT_HEAD(&l->connections, c, link);
    connection_set_deadline_in_ms(c, l->options->idle_timeout_ms);
    connection_watch(c, SOCKET_READABLE | SOCKET_WRITABLE);
}

void
http_loop_drain(struct http_loop *l)
{
    l->is_draining = true;
    for (struct http_connection *c = LIST_FIRST(&l->connections), *next; c; c = next) {
        next = LIST_NEXT(c, link);
        c->protocol->drain(c);
    }
    tell_when_drained(l);
}

void
http_loop_cancel(struct http_loop *l)
{
    for (struct http_connection *c = LIST_FIRST(&l->connections), *next; c; c = next) {
        next = LIST_NEXT(c, link);
        c->protocol->cancel(c);
    }
}

void
http_loop_drop(struct http_loop *l, const void *origin)
{
    for (struct http_connection *c = LIST_FIRST(&l->connections), *next; c; c = next) {
        next = LIST_NEXT(c, link);
        if (c->origin == origin)
            c->protocol->cancel(c);
    }
}
