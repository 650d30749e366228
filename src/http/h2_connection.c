// HTTP/2 on a connection: each stream's request runs in a fiber of its own.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "src/http/connection_state.h"
#include "src/http/h2.h"
#include "src/http/response.h"
#include "src/http/tls_stream.h"

enum {
    READ_BYTES = 16 * 1024,
    OUT_BYTES = 64 * 1024,
    ROUNDS_MAX = 8, // reads or writes before other connections have their turn
    PIECE_BYTES = 64 * 1024,
    NS_PER_MS = 1000 * 1000,
    NS_PER_BYTE = 1000 * 1000, // of patience with a body: about 1 KiB a second
};

// While the client does not read what we have for it, nothing more is read from it. So what it can
// make us queue is bounded.
struct h2_connection {
    struct h2 *h2;
    char *out; // frames from out_start to out_end wait for the client; NULL: none
    size_t out_start;
    size_t out_end;
    bool has_more; // frames are ready that only wait for the next turn
    int running;   // fibers
    // What ends the connection, once no fiber is left; nothing else happens until then.
    void (*ending)(struct http_connection *c);
};

// -- the end

static void
end_when_alone(struct http_connection *c)
{
    if (c->h2->running == 0)
        c->h2->ending(c);
}

static void
end(struct http_connection *c, void (*how)(struct http_connection *c))
{
    h2_cancel(c->h2->h2);
    c->h2->ending = how;
    connection_watch(c, 0);
    connection_set_deadline(c, DEADLINE_NEVER);
    end_when_alone(c);
}

static void
give_up(struct http_connection *c)
{
    end(c, connection_close);
}

// -- writing

static void
forget_out(struct h2_connection *h)
{
    free(h->out);
    h->out = NULL;
}

// Whether there are bytes to be written. The client has some time to take them all.
static bool
fill_out(struct http_connection *c)
{
    struct h2_connection *h = c->h2;
    if (h->out)
        return true;
    h->out = malloc(OUT_BYTES);
    CHECK(h->out != NULL);
    h->out_start = 0;
    h->out_end = h2_fill(h->h2, h->out, OUT_BYTES);
    if (h->out_end == 0)
        forget_out(h);
    else
        connection_set_deadline_in_ms(c, c->home->options->idle_timeout_ms);
    return h->out != NULL;
}

// OK: all is written, or as much as goes now.
static int
flush(struct http_connection *c)
{
    struct h2_connection *h = c->h2;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        h->has_more = fill_out(c);
        if (!h->has_more)
            return OK;
        struct str rest = {h->out + h->out_start, h->out_end - h->out_start};
        ptrdiff_t n = c->transport->write(c, &rest, 1);
        if (n == E_AGAIN)
            return OK;
        if (n < 0)
            return (int)n;
        h->out_start += (size_t)n;
        if (h->out_start == h->out_end)
            forget_out(h);
    }
    return OK;
}

static void
wait_for_events(struct http_connection *c)
{
    struct h2_connection *h = c->h2;
    if (h->out) { // the deadline stands since it was filled
        connection_watch(c, SOCKET_WRITABLE);
        return;
    }
    if (h2_is_idle(h->h2))
        connection_set_deadline_in_ms(c, c->home->options->idle_timeout_ms);
    else
        connection_set_deadline(c, h2_deadline_ns(h->h2));
    connection_watch(c, SOCKET_READABLE | (h->has_more ? SOCKET_WRITABLE : 0));
}

// Writes what there is, then waits for whatever comes first.
static void
go_on(struct http_connection *c)
{
    struct h2_connection *h = c->h2;
    if (flush(c) != OK)
        give_up(c);
    else if (!h->out && h2_is_over(h->h2))
        end(c, connection_linger);
    else
        wait_for_events(c);
}

// -- reading

// False when the connection is of no further use.
static bool
receive(struct http_connection *c)
{
    char bytes[READ_BYTES];
    for (int i = 0; i < ROUNDS_MAX; i++) {
        ptrdiff_t n = c->transport->read(c, bytes, sizeof(bytes));
        if (n == E_AGAIN)
            return true;
        if (n < 0 || h2_receive(c->h2->h2, (struct str){bytes, (size_t)n}) != OK)
            return false;
    }
    return true;
}

static void
receive_and_go_on(struct http_connection *c)
{
    if (c->h2->out || receive(c))
        go_on(c);
    else
        give_up(c);
}

