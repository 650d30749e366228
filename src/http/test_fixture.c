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
    assert_int_equal(runtime_new(runtime, &x->rt), OK);
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &x->options.address), OK);
    assert_int_equal(http_server_new(x->rt, &x->options, &x->server), OK);
    assert_true(x->options.address.port != 0);
}

void
fixture_end(struct fixture *x)
{
    http_server_free(x->server, deadline_in_ms(x->rt, FAR_MS));
    lot_free(x->lot);
    runtime_free(x->rt);
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
receive_body(struct client *c, struct answer *out, size_t len)
{
    while (out->body_len < len) {
        if (c->len == 0)
            receive_some(c);
        size_t n = c->len < len - out->body_len ? c->len : len - out->body_len;
        if (out->body_len < sizeof(out->body)) {
            size_t room = sizeof(out->body) - out->body_len;
            memcpy(out->body + out->body_len, c->bytes, n < room ? n : room);
        }
        out->body_len += n;
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
