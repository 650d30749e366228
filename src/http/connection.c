// One connection: read a request, run its handler in a fiber, answer, and again.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/connection.h"

#include <stdlib.h>

#include "src/task/timer.h"

// An idle connection is this struct, its socket and nothing else. Input memory is taken when bytes
// arrive and given back when all of them are answered; a fiber lives from a complete request until
// no complete one is left in the input.
//
//     OPENING ──▶ IDLE ──bytes──▶ READING ──request──▶ RUNNING ──answered──▶ IDLE, READING, closed
//                                    └────no HTTP────────┴───▶ LINGERING ──▶ closed
//
// OPENING lasts until the first event, since before it nobody knows whether bytes have arrived: a
// server that drains must not close such a connection.
enum connection_state { OPENING, IDLE, READING, RUNNING, LINGERING };

enum {
    LINGER_MS = 1000,
    DISCARD_BYTES = 4096,
};

struct http_connection {
    LIST_ENTRY(http_connection) link;
    struct http_loop *home;
    struct socket *socket;
    struct http_reader *reader; // NULL while idle
    struct fiber *fiber;        // while running
    struct timer timer;         // at deadline_ns or before it
    int64_t deadline_ns;
    enum connection_state state;
    unsigned watched;
    bool is_half_closed; // by the client
    bool is_ending;      // cancelled: this answer is the last
};

static void on_ready(void *arg, unsigned events);

static void
give_reader_back(struct http_connection *c)
{
    if (c->reader)
        http_reader_pool_put(&c->home->readers, c->reader);
    c->reader = NULL;
}

static void
tell_when_drained(struct http_loop *l)
{
    if (l->is_drained || !l->is_draining || !LIST_EMPTY(&l->connections))
        return;
    l->is_drained = true;
    l->on_drained(l->owner);
}

static void
connection_close(struct http_connection *c)
{
    struct http_loop *l = c->home;
    timer_disarm(&c->timer);
    give_reader_back(c);
    socket_free(c->socket);
    LIST_REMOVE(c, link);
    free(c);
    atomic_fetch_sub_explicit(&l->shared->connections, 1, memory_order_relaxed);
    tell_when_drained(l);
}

// -- waiting

static void
watch(struct http_connection *c, unsigned events)
{
    if (c->watched == events)
        return;
    c->watched = events;
    socket_watch(c->socket, events, on_ready, c);
}

static int64_t
now_ns(const struct http_connection *c)
{
    return clock_mono_ns(loop_runtime(c->home->loop));
}

// Most deadlines are replaced by later ones before they pass, so a timer that fires too early is
// armed again only then.
static void
set_deadline(struct http_connection *c, int64_t deadline_ns)
{
    c->deadline_ns = deadline_ns;
    if (c->timer.heap_index == 0 || c->timer.deadline_ns > deadline_ns)
        timer_arm(&c->timer, deadline_ns);
}

static void
set_deadline_in_ms(struct http_connection *c, int64_t ms)
{
    set_deadline(c, deadline_in_ms(loop_runtime(c->home->loop), ms));
}

static void
on_timer(void *arg)
{
    struct http_connection *c = arg;
    if (c->deadline_ns > now_ns(c))
        timer_arm(&c->timer, c->deadline_ns);
    else
        connection_close(c);
}

static void
wait_idle(struct http_connection *c)
{
    give_reader_back(c);
    if (c->home->is_draining) {
        connection_close(c);
        return;
    }
    c->state = IDLE;
    set_deadline_in_ms(c, c->home->options->idle_timeout_ms);
    watch(c, SOCKET_READABLE);
}

// False when the client does not even read that little.
static bool
send_continue(struct http_connection *c)
{
    struct http_head *head = &c->reader->head;
    if (!head->wants_continue || c->reader->body_len > 0)
        return true;
    head->wants_continue = false;
    struct str line = STR("HTTP/1.1 100 Continue\r\n\r\n");
    return socket_write(c->socket, &line, 1) == (ptrdiff_t)line.len;
}

static void
wait_for_more(struct http_connection *c)
{
    if (!http_reader_has_input(c->reader)) {
        wait_idle(c);
        return;
    }
    if (c->state != READING) {
        c->state = READING;
        set_deadline_in_ms(c, c->home->options->head_timeout_ms);
    }
    if (!send_continue(c))
        connection_close(c);
    else
        watch(c, SOCKET_READABLE);
}

// -- answers

static size_t
message_parts(struct http_connection *c, const struct http_response *r, bool keep_alive,
              struct str parts[2])
{
    struct http_loop *l = c->home;
    struct http_head *request = &c->reader->head;
    struct str date = http_date_get(&l->date, clock_wall_ms(loop_runtime(l->loop)));
    parts[0] = http_response_encode(r, request, keep_alive, date, &c->reader->arena);
    parts[1] = r->body;
    return r->body.len > 0 && http_response_has_body(r, request) ? 2 : 1;
}

// A close with unread bytes would reset the connection, and the client might never see the answer:
// so what it still sends is read and dropped for a moment.
static void
linger(struct http_connection *c)
{
    give_reader_back(c);
    c->state = LINGERING;
    set_deadline_in_ms(c, LINGER_MS);
    watch(c, SOCKET_READABLE);
}

static void
discard(struct http_connection *c)
{
    char bytes[DISCARD_BYTES];
    ptrdiff_t n = socket_read(c->socket, bytes, sizeof(bytes));
    if (n < 0 && n != E_AGAIN)
        connection_close(c);
}