// -- requests

// In the next turn, with what other streams have to say.
static void
write_soon(struct http_connection *c)
{
    if (!c->h2->ending && !c->h2->out)
        connection_watch(c, SOCKET_READABLE | SOCKET_WRITABLE);
}

// The body of a request, for its handler.
struct h2_body {
    struct stream stream;
    struct h2_stream *s;
    int64_t patience_ns; // how long reads may still wait
};

static int64_t
patience_max_ns(const struct http_connection *c)
{
    return c->home->options->head_timeout_ms * NS_PER_MS;
}

static int
await_progress(struct http_connection *c, int64_t *patience_ns)
{
    int64_t before_ns = connection_now_ns(c);
    int code = fiber_park(before_ns + *patience_ns, FIBER_CANCELLABLE);
    *patience_ns -= connection_now_ns(c) - before_ns;
    return code;
}

static int
h2_body_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct h2_body *b = (struct h2_body *)stream;
    struct http_connection *c = h2_owner(b->s->home);
    int code;
    *got = 0;
    while ((code = h2_read(b->s, out, size, got)) == E_AGAIN) {
        write_soon(c); // windows, or a 100
        TRY(await_progress(c, &b->patience_ns));
    }
    write_soon(c);
    b->patience_ns += (int64_t)*got * NS_PER_BYTE;
    if (b->patience_ns > patience_max_ns(c))
        b->patience_ns = patience_max_ns(c);
    return code;
}

static void
body_init(struct h2_body *b, struct h2_stream *s)
{
    bool has_length = str_is_present(http_request_header(&s->request, STR("content-length")));
    *b = (struct h2_body){
        .stream = {.read = h2_body_read,
                   .length = has_length ? s->content_length : STREAM_LENGTH_UNKNOWN},
        .s = s,
        .patience_ns = patience_max_ns(h2_owner(s->home)),
    };
    if (s->is_streamed)
        s->request.stream = &b->stream;
}

// Until the client has taken it all. E_TIMEOUT when that takes too long.
static int
send_piece(struct http_connection *c, struct h2_stream *s, struct str piece)
{
    int64_t patience_ns = c->home->options->idle_timeout_ms * NS_PER_MS;
    h2_answer_add(s, piece);
    write_soon(c);
    while (s->answer.len > 0 && !s->is_closed)
        TRY(await_progress(c, &patience_ns));
    return s->is_closed ? E_CLOSED : OK;
}

// Never more than the length that was announced.
static int
send_pieces(struct http_connection *c, struct h2_stream *s, struct stream *from)
{
    char *piece = arena_alloc_bytes(&s->arena, PIECE_BYTES);
    int64_t left = from->length == STREAM_LENGTH_UNKNOWN ? INT64_MAX : from->length;
    size_t n = 1;
    while (n > 0 && left > 0) {
        TRY(stream_read(from, piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, &n));
        left -= (int64_t)n;
        if (n > 0)
            TRY(send_piece(c, s, (struct str){piece, n}));
    }
    return from->length == STREAM_LENGTH_UNKNOWN || left == 0 ? OK : E_INVALID;
}

static void
answer_by_stream(struct http_connection *c, struct h2_stream *s, const struct http_response *r)
{
    int code = E_CLOSED;
    h2_answer_begin(s, r);
    write_soon(c);
    if (!s->is_closed)
        code = send_pieces(c, s, r->stream);
    stream_close(r->stream); // may live in the arena of s, which the next line may free
    s->fiber = NULL;
    h2_answer_end(s, code == OK);
}

static void
answer(struct http_connection *c, struct h2_stream *s, struct http_response *r)
{
    if (r->stream && http_response_has_body(r, &s->request)) {
        answer_by_stream(c, s, r);
        return;
    }
    bool is_closed = s->is_closed;
    if (is_closed)
        stream_close(r->stream);
    s->fiber = NULL;
    h2_answer(s, r); // frees s if it is closed, else asks the stream for its length
    if (!is_closed)
        stream_close(r->stream);
}

static void
run(void *arg)
{
    struct h2_stream *s = arg;
    struct http_connection *c = h2_owner(s->home);
    const struct http_server_options *o = c->home->options;
    struct http_response r = {.status = 200};
    struct h2_body body;
    body_init(&body, s);
    o->handler(o->handler_arg, &s->request, &r);
    atomic_fetch_add_explicit(&c->home->requests, 1, memory_order_relaxed);
    answer(c, s, &r);
    c->h2->running--;
    if (c->h2->ending)
        end_when_alone(c);
    else
        write_soon(c);
}

