// What the tests of the server share.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/test_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/parser.h"
#include "src/http/websocket.h"

static void
answer_gate(struct fixture *x, struct http_response *response)
{
    struct lot_ticket ticket;
    int code = OK;
    atomic_fetch_add(&x->waiting, 1);
    while (code == OK) {
        lot_enter(x->lot, STR("gate"), &ticket);
        bool is_open = atomic_load(&x->is_gate_open);
        if (!is_open)
            code = lot_wait(&ticket, DEADLINE_NEVER);
        lot_leave(&ticket, is_open);
        if (is_open)
            break;
    }
    if (code == E_CANCELLED)
        atomic_fetch_add(&x->cancelled, 1);
    response->body = code == OK ? STR("opened") : STR("cancelled");
}

static void
answer_sleep(struct fixture *x, struct http_response *response)
{
    atomic_fetch_add(&x->waiting, 1);
    if (fiber_sleep_until(DEADLINE_NEVER) == E_CANCELLED)
        atomic_fetch_add(&x->cancelled, 1);
    response->status = 503;
    response->body = STR("cancelled");
}

// A response of its own: `left` bytes that count up, then the end or an error.
struct made_stream {
    struct stream stream;
    struct fixture *x;
    size_t left;
    unsigned char next;
    int end;
};

static int
made_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct made_stream *m = (struct made_stream *)stream;
    *got = m->left < size ? m->left : size;
    for (size_t i = 0; i < *got; i++)
        ((unsigned char *)out)[i] = m->next++;
    m->left -= *got;
    if (*got > 0)
        return OK;
    if (m->end != E_CANCELLED)
        return m->end;
    atomic_fetch_add(&m->x->waiting, 1);
    int code = fiber_sleep_until(DEADLINE_NEVER);
    atomic_fetch_add(&m->x->cancelled, code == E_CANCELLED);
    return code;
}

static void
made_close(struct stream *stream)
{
    atomic_fetch_add(&((struct made_stream *)stream)->x->closed, 1);
}

static void
make(struct fixture *x, const struct http_request *request, struct http_response *response,
     int64_t length, int end)
{
    struct made_stream *m = ARENA_NEW(request->arena, struct made_stream);
    *m = (struct made_stream){
        .stream = {.read = made_read, .close = made_close, .length = length},
        .x = x,
        .left = MADE_BYTES,
        .end = end,
    };
    response->stream = &m->stream;
}

static void
count_body(const struct http_request *request, struct http_response *response)
{
    char piece[1000];
    size_t n = 1;
    int64_t len = 0;
    int code = OK;
    if (request->stream == NULL)
        n = 0;
    while (n > 0 && code == OK) {
        code = stream_read(request->stream, piece, sizeof(piece), &n);
        len += (int64_t)n;
    }
    struct buf b;
    buf_init(&b, request->arena, 64);
    buf_print(&b, "%lld %s", (long long)len, code_name(code));
    for (size_t i = 0; i < request->trailer_count; i++)
        buf_print(&b, " " STR_FMT "=" STR_FMT, STR_ARG(request->trailers[i].name),
                  STR_ARG(request->trailers[i].value));
    response->body = buf_str(&b);
}

static void
hold(struct fixture *x, const struct http_request *request, struct http_response *response)
{
    answer_gate(x, response);
    count_body(request, response);
}

static void
handle_stream(struct fixture *x, const struct http_request *request, struct str name,
              struct http_response *response)
{
    if (str_eq(name, STR("echo")))
        response->stream = request->stream;
    else if (str_eq(name, STR("count")))
        count_body(request, response);
    else if (str_eq(name, STR("hold")))
        hold(x, request, response);
    else if (str_eq(name, STR("made")))
        make(x, request, response, STREAM_LENGTH_UNKNOWN, OK);
    else if (str_eq(name, STR("sized")))
        make(x, request, response, MADE_BYTES, OK);
    else if (str_eq(name, STR("short")))
        make(x, request, response, MADE_BYTES + 1, OK);
    else if (str_eq(name, STR("broken")))
        make(x, request, response, STREAM_LENGTH_UNKNOWN, E_IO);
    else if (str_eq(name, STR("endless")))
        make(x, request, response, STREAM_LENGTH_UNKNOWN, E_CANCELLED);
}

struct push {
    struct websocket *ws;
    struct fiber *owner;
    int left;
};

