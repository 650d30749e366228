// Tests of the request head's grammar in parser.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int
setup(void **state)
{
    struct arena *arena = malloc(sizeof(*arena));
    assert_non_null(arena);
    arena_init(arena);
    *state = arena;
    return 0;
}

static int
teardown(void **state)
{
    arena_fini(*state);
    free(*state);
    return 0;
}

static struct http_head
parse_done(struct arena *arena, struct str bytes)
{
    struct http_head head = {0};
    if (http_head_parse(bytes, arena, &head) != HTTP_PARSE_DONE)
        fail_msg("not accepted (%s): %.*s", head.error_text ? head.error_text : "more",
                 STR_ARG(bytes));
    return head;
}

// Feeds the head byte by byte in memory that moves, as a caller may.
static enum http_parse
parse_slowly(struct arena *arena, struct str bytes, struct http_head *head)
{
    enum http_parse result = HTTP_PARSE_MORE;
    for (size_t len = 1; len <= bytes.len && result == HTTP_PARSE_MORE; len++) {
        struct str moved = arena_copy(arena, str_slice(bytes, 0, len));
        result = http_head_parse(moved, arena, head);
    }
    return result;
}

static void
assert_refused(struct arena *arena, struct str bytes, int status)
{
    struct http_head head = {0};
    enum http_parse result = http_head_parse(bytes, arena, &head);
    if (result != HTTP_PARSE_BAD || head.error_status != status || !head.error_text)
        fail_msg("%d with status %d instead of %d: %.*s", result, head.error_status, status,
                 STR_ARG(bytes));
    // Arriving slowly it may be refused for another reason, or later, but is never accepted.
    struct http_head slow = {0};
    assert_int_not_equal(parse_slowly(arena, bytes, &slow), HTTP_PARSE_DONE);
}

static void
assert_str(struct str s, const char *wanted)
{
    assert_true(str_is_present(s));
    if (!str_eq(s, str_of(wanted)))
        fail_msg("'%.*s' instead of '%s'", STR_ARG(s), wanted);
}

static void
request_is_taken_apart(void **state)
{
    struct str bytes = STR("POST /q/jobs?Action=Send&x=%20 HTTP/1.1\r\n"
                           "Host: localhost:4566\r\n"
                           "X-Amz-Target:AmazonSQS.SendMessage\r\n"
                           "X-Padded: \t a\tb c \t\r\n"
                           "X-Empty:\r\n"
                           "X-Latin: gr\xfc\xdf\r\n"
                           "content-length: 5\r\n"
                           "\r\nhello");
    struct http_head head = parse_done(*state, bytes);
    const struct http_request *r = &head.request;
    assert_str(r->method, "POST");
    assert_str(r->target, "/q/jobs?Action=Send&x=%20");
    assert_str(r->path, "/q/jobs");
    assert_str(r->query, "Action=Send&x=%20");
    assert_int_equal(r->header_count, 6);
    assert_str(http_request_header(r, STR("host")), "localhost:4566");
    assert_str(http_request_header(r, STR("x-amz-target")), "AmazonSQS.SendMessage");
    assert_str(http_request_header(r, STR("x-padded")), "a\tb c");
    assert_str(http_request_header(r, STR("x-empty")), "");
    assert_str(http_request_header(r, STR("x-latin")), "gr\xfc\xdf");
    assert_int_equal(head.head_bytes, bytes.len - 5);
    assert_int_equal(head.content_length, 5);
    assert_true(head.keep_alive);
    assert_false(head.is_chunked);
    assert_false(head.wants_continue);
    assert_ptr_equal(r->arena, *state);
}