// Answers without a handler, and without waiting for a client that does not read.
static void
refuse(struct http_connection *c, int status, const char *text)
{
    struct http_response r = {.status = status, .must_close = true};
    r.body = arena_print(&c->reader->arena, "%s\n", text);
    http_response_add(&r, STR("Content-Type"), STR("text/plain"));
    struct str parts[2];
    size_t count = message_parts(c, &r, false, parts);
    size_t len = parts[0].len + (count > 1 ? parts[1].len : 0);
    if (socket_write(c->socket, parts, count) == (ptrdiff_t)len)
        linger(c);
    else
        connection_close(c);
}

static void
refuse_bad_request(struct http_connection *c)
{
    struct http_loop *l = c->home;
    const struct http_head *head = &c->reader->head;
    atomic_fetch_add_explicit(&l->rejected, 1, memory_order_relaxed);
    if (l->options->log)
        log_event(l->options->log, LOG_DEBUG, "http_rejected", "peer=%s status=%d",
                  socket_peer(c->socket), head->error_status);
    refuse(c, head->error_status, head->error_text);
}

static bool
is_server_ending(const struct http_connection *c)
{
    return atomic_load_explicit(&c->home->shared->is_ending, memory_order_relaxed);
}

// Runs the handler and sends its response. Whether the connection goes on.
static bool
answer(struct http_connection *c)
{
    struct http_loop *l = c->home;
    const struct http_server_options *o = l->options;
    struct http_response r = {.status = 200};
    watch(c, c->is_half_closed ? 0 : SOCKET_HANGUP);
    o->handler(o->handler_arg, &c->reader->head.request, &r);
    watch(c, 0); // a write finds out by itself, and is not cancelled half way
    atomic_fetch_add_explicit(&l->requests, 1, memory_order_relaxed);
    bool keep_alive =
        c->reader->head.keep_alive && !r.must_close && !is_server_ending(c) && !c->is_ending;
    struct str parts[2];
    size_t count = message_parts(c, &r, keep_alive, parts);
    int64_t deadline = deadline_in_ms(loop_runtime(l->loop), o->idle_timeout_ms);
    return socket_write_all(c->socket, parts, count, deadline) == OK && keep_alive;
}

// -- requests

static void
note_head(struct http_connection *c)
{
    struct http_request *request = &c->reader->head.request;
    if (!c->reader->has_head || request->received_ns != 0)
        return;
    request->received_ns = now_ns(c);
    request->peer = socket_peer(c->socket);
}

static void
run(void *arg)
{
    struct http_connection *c = arg;
    enum http_parse result;
    do {
        if (!answer(c)) {
            connection_close(c);
            return;
        }
        result = http_reader_next(c->reader);
        note_head(c);
    } while (result == HTTP_PARSE_DONE);
    c->fiber = NULL;
    if (result == HTTP_PARSE_BAD)
        refuse_bad_request(c);
    else
        wait_for_more(c);
}

static void
start(struct http_connection *c)
{
    c->state = RUNNING;
    set_deadline(c, DEADLINE_NEVER);
    watch(c, 0);
    if (fiber_start(c->home->loop, "http", run, c, &c->fiber) != OK)
        refuse(c, 503, "There are too many requests at once.");
}

static void
go_on(struct http_connection *c, enum http_parse result)
{
    note_head(c);
    if (result == HTTP_PARSE_DONE)
        start(c);
    else if (result == HTTP_PARSE_BAD)
        refuse_bad_request(c);
    else
        wait_for_more(c);
}

static void
receive(struct http_connection *c)
{
    if (!c->reader)
        c->reader = http_reader_pool_take(&c->home->readers);
    size_t size;
    char *space = http_reader_space(c->reader, &size);
    ptrdiff_t n = socket_read(c->socket, space, size);
    if (n > 0)
        go_on(c, http_reader_add(c->reader, (size_t)n));
    else if (n != E_AGAIN)
        connection_close(c);
    else if (c->state == OPENING || c->state == IDLE)
        wait_idle(c);
}

// The client closed its sending side while a handler runs. Nearly always it is gone altogether, so
// the work is stopped. One that only shut down its side still gets what the handler answers then;
// one whose next requests have been read already wants their answers, so it is not taken as gone.
static void
hang_up(struct http_connection *c)
{
    c->is_half_closed = true;
    watch(c, 0);
    if (c->reader->ahead.len > 0)
        return;
    c->is_ending = true;
    fiber_cancel(c->fiber);
}

static void
on_ready(void *arg, unsigned events)
{
    struct http_connection *c = arg;
    switch (c->state) {
    case OPENING:
    case IDLE:
    case READING:
        receive(c);
        break;
    case RUNNING:
        hang_up(c);
        break;
    case LINGERING:
        discard(c);
        break;
    }
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
}

void
http_loop_accept(struct http_loop *l, struct socket *socket)
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
    timer_init(&c->timer, l->loop, on_timer, c);
    LIST_INSERT_HEAD(&l->connections, c, link);
    c->state = OPENING;
    set_deadline_in_ms(c, l->options->idle_timeout_ms);
    watch(c, SOCKET_READABLE | SOCKET_WRITABLE);
}

void
http_loop_drain(struct http_loop *l)
{
    l->is_draining = true;
    for (struct http_connection *c = LIST_FIRST(&l->connections), *next; c; c = next) {
        next = LIST_NEXT(c, link);
        if (c->state == IDLE)
            receive(c); // closes it when there is nothing
    }
    tell_when_drained(l);
}

void
http_loop_cancel(struct http_loop *l)
{
    for (struct http_connection *c = LIST_FIRST(&l->connections), *next; c; c = next) {
        next = LIST_NEXT(c, link);
        if (c->state == RUNNING) {
            c->is_ending = true;
            fiber_cancel(c->fiber);
        } else {
            connection_close(c);
        }
    }
}