static void
push_one(void *arg)
{
    struct push *p = arg;
    char *bytes = malloc(PUSHED_BYTES);
    assert_non_null(bytes);
    memset(bytes, 'a' + p->left, PUSHED_BYTES);
    assert_int_equal(websocket_write(p->ws, WEBSOCKET_BINARY, (struct str){bytes, PUSHED_BYTES}),
                     OK);
    free(bytes);
    p->left--;
    fiber_wake(p->owner);
}

static void
push(struct websocket *ws)
{
    struct push p = {.ws = ws, .owner = fiber_self(), .left = PUSHERS};
    for (int i = 0; i < PUSHERS; i++)
        assert_int_equal(fiber_start(websocket_loop(ws), "push", push_one, &p, NULL), OK);
    while (p.left > 0)
        assert_int_equal(fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE), OK);
}

static void
echo_messages(void *arg, struct websocket *ws)
{
    struct fixture *x = arg;
    enum websocket_kind kind;
    struct str message;
    int code;
    atomic_fetch_add(&x->waiting, 1);
    while ((code = websocket_read(ws, DEADLINE_NEVER, &kind, &message)) == OK) {
        if (str_eq(message, STR("close")))
            websocket_close(ws, 4000, STR("as you wish"));
        else if (str_eq(message, STR("push")))
            push(ws);
        else if (websocket_write(ws, kind, message) != OK)
            break;
    }
    atomic_store(&x->close_code, websocket_close_code(ws));
    atomic_fetch_add(&x->cancelled, code == E_CANCELLED);
    atomic_fetch_add(&x->closed, 1);
}

static void
accept_websocket(struct fixture *x, const struct http_request *request,
                 struct http_response *response)
{
    struct websocket_options options = {
        .message_bytes_max = MESSAGE_BYTES_MAX, .fn = echo_messages, .arg = x};
    if (websocket_is_offered(request, STR("chat")))
        options.protocol = STR("chat");
    (void)websocket_accept(request, response, &options);
}

static bool
is_stream(struct str path)
{
    return str_starts(path, STR("/stream/"));
}

static bool
wants_stream(void *arg, const struct http_request *request)
{
    assert_true(request->received_ns > 0 && request->peer != NULL);
    return is_stream(request->path);
}

static bool
take_memory(void *arg, size_t bytes)
{
    struct fixture *x = arg;
    size_t taken = atomic_fetch_add(&x->taken, bytes) + bytes;
    if (x->taken_max == 0 || taken <= x->taken_max)
        return true;
    atomic_fetch_sub(&x->taken, bytes);
    return false;
}

static void
give_memory(void *arg, size_t bytes)
{
    struct fixture *x = arg;
    assert_true(atomic_fetch_sub(&x->taken, bytes) >= bytes);
}

static void
handle(void *arg, const struct http_request *request, struct http_response *response)
{
    struct fixture *x = arg;
    response->body = request->path;
    if (str_eq(request->path, STR("/echo")))
        response->body = request->body;
    else if (str_eq(request->path, STR("/gate")))
        answer_gate(x, response);
    else if (str_eq(request->path, STR("/sleep")))
        answer_sleep(x, response);
    else if (str_eq(request->path, STR("/big")))
        response->body = (struct str){x->big, BIG_BYTES};
    else if (str_eq(request->path, STR("/204")))
        response->status = 204;
    else if (str_eq(request->path, STR("/304")))
        response->status = 304;
    else if (str_eq(request->path, STR("/cookie")))
        response->body = http_request_header(request, STR("Cookie"));
    else if (str_eq(request->path, STR("/close")))
        response->must_close = true;
    else if (str_eq(request->path, STR("/websocket")))
        accept_websocket(x, request, response);
    else if (is_stream(request->path))
        handle_stream(x, request, str_slice(request->path, 8, request->path.len), response);
    http_response_add(response, STR("X-Method"), request->method);
    http_response_add(response, STR("X-Peer"), str_of(request->peer));
    assert_true(request->received_ns > 0);
}

void
fixture_start(struct fixture *x, const struct runtime_options *runtime,
              const struct http_server_options *options)
{
    *x = (struct fixture){.options = *options, .lot = lot_new(), .big = malloc(BIG_BYTES)};
    assert_non_null(x->big);
    memset(x->big, 'b', BIG_BYTES);
    x->options.handler = handle;
    x->options.handler_arg = x;
    x->options.wants_stream = wants_stream;
    x->options.memory = (struct http_memory){take_memory, give_memory, x};
    assert_int_equal(runtime_new(runtime, &x->rt), OK);
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &x->options.address), OK);
    assert_int_equal(http_server_new(x->rt, &x->options, &x->server), OK);
    assert_true(x->options.address.port != 0);
}

void
fixture_end(struct fixture *x)
{
    fixture_end_within(x, FAR_MS);
}

