// Tests of websocket.h: the handshake, messages, and every way to end.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/websocket.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/test_one_client.h"

// RFC 6455 section 1.3.
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define HANDSHAKE(headers) "GET /websocket HTTP/1.1\r\nHost: h\r\n" headers "\r\n"
#define BYTES(s) {s, sizeof(s) - 1}
#define MASK "\x00\x00\x00\x00"

enum { DRAIN_MS = 200 };

static void
shake_hands(void)
{
    client_send(&c, STR(HANDSHAKE(UPGRADE VERSION KEY)));
    client_receive(&c, &got, false);
    assert_int_equal(got.status, 101);
}

static void
receive_more(void)
{
    ssize_t n = recv(c.fd, c.bytes + c.len, sizeof(c.bytes) - c.len, 0);
    assert_true(n > 0);
    c.len += (size_t)n;
}

static void
expect_bytes(struct str wanted)
{
    while (c.len < wanted.len)
        receive_more();
    assert_memory_equal(c.bytes, wanted.ptr, wanted.len);
    c.len -= wanted.len;
    memmove(c.bytes, c.bytes + wanted.len, c.len);
}

static void
handshake_is_that_of_the_rfc(void **state)
{
    client_send(&c, STR(HANDSHAKE(UPGRADE VERSION KEY "Sec-WebSocket-Protocol: other, chat\r\n")));
    client_receive(&c, &got, false);
    assert_int_equal(got.status, 101);
    assert_non_null(strstr(got.head, "\r\nUpgrade: websocket\r\n"));
    assert_non_null(strstr(got.head, "\r\nConnection: Upgrade\r\n"));
    assert_non_null(strstr(got.head, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(got.head, "\r\nSec-WebSocket-Protocol: chat\r\n"));
    assert_null(strstr(got.head, "Content-Length"));
}

static const struct {
    struct str request;
    int status;
} refusals[] = {
    {BYTES(HANDSHAKE("")), 426},
    {BYTES(HANDSHAKE("Upgrade: websocket\r\n" VERSION KEY)), 426},
    {BYTES(HANDSHAKE("Connection: Upgrade\r\n" VERSION KEY)), 426},
    {BYTES(HANDSHAKE("Upgrade: h2c\r\nConnection: Upgrade\r\n" VERSION KEY)), 426},
    {BYTES(HANDSHAKE(UPGRADE KEY)), 426},
    {BYTES(HANDSHAKE(UPGRADE KEY "Sec-WebSocket-Version: 8\r\n")), 426},
    {BYTES(HANDSHAKE(UPGRADE VERSION)), 400},
    {BYTES(HANDSHAKE(UPGRADE VERSION "Sec-WebSocket-Key: short\r\n")), 400},
    {BYTES(HANDSHAKE(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j????\r\n")), 400},
    {BYTES("POST /websocket HTTP/1.1\r\nHost: h\r\n" UPGRADE VERSION KEY "\r\n"), 405},
    {BYTES("GET /websocket HTTP/1.0\r\nHost: h\r\n" UPGRADE VERSION KEY
           "Connection: keep-alive\r\n\r\n"),
     426},
    {BYTES(HANDSHAKE(UPGRADE VERSION KEY "Content-Length: 1\r\n") "a"), 426},
};

static void
other_requests_are_refused(void **state)
{
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        client_send(&c, refusals[i].request);
        client_receive(&c, &got, true);
        assert_int_equal(got.status, refusals[i].status);
    }
    shake_hands(); // the connection is as good as before
}

static void
messages_are_echoed(void **state)
{
    // The first message may come with the request.
    client_send(&c, STR(HANDSHAKE(UPGRADE VERSION KEY) "\x81\x85" MASK "hello"));
    client_receive(&c, &got, false);
    expect_bytes(STR("\x81\x05hello"));
    client_send(&c, STR("\x89\x81" MASK "p\x02\x82" MASK "ab\x80\x81" MASK "c"));
    expect_bytes(STR("\x8a\x01p\x82\x03"
                     "abc"));
}

static void
large_messages_are_echoed(void **state)
{
    static const char head_in[] = "\x82\xff\x00\x00\x00\x00\x00\x0f\x42\x40" MASK;
    static const char head_out[] = "\x82\x7f\x00\x00\x00\x00\x00\x0f\x42\x40";
    shake_hands();
    client_send(&c, (struct str){head_in, sizeof(head_in) - 1});
    client_send(&c, (struct str){x.big, MESSAGE_BYTES_MAX});
    expect_bytes((struct str){head_out, sizeof(head_out) - 1});
    for (size_t left = MESSAGE_BYTES_MAX; left > 0;) {
        size_t n = left < 10000 ? left : 10000;
        expect_bytes((struct str){x.big, n});
        left -= n;
    }
}

// Frames of several fibers are not torn, though each is more than the sockets hold at once.
static void
fibers_take_turns_to_write(void **state)
{
    static const char head[] = "\x82\x7f\x00\x00\x00\x00\x00\x04\x93\xe0";
    int size = 32 * 1024; // less would make TCP wait for its timers
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    shake_hands();
    client_send(&c, STR("\x81\x84" MASK "push"));
    for (int i = 0; i < PUSHERS; i++) {
        char bytes[1000];
        expect_bytes((struct str){head, sizeof(head) - 1});
        for (size_t at = 0; at < PUSHED_BYTES; at += sizeof(bytes)) {
            while (c.len == 0)
                receive_more();
            memset(bytes, at == 0 ? c.bytes[0] : bytes[0], sizeof(bytes));
            expect_bytes((struct str){bytes, sizeof(bytes)});
        }
    }
    client_send(&c, STR("\x81\x81" MASK "x"));
    expect_bytes(STR("\x81\x01x"));
}

static void
expect_end(struct str close_frame, int code)
{
    expect_bytes(close_frame);
    await_count(&x.closed, 1);
    assert_int_equal(atomic_load(&x.close_code), code);
    client_expect_closed(&c);
}

static void
client_may_close(void **state)
{
    shake_hands();
    client_send(&c, STR("\x88\x85" MASK "\x0f\xa1"
                        "bye"));
    expect_end(STR("\x88\x02\x0f\xa1"), 4001);
}

static void
client_may_close_without_a_code(void **state)
{
    shake_hands();
    client_send(&c, STR("\x88\x80" MASK));
    expect_end((struct str){"\x88\x00", 2}, WEBSOCKET_NO_CODE);
}

static void
server_may_close(void **state)
{
    shake_hands();
    client_send(&c, STR("\x81\x85" MASK "close"));
    expect_bytes(STR("\x88\x0d\x0f\xa0"
                     "as you wish"));
    client_send(&c, STR("\x81\x81" MASK "x")); // nobody hears it
    client_send(&c, STR("\x88\x82" MASK "\x0f\xa0"));
    await_count(&x.closed, 1);
    client_expect_closed(&c);
}

static void
broken_protocol_ends_with_its_code(void **state)
{
    shake_hands();
    client_send(&c, STR("\x81\x81" MASK "\xff"));
    expect_end(STR("\x88\x02\x03\xef"), WEBSOCKET_BAD_TEXT);
}

static void
too_large_messages_end_the_connection(void **state)
{
    shake_hands();
    client_send(&c, STR("\x82\xff\x00\x00\x00\x00\x00\x0f\x42\x41" MASK));
    expect_end(STR("\x88\x02\x03\xf1"), WEBSOCKET_TOO_LARGE);
}

static void
client_may_just_go(void **state)
{
    shake_hands();
    shutdown(c.fd, SHUT_WR);
    await_count(&x.closed, 1);
    assert_int_equal(atomic_load(&x.close_code), 0);
    client_expect_closed(&c);
}

// Nothing else would end it.
static void
drain_tells_the_client_to_go(void **state)
{
    shake_hands();
    await_count(&x.waiting, 1);
    fixture_end_within(&x, DRAIN_MS); // the client reads its farewell only behind this
    x.server = NULL;
    expect_bytes(STR("\x88\x02\x03\xe9"));
    client_expect_closed(&c);
    assert_int_equal(atomic_load(&x.cancelled), 1);
}

static void *
drain(void *arg)
{
    fixture_end(&x);
    return NULL;
}

// Not at the drain's end, which here comes when the test lets it: another request goes on.
static void
drain_tells_the_client_at_its_start(void **state)
{
    struct client other;
    pthread_t drainer;
    shake_hands();
    await_count(&x.waiting, 1);
    assert_true(client_connect(&other, &x));
    client_send(&other, STR("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n"));
    await_count(&x.waiting, 2);
    assert_int_equal(pthread_create(&drainer, NULL, drain, NULL), 0);
    expect_bytes(STR("\x88\x02\x03\xe9"));
    client_close(&c);
    assert_int_equal(atomic_load(&x.cancelled), 1);
    fixture_open_gate(&x);
    client_receive(&other, &got, true);
    assert_int_equal(got.status, 200);
    client_expect_closed(&other);
    client_close(&other);
    assert_int_equal(pthread_join(drainer, NULL), 0);
    x.server = NULL;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(handshake_is_that_of_the_rfc),
        TEST(other_requests_are_refused),
        TEST(messages_are_echoed),
        TEST(large_messages_are_echoed),
        TEST(fibers_take_turns_to_write),
        TEST(client_may_close),
        TEST(client_may_close_without_a_code),
        TEST(server_may_close),
        TEST(broken_protocol_ends_with_its_code),
        TEST(too_large_messages_end_the_connection),
        TEST(client_may_just_go),
        TEST(drain_tells_the_client_to_go),
        TEST(drain_tells_the_client_at_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
