// Tests of server.h: bodies as streams, over HTTP/1.1.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/test_one_client.h"

#define CHUNKED "Transfer-Encoding: chunked"

enum { SHORT_MS = 50 };

static void
expect_made_body(void)
{
    assert_int_equal(got.body_len, MADE_BYTES);
    for (size_t i = 0; i < sizeof(got.body); i++)
        assert_int_equal((unsigned char)got.body[i], i % 256);
}

static void
bodies_are_read_by_the_handler_wherever_they_are_split(void **state)
{
    struct str request = STR(POST("/stream/count", "Content-Length: 5") "hello" POST(
        "/stream/count",
        CHUNKED) "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nSum: 1\r\nb:\r\n\r\n" POST("/stream/count",
                                                                             "Content-Length: 0")
                                 GET("/next"));
    for (size_t split = 1; split < request.len; split++) {
        client_send(&c, str_slice(request, 0, split));
        client_send(&c, str_slice(request, split, request.len));
        expect_answer(200, STR("5 ok"));
        expect_answer(200, STR("5 ok Sum=1 b="));
        expect_answer(200, STR("0 ok"));
        expect_answer(200, STR("/next"));
    }
}

static void
echo_goes_both_ways_at_once(void **state)
{
    client_send(&c, STR(POST("/stream/echo", "Content-Length: 11") "hello "));
    client_receive(&c, &got, false); // its head is there before the body's end
    assert_true(has_line("\r\nContent-Length: 11\r\n"));
    client_send(&c, STR("world" POST("/stream/echo", CHUNKED) "3\r\nabc\r\n"));
    while (c.len < 11) {
        ssize_t n = recv(c.fd, c.bytes + c.len, 11 - c.len, 0);
        assert_true(n > 0);
        c.len += (size_t)n;
    }
    assert_memory_equal(c.bytes, "hello world", 11);
    c.len = 0;
    client_send(&c, STR("0\r\n\r\n" GET("/next")));
    expect_answer(200, STR("abc"));
    assert_true(has_line("\r\nTransfer-Encoding: chunked\r\n"));
    expect_answer(200, STR("/next"));
}

static void
streams_are_sent_as_they_are_made(void **state)
{
    client_send(&c, STR(GET("/stream/made") GET("/stream/sized") "HEAD /stream/sized HTTP/1.1\r\n"
                                                                 "Host: h\r\n\r\n" GET("/next")));
    client_receive(&c, &got, true);
    assert_true(has_line("\r\nTransfer-Encoding: chunked\r\n"));
    expect_made_body();
    client_receive(&c, &got, true);
    assert_true(has_line("\r\nContent-Length: 1000000\r\n") && !has_line("Transfer-Encoding"));
    expect_made_body();
    client_receive(&c, &got, false);
    assert_true(has_line("\r\nContent-Length: 1000000\r\n"));
    expect_answer(200, STR("/next"));
    assert_int_equal(atomic_load(&x.closed), 3);
}

static size_t
receive_rest(void)
{
    size_t len = c.len;
    ssize_t n;
    c.len = 0;
    while ((n = recv(c.fd, c.bytes, sizeof(c.bytes), 0)) > 0)
        len += (size_t)n;
    return len;
}

