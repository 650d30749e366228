// HTTP/1.1 on a connection: read a request, run its handler in a fiber, answer, and again.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h1_body.h"
#include "src/http/h1_tunnel.h"
#include "src/http/tls_stream.h"

//     IDLE ──bytes──▶ READING ──request──▶ RUNNING ──answered──▶ IDLE, READING, closed
//                        └────no HTTP────────┴───▶ lingering ──▶ closed

static void
wait_idle(struct http_connection *c)
{
    connection_give_reader_back(c);
    if (c->home->is_draining) {
        connection_close(c);
        return;
    }
    c->h1.state = H1_IDLE;
    connection_set_deadline_in_ms(c, c->home->options->idle_timeout_ms);
    connection_watch(c, SOCKET_READABLE);
}

// False when the client does not even read that little.
static bool
send_continue(struct http_connection *c)
{
    struct http_head *head = &c->reader->head;
    if (!head->wants_continue || c->reader->body_len > 0)
        return true;
    head->wants_continue = false;
    struct str line = h1_continue;
    return c->transport->write(c, &line, 1) == (ptrdiff_t)line.len;
}

static void
wait_for_more(struct http_connection *c)
{
    if (!http_reader_has_input(c->reader)) {
        wait_idle(c);
        return;
    }
    if (c->h1.state != H1_READING) {
        c->h1.state = H1_READING;
        connection_set_deadline_in_ms(c, c->home->options->head_timeout_ms);
    }
    if (!send_continue(c))
        connection_close(c);
    else
        connection_watch(c, SOCKET_READABLE);
}

// -- answers