static void
query_is_absent_or_empty(void **state)
{
    struct http_head head = parse_done(*state, STR("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_false(str_is_present(head.request.query));
    head = parse_done(*state, STR("GET /a? HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_str(head.request.path, "/a");
    assert_str(head.request.query, "");
    assert_int_equal(head.content_length, -1);
}

static void
slow_arrival_gives_the_same(void **state)
{
    struct str bytes = STR("\r\nPOST /a?b=c HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n"
                           "Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n"
                           "Connection: x, Close\r\n\r\n");
    struct http_head head = {0};
    assert_int_equal(parse_slowly(*state, bytes, &head), HTTP_PARSE_DONE);
    assert_int_equal(head.head_bytes, bytes.len);
    assert_str(head.request.path, "/a");
    assert_str(http_request_header(&head.request, STR("b")), "2");
    assert_true(head.is_chunked && head.wants_continue && !head.keep_alive);
}

static void
bare_line_feed_is_refused_as_soon_as_it_comes(void **state)
{
    struct str bytes = STR("GET / HTTP/1.1\r\nHost: h\nA: b");
    struct http_head head = {0};
    size_t len = 0;
    while (http_head_parse(str_slice(bytes, 0, ++len), *state, &head) == HTTP_PARSE_MORE)
        assert_true(len < bytes.len);
    assert_int_equal(bytes.ptr[len - 1], '\n');
    assert_int_equal(head.error_status, 400);
}

static void
every_split_in_two_gives_the_same(void **state)
{
    struct str bytes = STR("GET /a HTTP/1.1\r\nHost: h\r\nA: 1\r\n\r\n");
    for (size_t len = 0; len < bytes.len; len++) {
        struct http_head head = {0};
        struct str first = arena_copy(*state, str_slice(bytes, 0, len));
        assert_int_equal(http_head_parse(first, *state, &head), HTTP_PARSE_MORE);
        assert_int_equal(http_head_parse(bytes, *state, &head), HTTP_PARSE_DONE);
        assert_int_equal(head.request.header_count, 2);
        assert_int_equal(head.head_bytes, bytes.len);
    }
}

static void
what_follows_the_head_is_left_alone(void **state)
{
    struct str head_bytes = STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct str bytes = STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n\n\0garbage\n");
    struct http_head head = {0};
    assert_int_equal(http_head_parse(bytes, *state, &head), HTTP_PARSE_DONE);
    assert_int_equal(head.head_bytes, head_bytes.len);
}

static void
keep_alive_follows_version_and_connection(void **state)
{
    struct arena *a = *state;
    assert_true(parse_done(a, STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n")).keep_alive);
    assert_true(parse_done(a, STR("GET / HTTP/1.9\r\nHost: h\r\n\r\n")).keep_alive);
    assert_false(
        parse_done(a, STR("GET / HTTP/1.1\r\nHost: h\r\nConnection: CLOSE\r\n\r\n")).keep_alive);
    assert_false(parse_done(a, STR("GET / HTTP/1.0\r\n\r\n")).keep_alive);
    assert_true(
        parse_done(a, STR("GET / HTTP/1.0\r\nConnection: foo ,Keep-Alive\r\n\r\n")).keep_alive);
    assert_false(
        parse_done(a, STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"))
            .keep_alive);
}

static void
version_zero_needs_no_host_and_ignores_expect(void **state)
{
    struct http_head head =
        parse_done(*state, STR("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"));
    assert_int_equal(head.minor_version, 0);
    assert_false(head.wants_continue);
}

static void
absolute_target_is_reduced_and_replaces_host(void **state)
{
    struct http_head head = parse_done(
        *state, STR("GET HTTP://sqs.localhost:4566/a/b?c HTTP/1.1\r\nHost: other\r\n\r\n"));
    assert_str(head.request.target, "HTTP://sqs.localhost:4566/a/b?c");
    assert_str(head.request.path, "/a/b");
    assert_str(head.request.query, "c");
    assert_str(http_request_header(&head.request, STR("Host")), "sqs.localhost:4566");
    head = parse_done(*state, STR("GET https://[::1] HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_str(head.request.path, "/");
    head = parse_done(*state, STR("GET http://h?x=/ HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_str(head.request.path, "/");
    assert_str(head.request.query, "x=/");
}

static void
asterisk_is_for_options(void **state)
{
    struct http_head head = parse_done(*state, STR("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_str(head.request.path, "*");
    assert_refused(*state, STR("GET * HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_refused(*state, STR("OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

struct refusal {
    int status;
    struct str bytes;
};

#define REFUSAL(status, text) {status, {text, sizeof(text) - 1}}
#define GET "GET / HTTP/1.1\r\nHost: h\r\n"

static const struct refusal refusals[] = {
    // Request lines.
    REFUSAL(400, "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "\x16\x03\x01\x02"), // TLS
    REFUSAL(400, "GE(T / HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\rHost: h\r\n\r\n"),
    REFUSAL(400, "GET / http/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET / H\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/11.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/x.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET /\r\n\r\n"),
    REFUSAL(400, "GET\r\n\r\n"),
    REFUSAL(505, "GET / HTTP/0.9\r\nHost: h\r\n\r\n"),
    REFUSAL(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    REFUSAL(501, "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
    REFUSAL(501, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ / HTTP/1.1\r\nHost: h\r\n\r\n"),
    // Targets.
    REFUSAL(400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET http://:80/a HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET http://user@h/a HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET http://h:x/a HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET http://[::1/a HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n"),
    REFUSAL(400, "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
    // Header fields.
    REFUSAL(400, GET " folded: x\r\n\r\n"),
    REFUSAL(400, GET "A: x\r\n\tfolded\r\n\r\n"),
    REFUSAL(400, GET "A : x\r\n\r\n"),
    REFUSAL(400, GET "A\t: x\r\n\r\n"),
    REFUSAL(400, GET ": x\r\n\r\n"),
    REFUSAL(400, GET "A\r\n\r\n"),
    REFUSAL(400, GET "A(b): x\r\n\r\n"),
    REFUSAL(400, GET "\xc3\xa4: x\r\n\r\n"),
    REFUSAL(400, GET "A: x\n\r\n"),
    REFUSAL(400, GET "A: x\r\n\n"),
    REFUSAL(400, GET "A: x\rB: y\r\n\r\n"),
    REFUSAL(400, GET "A: 12345678\0\r\n\r\n"),
    REFUSAL(400, GET "A: 1234567\x7f 1\r\n\r\n"),
    REFUSAL(400, GET "A: 123456\x1b 12\r\n\r\n"),
    // Host.
    REFUSAL(400, "GET / HTTP/1.1\r\n\r\n"),
    REFUSAL(400, "GET http://h/ HTTP/1.1\r\n\r\n"),
    REFUSAL(400, GET "Host: h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: [g::1]\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n"),
    // Framing.
    REFUSAL(400, GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    REFUSAL(400, GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    REFUSAL(400, GET "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
    REFUSAL(400, GET "Content-Length: 5, 5\r\n\r\n"),
    REFUSAL(400, GET "Content-Length: +5\r\n\r\n"),
    REFUSAL(400, GET "Content-Length: -5\r\n\r\n"),
    REFUSAL(400, GET "Content-Length: 0x5\r\n\r\n"),
    REFUSAL(400, GET "Content-Length: 5 5\r\n\r\n"),
    REFUSAL(400, GET "Content-Length:\r\n\r\n"),
    REFUSAL(413, GET "Content-Length: 1000000000000000000\r\n\r\n"),
    REFUSAL(413, GET "Content-Length: 99999999999999999999999999\r\n\r\n"),
    REFUSAL(501, GET "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    REFUSAL(501, GET "Transfer-Encoding: xchunked\r\n\r\n"),
    REFUSAL(501, GET "Transfer-Encoding: chunked, chunked\r\n\r\n"),
    REFUSAL(501, GET "Transfer-Encoding: identity\r\n\r\n"),
    REFUSAL(501, GET "Transfer-Encoding:\r\n\r\n"),
    REFUSAL(400, GET "Transfer-Encoding: \vchunked\r\n\r\n"),
    REFUSAL(400, GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    REFUSAL(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    REFUSAL(417, GET "Expect: 200-ok\r\n\r\n"),
};

static void
what_smuggles_or_is_no_http_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        assert_refused(*state, refusals[i].bytes, refusals[i].status);
}

static void
largest_length_and_valid_hosts_are_taken(void **state)
{
    struct http_head head =
        parse_done(*state, STR(GET "Content-Length: 999999999999999999\r\n\r\n"));
    assert_int_equal(head.content_length, 999999999999999999);
    head = parse_done(*state, STR(GET "Content-Length: 000\r\n\r\n"));
    assert_int_equal(head.content_length, 0);
    parse_done(*state, STR("GET / HTTP/1.1\r\nHost: [fe80::1.2.3.4]:80\r\n\r\n"));
    parse_done(*state, STR("GET / HTTP/1.1\r\nHost: b_u-c.k~et:\r\n\r\n"));
    parse_done(*state, STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"));
}

static struct str
repeat(struct arena *arena, struct str start, char c, size_t count, struct str end)
{
    struct buf b;
    buf_init(&b, arena, start.len + count + end.len);
    buf_put(&b, start);
    memset(buf_reserve(&b, count), c, count);
    b.len += count;
    buf_put(&b, end);
    return buf_str(&b);
}

static void
target_has_a_limit(void **state)
{
    struct str end = STR(" HTTP/1.1\r\nHost: h\r\n\r\n");
    size_t room = HTTP_TARGET_BYTES_MAX - 1;
    parse_done(*state, repeat(*state, STR("GET /"), 'a', room, end));
    struct http_head head = {0};
    struct str bytes = repeat(*state, STR("GET /"), 'a', room + 1, end);
    assert_int_equal(http_head_parse(bytes, *state, &head), HTTP_PARSE_BAD);
    assert_int_equal(head.error_status, 414);
}

static void
head_has_a_limit(void **state)
{
    struct str start = STR(GET "A: ");
    size_t room = HTTP_HEAD_BYTES_MAX - start.len - 4;
    struct http_head head =
        parse_done(*state, repeat(*state, start, 'a', room, STR("\r\n\r\nbody")));
    assert_int_equal(head.head_bytes, HTTP_HEAD_BYTES_MAX);
    head = (struct http_head){0};
    struct str bytes = repeat(*state, start, 'a', room + 1, STR("\r\n\r\n"));
    assert_int_equal(http_head_parse(bytes, *state, &head), HTTP_PARSE_BAD);
    assert_int_equal(head.error_status, 431);
}

static void
endless_head_is_refused_in_linear_time(void **state)
{
    struct str bytes = repeat(*state, STR(GET "A: "), 'a', HTTP_HEAD_BYTES_MAX, STR(""));
    struct http_head head = {0};
    enum http_parse result = HTTP_PARSE_MORE;
    size_t len = 0;
    while (result == HTTP_PARSE_MORE && len < bytes.len)
        result = http_head_parse(str_slice(bytes, 0, ++len), *state, &head);
    assert_int_equal(result, HTTP_PARSE_BAD);
    assert_int_equal(head.error_status, 431);
    assert_int_equal(len, HTTP_HEAD_BYTES_MAX + 1);
}

static void
header_fields_have_a_limit(void **state)
{
    struct buf b;
    buf_init(&b, *state, 4096);
    buf_put(&b, STR(GET));
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        buf_print(&b, "X-%d: %d\r\n", i, i);
    struct str fits = arena_print(*state, STR_FMT "\r\n", STR_ARG(buf_str(&b)));
    struct http_head head = parse_done(*state, fits);
    assert_int_equal(head.request.header_count, HTTP_HEADERS_MAX);
    assert_str(http_request_header(&head.request, STR("x-99")), "99");
    assert_str(http_request_header(&head.request, STR("host")), "h");
    buf_put(&b, STR("X-100: 100\r\n\r\n"));
    head = (struct http_head){0};
    assert_int_equal(http_head_parse(buf_str(&b), *state, &head), HTTP_PARSE_BAD);
    assert_int_equal(head.error_status, 431);
}

static void
every_control_byte_in_a_value_is_refused(void **state)
{
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 20; at++) {
            struct str s = repeat(*state, STR(GET "A: "), 'a', 20, STR("z\r\n\r\n"));
            char *bytes = (char *)s.ptr;
            bytes[STR(GET "A: ").len + at] = (char)c;
            struct http_head head = {0};
            bool is_fine = c == '\t' || (c >= 0x20 && c != 0x7f);
            assert_int_equal(http_head_parse(s, *state, &head),
                             is_fine ? HTTP_PARSE_DONE : HTTP_PARSE_BAD);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(request_is_taken_apart),
        TEST(query_is_absent_or_empty),
        TEST(slow_arrival_gives_the_same),
        TEST(bare_line_feed_is_refused_as_soon_as_it_comes),
        TEST(every_split_in_two_gives_the_same),
        TEST(what_follows_the_head_is_left_alone),
        TEST(keep_alive_follows_version_and_connection),
        TEST(version_zero_needs_no_host_and_ignores_expect),
        TEST(absolute_target_is_reduced_and_replaces_host),
        TEST(asterisk_is_for_options),
        TEST(what_smuggles_or_is_no_http_is_refused),
        TEST(largest_length_and_valid_hosts_are_taken),
        TEST(target_has_a_limit),
        TEST(head_has_a_limit),
        TEST(endless_head_is_refused_in_linear_time),
        TEST(header_fields_have_a_limit),
        TEST(every_control_byte_in_a_value_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