static void
old_clients_read_streams_to_the_end_of_the_connection(void **state)
{
    client_send(&c, STR("GET /stream/made HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    client_receive(&c, &got, false);
    assert_true(has_line("\r\nConnection: close\r\n"));
    assert_false(has_line("Transfer-Encoding") || has_line("Content-Length"));
    assert_int_equal(receive_rest(), MADE_BYTES);
}

// Whoever gets less than was announced, or no last chunk, knows that something is missing.
static void
broken_streams_end_the_connection(void **state)
{
    client_send(&c, STR(GET("/stream/short")));
    client_receive(&c, &got, false);
    assert_true(has_line("\r\nContent-Length: 1000001\r\n"));
    assert_int_equal(receive_rest(), MADE_BYTES);
    client_close(&c);
    assert_true(client_connect(&c, &x));
    client_send(&c, STR(GET("/stream/broken")));
    client_receive(&c, &got, false);
    (void)receive_rest();
    assert_int_equal(atomic_load(&x.closed), 2);
    // The last bytes are not those of a last chunk.
    assert_memory_not_equal(c.bytes, "0\r\n\r\n", 5);
}

static void
continue_is_sent_at_the_first_read(void **state)
{
    client_send(&c, STR(POST("/stream/hold", "Content-Length: 3\r\nExpect: 100-continue")));
    await_count(&x.waiting, 1);
    assert_true(recv(c.fd, c.bytes, 1, MSG_DONTWAIT) < 0);
    fixture_open_gate(&x);
    client_receive(&c, &got, false);
    assert_string_equal(got.head, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&c, STR("abc"));
    expect_answer(200, STR("3 ok"));
    // Before the head of an answer that is made of it.
    client_send(&c, STR(POST("/stream/echo", "Content-Length: 3\r\nExpect: 100-continue")));
    client_receive(&c, &got, false);
    assert_string_equal(got.head, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&c, STR("abc"));
    expect_answer(200, STR("abc"));
    // Who answers without reading does not ask for the body, and it cannot come after that.
    client_send(&c, STR(POST("/stream/ignore", "Content-Length: 3\r\nExpect: 100-continue")));
    expect_answer(200, STR("/stream/ignore"));
    assert_true(has_line("\r\nConnection: close\r\n"));
    assert_int_equal(receive_rest(), 0);
}

static void
unread_bodies_are_dropped_or_end_the_connection(void **state)
{
    client_send(&c, STR(POST("/stream/ignore", "Content-Length: 3") "abc" GET("/next")));
    expect_answer(200, STR("/stream/ignore"));
    expect_answer(200, STR("/next"));
    client_send(&c, STR(POST("/stream/ignore", CHUNKED) "3\r\nabc\r\n0\r\n\r\n" GET("/next")));
    expect_answer(200, STR("/stream/ignore"));
    expect_answer(200, STR("/next"));
    client_send(&c, STR(POST("/stream/ignore", "Content-Length: 8388608")));
    expect_answer(200, STR("/stream/ignore"));
    assert_true(has_line("\r\nConnection: close\r\n"));
    // What still comes is read for a while, so that the answer is not lost.
    client_send(&c, (struct str){x.big, BIG_BYTES / 4});
    assert_int_equal(receive_rest(), 0);
}

static void
bodies_have_no_limit_but_the_handlers(void **state)
{
    client_send(&c, STR(POST("/stream/count", "Content-Length: 33554432")));
    for (int i = 0; i < 4; i++)
        client_send(&c, (struct str){x.big, BIG_BYTES});
    expect_answer(200, STR("33554432 ok"));
    client_send(&c, STR(POST("/stream/count", CHUNKED) "2000000\r\n"));
    for (int i = 0; i < 4; i++)
        client_send(&c, (struct str){x.big, BIG_BYTES});
    client_send(&c, STR("\r\n0\r\n\r\n"));
    expect_answer(200, STR("33554432 ok"));
}

// A handler that does not read keeps the client from sending more than the sockets hold.
static void
slow_handlers_slow_the_client(void **state)
{
    client_send(&c, STR(POST("/stream/hold", "Content-Length: 67108864")));
    await_count(&x.waiting, 1);
    size_t sent = 0;
    ssize_t n;
    int idle = 0;
    while (idle < 100 && sent < 8 * BIG_BYTES) {
        n = send(c.fd, x.big, BIG_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (size_t)n : 0;
        if (n <= 0)
            usleep(1000);
    }
    assert_true(sent < 4 * BIG_BYTES);
    fixture_open_gate(&x);
    for (size_t left = 8 * (size_t)BIG_BYTES - sent; left > 0; left -= (size_t)n) {
        n = send(c.fd, x.big, left < BIG_BYTES ? left : BIG_BYTES, MSG_NOSIGNAL);
        assert_true(n > 0);
    }
    expect_answer(200, STR("67108864 ok"));
}

static void
broken_bodies_fail_the_read(void **state)
{
    client_send(&c, STR(POST("/stream/count", CHUNKED) "3\r\nabcX"));
    client_receive(&c, &got, true);
    assert_non_null(strstr(got.body, " invalid"));
    assert_true(has_line("\r\nConnection: close\r\n"));
    client_expect_closed(&c);
    client_close(&c);
    assert_true(client_connect(&c, &x));
    client_send(&c, STR(POST("/stream/count", "Content-Length: 5") "abc"));
    shutdown(c.fd, SHUT_WR);
    expect_answer(200, STR("3 closed"));
    client_expect_closed(&c);
}

static void
clients_that_stop_sending_time_out(void **state)
{
    restart(&(struct http_server_options){.head_timeout_ms = SHORT_MS});
    client_send(&c, STR(POST("/stream/count", "Content-Length: 5") "abc"));
    expect_answer(200, STR("3 timeout"));
    assert_true(has_line("\r\nConnection: close\r\n"));
}

static void
clients_that_do_not_read_a_stream_time_out(void **state)
{
    restart(&(struct http_server_options){.idle_timeout_ms = SHORT_MS});
    client_send(&c, STR(POST("/stream/echo", "Content-Length: 1073741824")));
    struct http_server_stats stats = {.connections = 1};
    while (stats.connections > 0 || stats.requests == 0) {
        if (send(c.fd, x.big, BIG_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            usleep(1000);
        http_server_stats_get(x.server, &stats);
    }
    assert_int_equal(stats.requests, 1);
}

static void
clients_that_go_away_cancel_a_stream_that_waits(void **state)
{
    client_send(&c, STR(GET("/stream/endless")));
    client_receive(&c, &got, false);
    await_count(&x.waiting, 1);
    client_close(&c);
    await_count(&x.cancelled, 1);
    await_count(&x.closed, 1);
    assert_true(client_connect(&c, &x));
    // The same for a handler that has read its body to the end.
    client_send(&c, STR(POST("/stream/ignore", "Content-Length: 1") "a"));
    expect_answer(200, STR("/stream/ignore"));
}

static void
memory_of_bodies_is_counted(void **state)
{
    x.taken_max = BIG_BYTES;
    client_send(&c, STR(POST("/echo", "Content-Length: 8388608")));
    client_send(&c, (struct str){x.big, BIG_BYTES});
    client_receive(&c, &got, true);
    assert_int_equal(got.body_len, BIG_BYTES);
    client_send(&c, STR(POST("/echo", "Content-Length: 8388609")));
    (void)send(c.fd, x.big, BIG_BYTES, MSG_NOSIGNAL);
    client_receive(&c, &got, true);
    assert_int_equal(got.status, 503);
    assert_true(has_line("\r\nConnection: close\r\n"));
}

static void
drain_ends_a_stream_at_its_deadline(void **state)
{
    client_send(&c, STR(POST("/stream/count", "Content-Length: 5") "abc"));
    struct http_server_stats stats = {0};
    while (stats.connections == 0)
        http_server_stats_get(x.server, &stats);
    http_server_free(x.server, deadline_in_ms(x.rt, SHORT_MS));
    x.server = NULL;
    expect_answer(200, STR("3 cancelled"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(bodies_are_read_by_the_handler_wherever_they_are_split),
        TEST(echo_goes_both_ways_at_once),
        TEST(streams_are_sent_as_they_are_made),
        TEST(old_clients_read_streams_to_the_end_of_the_connection),
        TEST(broken_streams_end_the_connection),
        TEST(continue_is_sent_at_the_first_read),
        TEST(unread_bodies_are_dropped_or_end_the_connection),
        TEST(bodies_have_no_limit_but_the_handlers),
        TEST(slow_handlers_slow_the_client),
        TEST(broken_bodies_fail_the_read),
        TEST(clients_that_stop_sending_time_out),
        TEST(clients_that_do_not_read_a_stream_time_out),
        TEST(clients_that_go_away_cancel_a_stream_that_waits),
        TEST(memory_of_bodies_is_counted),
        TEST(drain_ends_a_stream_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