static size_t
message_parts(struct http_connection *c, const struct http_response *r, bool keep_alive,
              struct str parts[2])
{
    struct http_head *request = &c->reader->head;
    parts[0] = http_response_encode(r, request, keep_alive, connection_date(c), &c->reader->arena);
    parts[1] = r->body;
    return r->body.len > 0 && http_response_has_body(r, &request->request) ? 2 : 1;
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
    if (c->transport->write(c, parts, count) == (ptrdiff_t)len)
        connection_linger(c);
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

// What the handler did not read of its body goes with the connection. Whether an answer with a body
// of its own says so, too, is up to the length of that: it may be made of what is not read yet.
static bool
send_answer(struct http_connection *c, struct http_response *r, struct h1_body *body)
{
    bool may_go_on = c->reader->head.keep_alive && !r->must_close && !c->h1.is_ending &&
                     !connection_is_server_ending(c);
    if (r->upgrade) {
        h1_tunnel(c, r);
        return false;
    }
    if (!r->stream) {
        may_go_on = may_go_on && h1_body_skip(body);
        struct str parts[2];
        size_t count = message_parts(c, r, may_go_on, parts);
        return connection_write_all(c, parts, count) == OK && may_go_on;
    }
    int code = h1_send_stream(c, r, body, &may_go_on);
    stream_close(r->stream);
    return code == OK && may_go_on && h1_body_skip(body);
}

// Runs the handler and sends its response. Whether the connection goes on.
static bool
answer(struct http_connection *c)
{
    struct http_loop *l = c->home;
    const struct http_server_options *o = l->options;
    struct http_response r = {.status = 200};
    struct h1_body body;
    h1_body_init(&body, c);
    connection_watch(c, c->h1.is_half_closed || c->h1.is_streamed ? 0 : SOCKET_HANGUP);
    o->handler(o->handler_arg, &c->reader->head.request, &r);
    connection_watch(c, 0); // a write finds out by itself, and is not cancelled half way
    atomic_fetch_add_explicit(&l->requests, 1, memory_order_relaxed);
    body.is_handled = true;
    return send_answer(c, &r, &body);
}

// -- requests

static void
note_head(struct http_connection *c)
{
    struct http_head *head = &c->reader->head;
    struct http_request *request = &head->request;
    if (!c->reader->has_head || request->received_ns != 0)
        return;
    request->received_ns = connection_now_ns(c);
    request->peer = socket_peer(c->socket);
    request->origin = c->origin;
    request->may_upgrade =
        head->minor_version > 0 && !head->is_chunked && head->content_length <= 0;
    if (c->tls != NULL)
        tls_stream_note(c, request);
}

// Notes what the handler is told of the request, and decides how its body is read.
static enum http_parse
settle(struct http_connection *c, enum http_parse result)
{
    const struct http_server_options *o = c->home->options;
    note_head(c);
    c->h1.is_streamed =
        result == HTTP_PARSE_HEAD && o->wants_stream(o->handler_arg, &c->reader->head.request);
    if (c->h1.is_streamed)
        return HTTP_PARSE_DONE;
    return result == HTTP_PARSE_HEAD ? http_reader_collect(c->reader) : result;
}

// After the last answer. A client that still sends would be reset, and might lose it.
static void
end(struct http_connection *c)
{
    if (c->h1.is_read)
        connection_close(c);
    else
        connection_linger(c);
}

static void
run(void *arg)
{
    struct http_connection *c = arg;
    enum http_parse result;
    do {
        if (!answer(c)) {
            end(c);
            return;
        }
        result = settle(c, http_reader_next(c->reader));
    } while (result == HTTP_PARSE_DONE);
    c->h1.fiber = NULL;
    if (result == HTTP_PARSE_BAD)
        refuse_bad_request(c);
    else
        wait_for_more(c);
}

static void
start(struct http_connection *c)
{
    c->h1.state = H1_RUNNING;
    connection_set_deadline(c, DEADLINE_NEVER);
    connection_watch(c, 0);
    if (fiber_start(c->home->loop, "http", run, c, &c->h1.fiber) != OK)
        refuse(c, 503, "There are too many requests at once.");
}

static void
go_on(struct http_connection *c, enum http_parse result)
{
    result = settle(c, result);
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
    connection_take_reader(c);
    size_t size;
    char *space = http_reader_space(c->reader, &size);
    if (!space) {
        refuse_bad_request(c);
        return;
    }
    ptrdiff_t n = c->transport->read(c, space, size);
    if (n > 0)
        go_on(c, http_reader_add(c->reader, (size_t)n));
    else if (n != E_AGAIN)
        connection_close(c);
    else if (c->h1.state == H1_IDLE)
        wait_idle(c);
}

// The client closed its sending side while a handler runs. Nearly always it is gone altogether, so
// the work is stopped. One that only shut down its side still gets what the handler answers then;
// one whose next requests have been read already wants their answers, so it is not taken as gone.
static void
hang_up(struct http_connection *c)
{
    c->h1.is_half_closed = true;
    connection_watch(c, 0);
    if (c->reader->ahead.len > 0)
        return;
    c->h1.is_ending = true;
    fiber_cancel(c->h1.fiber);
}

// -- the protocol

static void
h1_on_ready(struct http_connection *c, unsigned events)
{
    if (c->h1.state == H1_RUNNING)
        hang_up(c);
    else
        receive(c);
}

static void
h1_drain(struct http_connection *c)
{
    if (c->h1.state == H1_IDLE)
        receive(c); // closes it when there is nothing
    else if (c->h1.is_tunnel)
        fiber_cancel(c->h1.fiber); // nothing else would end it
}

static void
h1_cancel(struct http_connection *c)
{
    if (c->h1.state != H1_RUNNING) {
        connection_close(c);
        return;
    }
    c->h1.is_ending = true;
    fiber_cancel(c->h1.fiber);
}

static void
h1_fini(struct http_connection *c)
{
}

const struct http_protocol h1_protocol = {
    .on_ready = h1_on_ready,
    .on_deadline = connection_close,
    .drain = h1_drain,
    .cancel = h1_cancel,
    .fini = h1_fini,
};

void
h1_start(struct http_connection *c, size_t held)
{
    c->protocol = &h1_protocol;
    c->h1 = (struct h1){.state = H1_IDLE};
    if (held > 0)
        go_on(c, http_reader_add(c->reader, held));
    else
        receive(c);
}