void
fixture_end_within(struct fixture *x, int64_t ms)
{
    http_server_free(x->server, deadline_in_ms(x->rt, ms));
    lot_free(x->lot);
    runtime_free(x->rt);
    assert_int_equal(atomic_load(&x->taken), 0);
    free(x->big);
}

void
fixture_open_gate(struct fixture *x)
{
    atomic_store(&x->is_gate_open, true);
    lot_wake(x->lot, STR("gate"), SIZE_MAX);
}

void
await_count(const atomic_int *value, int wanted)
{
    for (int i = 0; i < FAR_MS && atomic_load(value) < wanted; i++)
        usleep(1000);
    assert_int_equal(atomic_load(value), wanted);
}

bool
client_connect(struct client *c, const struct fixture *x)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(x->options.address.port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->len = 0;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(c->fd >= 0);
    int one = 1;
    assert_int_equal(setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
    struct timeval limit = {.tv_sec = FAR_MS / 1000};
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return true;
    assert_true(errno == ECONNREFUSED || errno == ECONNRESET);
    client_close(c);
    return false;
}

void
client_send(struct client *c, struct str bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = send(c->fd, bytes.ptr + done, bytes.len - done, MSG_NOSIGNAL);
        assert_true(n > 0);
        done += (size_t)n;
    }
}

static void
receive_some(struct client *c)
{
    assert_true(c->len < sizeof(c->bytes));
    ssize_t n = recv(c->fd, c->bytes + c->len, sizeof(c->bytes) - c->len, 0);
    if (n <= 0)
        fail_msg("no answer: %s", n == 0 ? "closed" : strerror(errno));
    c->len += (size_t)n;
}

static void
use_up(struct client *c, size_t n)
{
    c->len -= n;
    memmove(c->bytes, c->bytes + n, c->len);
}

static size_t
content_length(const char *head)
{
    const char *at = strstr(head, "\r\nContent-Length: ");
    return at ? strtoul(at + strlen("\r\nContent-Length: "), NULL, 10) : 0;
}

static void
keep(struct answer *out, const char *bytes, size_t n)
{
    if (out->body_len < sizeof(out->body)) {
        size_t room = sizeof(out->body) - out->body_len;
        memcpy(out->body + out->body_len, bytes, n < room ? n : room);
    }
    out->body_len += n;
}

static void
receive_chunks(struct client *c, struct answer *out)
{
    struct http_chunks chunks = {0};
    enum http_parse result = HTTP_PARSE_MORE;
    while (result == HTTP_PARSE_MORE) {
        size_t consumed, produced;
        if (c->len == 0)
            receive_some(c);
        result = http_chunks_decode(&chunks, c->bytes, c->len, &consumed, &produced);
        keep(out, c->bytes, produced);
        use_up(c, consumed);
    }
    assert_int_equal(result, HTTP_PARSE_DONE);
}

static void
receive_body(struct client *c, struct answer *out, size_t len)
{
    while (out->body_len < len) {
        if (c->len == 0)
            receive_some(c);
        size_t n = c->len < len - out->body_len ? c->len : len - out->body_len;
        keep(out, c->bytes, n);
        use_up(c, n);
    }
}

void
client_receive(struct client *c, struct answer *out, bool has_body)
{
    ptrdiff_t end;
    while ((end = str_find((struct str){c->bytes, c->len}, STR("\r\n\r\n"))) < 0)
        receive_some(c);
    size_t head_len = (size_t)end + 4;
    assert_true(head_len < sizeof(out->head));
    memset(out, 0, sizeof(*out));
    memcpy(out->head, c->bytes, head_len);
    use_up(c, head_len);
    assert_memory_equal(out->head, "HTTP/1.1 ", 9);
    int64_t status;
    assert_int_equal(str_to_int64((struct str){out->head + 9, 3}, &status), OK);
    out->status = (int)status;
    if (has_body && strstr(out->head, "\r\nTransfer-Encoding: chunked\r\n"))
        receive_chunks(c, out);
    else
        receive_body(c, out, has_body ? content_length(out->head) : 0);
}

void
client_expect_closed(struct client *c)
{
    assert_int_equal(c->len, 0);
    char byte;
    ssize_t n = recv(c->fd, &byte, 1, 0);
    // A reset is a close too: the server dropped bytes that nobody waited for.
    if (n > 0 || (n < 0 && errno != ECONNRESET))
        fail_msg("not closed: %zd, %s", n, n < 0 ? strerror(errno) : "a byte");
}

void
client_close(struct client *c)
{
    close(c->fd);
}