static void
refuse_for_now(struct h2_stream *s)
{
    struct http_response r = {.status = 503, .body = STR("There are too many requests at once.\n")};
    http_response_add(&r, STR("Content-Type"), STR("text/plain"));
    h2_answer(s, &r);
}

static void
note_connection(struct http_connection *c, struct h2_stream *s)
{
    s->request.peer = socket_peer(c->socket);
    s->request.origin = c->origin;
    if (c->tls != NULL)
        tls_stream_note(c, &s->request);
}

static bool
wants_stream(void *owner, struct h2_stream *s)
{
    struct http_connection *c = owner;
    const struct http_server_options *o = c->home->options;
    note_connection(c, s);
    return o->wants_stream && o->wants_stream(o->handler_arg, &s->request);
}

static void
on_progress(void *owner, struct h2_stream *s)
{
    if (s->fiber)
        fiber_wake(s->fiber);
}

static void
on_request(void *owner, struct h2_stream *s)
{
    struct http_connection *c = owner;
    note_connection(c, s);
    if (fiber_start(c->home->loop, "http2", run, s, &s->fiber) == OK)
        c->h2->running++;
    else
        refuse_for_now(s);
}

static void
on_cancel(void *owner, struct h2_stream *s)
{
    if (s->fiber)
        fiber_cancel(s->fiber);
}

static void
on_refuse(void *owner, const struct h2_stream *s)
{
    struct http_connection *c = owner;
    atomic_fetch_add_explicit(&c->home->rejected, 1, memory_order_relaxed);
    if (c->home->options->log)
        log_event(c->home->options->log, LOG_DEBUG, "http_rejected", "peer=%s status=%d",
                  socket_peer(c->socket), s->error_status);
}

static int64_t
now_ns(void *owner)
{
    return connection_now_ns(owner);
}

static struct str
date(void *owner)
{
    return connection_date(owner);
}

// -- the protocol

static void
h2_on_ready(struct http_connection *c, unsigned events)
{
    if (events & SOCKET_READABLE)
        receive_and_go_on(c);
    else
        go_on(c);
}

static void
h2_on_deadline(struct http_connection *c)
{
    struct h2_connection *h = c->h2;
    if (h->out) {
        give_up(c);
        return;
    }
    if (h2_is_idle(h->h2))
        h2_drain(h->h2);
    else
        h2_expire(h->h2);
    go_on(c);
}

static void
h2_on_drain(struct http_connection *c)
{
    if (c->h2->ending)
        return;
    if (!c->h2->out && !receive(c)) {
        give_up(c);
        return;
    }
    h2_drain(c->h2->h2);
    go_on(c);
}

static void
h2_fini(struct http_connection *c)
{
    h2_free(c->h2->h2);
    free(c->h2->out);
    free(c->h2);
    c->h2 = NULL;
}

const struct http_protocol h2_protocol = {
    .on_ready = h2_on_ready,
    .on_deadline = h2_on_deadline,
    .drain = h2_on_drain,
    .cancel = give_up,
    .fini = h2_fini,
};

static void
start_session(struct http_connection *c)
{
    const struct http_server_options *o = c->home->options;
    const struct h2_events events = {
        .wants_stream = wants_stream,
        .on_request = on_request,
        .on_progress = on_progress,
        .on_cancel = on_cancel,
        .on_refuse = on_refuse,
        .now_ns = now_ns,
        .date = date,
        .head_timeout_ms = o->head_timeout_ms,
        .send_timeout_ms = o->idle_timeout_ms,
        .memory = &o->memory,
    };
    c->protocol = &h2_protocol;
    c->h2 = calloc(1, sizeof(*c->h2));
    CHECK(c->h2 != NULL);
    c->h2->h2 = h2_new(&events, c);
}

void
h2_start(struct http_connection *c, size_t held)
{
    start_session(c);
    int code = OK;
    if (held > 0) {
        size_t size;
        const char *bytes = http_reader_space(c->reader, &size);
        code = h2_receive(c->h2->h2, (struct str){bytes, held});
    }
    connection_give_reader_back(c);
    if (code != OK)
        give_up(c);
    else if (c->home->is_draining)
        h2_on_drain(c);
    else
        receive_and_go_on(c);
}
