// Tests of server.h: what a client sees on one connection.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "src/http/test_one_client.h"

static void
connection_is_kept_for_many_requests(void **state)
{
    for (int i = 0; i < 200; i++) {
        client_send(&c, STR(GET("/a")));
        expect_answer(200, STR("/a"));
    }
    assert_true(has_line("\r\nDate: ") && has_line("GMT\r\n"));
    assert_true(has_line("\r\nContent-Length: 2\r\n"));
    assert_true(has_line("\r\nX-Method: GET\r\n") && has_line("\r\nX-Peer: 127.0.0.1:"));
    assert_false(has_line("Connection:"));
    struct http_server_stats stats;
    http_server_stats_get(x.server, &stats);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(stats.requests, 200);
    assert_int_equal(stats.rejected, 0);
}

enum { PIPELINED = 100, STRIDE = 29 };

// GET /0, GET /1 and so on. ends[i] is where request i ends.
static size_t
print_requests(char *out, size_t size, size_t ends[PIPELINED])
{
    size_t len = 0;
    for (int i = 0; i < PIPELINED; i++) {
        len += (size_t)snprintf(out + len, size - len, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
        ends[i] = len;
    }
    return len;
}

// Sends bytes[from, to) and receives the answers to the requests that are complete then.
// What was sent has been read when they are there.
static int
exchange(const char *bytes, size_t from, size_t to, const size_t *ends, int answered)
{
    client_send(&c, (struct str){bytes + from, to - from});
    for (; answered < PIPELINED && ends[answered] <= to; answered++) {
        char path[16];
        snprintf(path, sizeof(path), "/%d", answered);
        expect_answer(200, str_of(path));
    }
    return answered;
}

// Every byte boundary is a split in one of the rounds, and requests are split at ever other places.
static void
pipelined_requests_are_answered_in_order_wherever_they_are_split(void **state)
{
    char bytes[PIPELINED * 40];
    size_t ends[PIPELINED];
    size_t len = print_requests(bytes, sizeof(bytes), ends);
    for (size_t first = 1; first <= STRIDE; first++) {
        int answered = exchange(bytes, 0, first, ends, 0);
        size_t at = first;
        for (; at + STRIDE < len; at += STRIDE)
            answered = exchange(bytes, at, at + STRIDE, ends, answered);
        assert_int_equal(exchange(bytes, at, len, ends, answered), PIPELINED);
    }
}

// As many in one piece as one read takes, and more.
static void
pipelined_requests_may_come_all_at_once(void **state)
{
    char bytes[PIPELINED * 40];
    size_t ends[PIPELINED];
    size_t len = print_requests(bytes, sizeof(bytes), ends);
    for (int i = 0; i < 10; i++)
        client_send(&c, (struct str){bytes, len});
    for (int i = 0; i < 10; i++)
        assert_int_equal(exchange(bytes, len, len, ends, 0), PIPELINED);
}

static void
every_boundary_of_one_request_may_be_a_split(void **state)
{
    struct str request = STR(POST("/echo", "Content-Length: 3") "abc" GET("/x"));
    for (size_t split = 1; split < request.len; split++) {
        // The answer to a whole request before the split shows that the first part was read.
        client_send(&c, STR(GET("/first")));
        client_send(&c, str_slice(request, 0, split));
        expect_answer(200, STR("/first"));
        client_send(&c, str_slice(request, split, request.len));
        expect_answer(200, STR("abc"));
        expect_answer(200, STR("/x"));
    }
}

static void
chunked_bodies_are_decoded(void **state)
{
    struct str request = STR(
        POST("/echo",
             "Transfer-Encoding: chunked") "3;x=y\r\nabc\r\n"
                                           "b\r\n defghijklm\r\n0\r\nSum: 1\r\n\r\n" GET("/next"));
    for (size_t split = 1; split < request.len; split += 5) {
        client_send(&c, str_slice(request, 0, split));
        client_send(&c, str_slice(request, split, request.len));
        expect_answer(200, STR("abc defghijklm"));
        expect_answer(200, STR("/next"));
    }
}

static void
large_bodies_go_both_ways(void **state)
{
    client_send(&c, STR(POST("/echo", "Content-Length: 8388608")));
    client_send(&c, (struct str){x.big, BIG_BYTES});
    client_receive(&c, &got, true);
    assert_int_equal(got.body_len, BIG_BYTES);
    assert_memory_equal(got.body, x.big, sizeof(got.body));
    client_send(&c, STR(GET("/big") GET("/after")));
    client_receive(&c, &got, true);
    assert_int_equal(got.body_len, BIG_BYTES);
    expect_answer(200, STR("/after"));
}

static void
continue_is_sent_when_the_client_waits_for_it(void **state)
{
    client_send(&c, STR(POST("/echo", "Content-Length: 3\r\nExpect: 100-continue")));
    client_receive(&c, &got, false);
    assert_string_equal(got.head, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&c, STR("a"));
    client_send(&c, STR("bc"));
    expect_answer(200, STR("abc"));
    // Not when the body is there, nor when there is none.
    client_send(&c, STR(POST("/echo", "Content-Length: 3\r\nExpect: 100-continue") "abc"));
    expect_answer(200, STR("abc"));
    client_send(&c, STR(POST("/echo", "Expect: 100-continue")));
    expect_answer(200, STR(""));
}

static void
some_answers_have_no_body(void **state)
{
    client_send(&c, STR("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n"));
    client_receive(&c, &got, false);
    assert_true(has_line("\r\nContent-Length: 4\r\n"));
    client_send(&c, STR(GET("/204") GET("/304")));
    client_receive(&c, &got, true);
    assert_true(got.status == 204 && !has_line("Content-Length"));
    client_receive(&c, &got, true);
    assert_true(got.status == 304 && !has_line("Content-Length"));
    client_send(&c, STR(GET("/end")));
    expect_answer(200, STR("/end"));
}

static void
client_and_handler_may_end_the_connection(void **state)
{
    const struct str requests[] = {
        STR(GET("/close")),
        STR("GET /close HTTP/1.0\r\n\r\n"),
        STR("GET /close HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
    };
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        client_send(&c, requests[i]);
        expect_answer(200, STR("/close"));
        assert_true(has_line("\r\nConnection: close\r\n"));
        client_expect_closed(&c);
        client_close(&c);
        assert_true(client_connect(&c, &x));
    }
}

static void
version_zero_keeps_the_connection_when_asked(void **state)
{
    for (int i = 0; i < 2; i++) {
        client_send(&c, STR("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
        expect_answer(200, STR("/old"));
        assert_true(has_line("\r\nConnection: keep-alive\r\n"));
    }
}

static void
expect_refused(struct str request, int status)
{
    struct http_server_stats before, after;
    http_server_stats_get(x.server, &before);
    assert_true(client_connect(&c, &x));
    client_send(&c, STR(GET("/before")));
    client_send(&c, request);
    expect_answer(200, STR("/before"));
    client_receive(&c, &got, true);
    assert_int_equal(got.status, status);
    assert_true(got.body_len > 0 && has_line("\r\nConnection: close\r\n"));
    assert_true(has_line("\r\nContent-Type: text/plain\r\n"));
    // The server waits for the client to close first, for a while.
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    client_expect_closed(&c);
    client_close(&c);
    http_server_stats_get(x.server, &after);
    assert_int_equal(after.rejected, before.rejected + 1);
}

// start, many a's, end.
static struct str
long_request(char *memory, size_t len, struct str start, struct str end)
{
    memset(memory, 'a', len);
    memcpy(memory, start.ptr, start.len);
    memcpy(memory + len - end.len, end.ptr, end.len);
    return (struct str){memory, len};
}

static void
what_is_no_http_is_refused(void **state)
{
    client_close(&c);
    static char memory[70000];
    expect_refused(STR("\x16\x03\x01 TLS"), 400);
    expect_refused(STR("GET / HTTP/1.1\r\n\r\n"), 400);
    expect_refused(STR(POST("/", "Content-Length: 1\r\nTransfer-Encoding: chunked")), 400);
    expect_refused(STR(POST("/", "Transfer-Encoding: chunked") "x\r\n"), 400);
    expect_refused(STR(POST("/", "Content-Length: 16777217") "abc"), 413);
    expect_refused(STR(POST("/", "Transfer-Encoding: chunked") "1000001\r\nabc"), 413);
    expect_refused(long_request(memory, 17000, STR("GET /"), STR(" HTTP/1.1\r\nHost: h\r\n\r\n")),
                   414);
    expect_refused(STR(POST("/", "Expect: something")), 417);
    expect_refused(long_request(memory, sizeof(memory), STR("GET / HTTP/1.1\r\nA: "), STR("")),
                   431);
    expect_refused(STR(POST("/", "Transfer-Encoding: gzip")), 501);
    expect_refused(STR("GET / HTTP/3.0\r\nHost: h\r\n\r\n"), 505);
    assert_true(client_connect(&c, &x));
}

static void
refusal_reaches_a_client_that_still_sends(void **state)
{
    client_send(&c, STR(POST("/", "Content-Length: 16777217")));
    client_send(&c, (struct str){x.big, 1024 * 1024});
    client_receive(&c, &got, true);
    assert_int_equal(got.status, 413);
    // Were the connection closed, the first would be answered by a reset and the second fail.
    client_send(&c, STR("more"));
    client_send(&c, STR("and more"));
}

static void
gone_client_cancels_the_handler(void **state)
{
    client_send(&c, STR(GET("/sleep")));
    await_count(&x.waiting, 1);
    client_close(&c);
    await_count(&x.cancelled, 1);
    assert_true(client_connect(&c, &x));
}

static void
reset_connection_cancels_the_handler(void **state)
{
    client_send(&c, STR(GET("/sleep")));
    await_count(&x.waiting, 1);
    struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    client_close(&c);
    await_count(&x.cancelled, 1);
    assert_true(client_connect(&c, &x));
}

static void
half_closed_client_gets_what_it_asked_for(void **state)
{
    client_send(&c, STR(GET("/gate") GET("/a") GET("/b")));
    await_count(&x.waiting, 1);
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    fixture_open_gate(&x);
    expect_answer(200, STR("opened"));
    expect_answer(200, STR("/a"));
    expect_answer(200, STR("/b"));
    client_expect_closed(&c);
    assert_int_equal(atomic_load(&x.cancelled), 0);
}

static void
requests_of_one_connection_never_overlap(void **state)
{
    client_send(&c, STR(GET("/gate") GET("/gate") GET("/gate")));
    await_count(&x.waiting, 1);
    // Another connection is served meanwhile, on whichever loop.
    struct client *other = malloc(sizeof(*other));
    assert_non_null(other);
    for (int i = 0; i < 8; i++) {
        assert_true(client_connect(other, &x));
        client_send(other, STR(GET("/other")));
        client_receive(other, &got, true);
        assert_int_equal(got.status, 200);
        client_close(other);
    }
    free(other);
    assert_int_equal(atomic_load(&x.waiting), 1);
    fixture_open_gate(&x);
    for (int i = 0; i < 3; i++)
        expect_answer(200, STR("opened"));
}

static void
taken_address_is_told(void **state)
{
    struct http_server_options options = x.options;
    struct http_server *second;
    assert_int_equal(http_server_new(x.rt, &options, &second), E_EXISTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connection_is_kept_for_many_requests),
        TEST(pipelined_requests_are_answered_in_order_wherever_they_are_split),
        TEST(pipelined_requests_may_come_all_at_once),
        TEST(every_boundary_of_one_request_may_be_a_split),
        TEST(chunked_bodies_are_decoded),
        TEST(large_bodies_go_both_ways),
        TEST(continue_is_sent_when_the_client_waits_for_it),
        TEST(some_answers_have_no_body),
        TEST(client_and_handler_may_end_the_connection),
        TEST(version_zero_keeps_the_connection_when_asked),
        TEST(what_is_no_http_is_refused),
        TEST(refusal_reaches_a_client_that_still_sends),
        TEST(gone_client_cancels_the_handler),
        TEST(reset_connection_cancels_the_handler),
        TEST(half_closed_client_gets_what_it_asked_for),
        TEST(requests_of_one_connection_never_overlap),
        TEST(taken_address_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
