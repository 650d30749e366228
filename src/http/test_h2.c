// Requests over HTTP/2 on the server's port: what is answered, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/test_h2_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// -- requests

static void
requests_are_answered(void **state)
{
    for (int i = 0; i < 20; i++)
        expect(get("/a?b=c"), 200, STR("/a"));
    int32_t id = post("/echo", STR("hello"), false);
    expect(id, 200, STR("hello"));
    const char *fields = at(id)->fields;
    assert_non_null(strstr(fields, "content-length: 5\n"));
    assert_non_null(strstr(fields, "date: "));
    assert_non_null(strstr(fields, "x-method: POST\n"));
    assert_non_null(strstr(fields, "x-peer: 127.0.0.1:"));
    expect(post("/echo", STR(""), false), 200, STR(""));
    expect(get("/204"), 204, STR(""));
    struct field head[] = {LINE("HEAD", "/abc")};
    id = submit(head, COUNT_OF(head), (struct str){0}, false);
    expect(id, 200, STR(""));
    assert_non_null(strstr(at(id)->fields, "content-length: 4\n"));
}

static void
requests_are_answered_over_tls(void **state)
{
    disconnect();
    c = (struct h2_client){.has_tls = true};
    assert_int_not_equal(tls_client_connect(&c.tls, &x, &(struct tls_wish){.alpn = "h2"}), -1);
    begin_session();
    expect(get("/a"), 200, STR("/a"));
    struct str big = {x.big, BIG_BYTES};
    int32_t up = post("/echo", big, false), down = get("/big");
    expect(up, 200, big);
    expect(down, 200, big);
}

static void
streams_run_beside_each_other(void **state)
{
    int32_t held[100], first = get("/a");
    for (int i = 0; i < 100; i++)
        held[i] = get("/gate");
    expect(first, 200, STR("/a"));
    await_count(&x.waiting, 100);
    expect(get("/b"), 200, STR("/b"));
    fixture_open_gate(&x);
    for (int i = 0; i < 100; i++)
        expect(held[i], 200, STR("opened"));
}

// Many large uploads at once: few are taken at a time, all arrive.
static void
large_bodies_go_both_ways(void **state)
{
    int32_t up[6], down[4];
    struct str part = {x.big, BIG_BYTES / 4};
    for (int i = 0; i < 6; i++)
        up[i] = post("/echo", part, false);
    for (int i = 0; i < 4; i++)
        down[i] = get("/big");
    for (int i = 0; i < 6; i++)
        expect(up[i], 200, part);
    for (int i = 0; i < 4; i++)
        expect(down[i], 200, (struct str){x.big, BIG_BYTES});
}

static void
continue_is_sent_when_the_client_waits_for_it(void **state)
{
    struct field fields[] = {LINE("POST", "/echo"), {"expect", "100-continue"}};
    int32_t id = submit(fields, COUNT_OF(fields), (struct str){0}, true);
    while (!at(id)->has_continue)
        turn();
    at(id)->upload = STR("abc");
    at(id)->is_held = false;
    assert_int_equal(nghttp2_session_resume_data(c.session, id), 0);
    expect(id, 200, STR("abc"));
}

// -- what is refused

static void
hostile_heads_are_refused(void **state)
{
    static char long_path[HTTP_TARGET_BYTES_MAX + 10], long_method[40];
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[0] = '/';
    memset(long_method, 'M', sizeof(long_method) - 1);
    const struct {
        int status;
        struct field fields[6];
    } cases[] = {
        {414, {LINE("GET", long_path)}},
        {501, {LINE(long_method, "/")}},
        {400, {LINE("GET", "/a#b")}},
        {400, {LINE("GET", "/a"), {"host", "other"}}},
        {400, {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "u@h"}}},
        {413, {LINE("POST", "/"), {"content-length", "16777217"}}},
        {413, {LINE("POST", "/"), {"content-length", "9223372036854775807"}}},
        {417, {LINE("POST", "/"), {"expect", "tea"}}},
        {501, {{":method", "CONNECT"}, {":authority", "h:1"}}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = 0;
        while (count < 6 && cases[i].fields[count].name)
            count++;
        bool has_body = strcmp(cases[i].fields[0].value, "POST") == 0;
        int32_t id = submit(cases[i].fields, count, (struct str){0}, has_body);
        await_closed(id);
        if (at(id)->status != cases[i].status)
            fail_msg("case %zu: error %u status %d", i, at(id)->error, at(id)->status);
    }
    expect(get("/after"), 200, STR("/after"));
}

// The library resets these streams: they are malformed (RFC 9113 section 8.1.1).
static void
malformed_heads_are_reset(void **state)
{
    const struct field cases[][6] = {
        {LINE("GET", "/"), {"connection", "close"}},
        {LINE("GET", "/"), {"transfer-encoding", "chunked"}},
        {LINE("GET", "/"), {"te", "gzip"}},
        {LINE("GET", "/"), {"a b", "c"}},
        {LINE("GET", "/"), {"x", "a\rb"}},
        {LINE("GET", "/"), {":path", "/b"}},
        {LINE("GET", "/"), {"x", "y"}, {":late", "/b"}},
        {LINE("GET", "http://h/")},
        {{":method", "GET"}, {":path", "/"}, {":scheme", "http"}},
        {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a b"}},
        {{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}},
        {LINE("POST", "/"), {"content-length", "-1"}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = 0;
        while (count < 6 && cases[i][count].name)
            count++;
        int32_t id = submit(cases[i], count, (struct str){0}, false);
        await_closed(id);
        if (at(id)->error != NGHTTP2_PROTOCOL_ERROR && at(id)->status != 400)
            fail_msg("case %zu: error %u status %d", i, at(id)->error, at(id)->status);
    }
    expect(get("/after"), 200, STR("/after"));
}

static void
too_many_headers_are_refused(void **state)
{
    struct field fields[FIELDS_MAX] = {LINE("GET", "/")};
    for (size_t i = 4; i < FIELDS_MAX; i++)
        fields[i] = (struct field){"x-more", "value"};
    expect_status(submit(fields, HTTP_HEADERS_MAX + 4, (struct str){0}, false), 200);
    expect_status(submit(fields, HTTP_HEADERS_MAX + 5, (struct str){0}, false), 431);
    static char large[8 * 1024];
    memset(large, 'v', sizeof(large) - 1);
    for (size_t i = 4; i < 12; i++)
        fields[i] = (struct field){"x-large", large};
    expect_status(submit(fields, 11, (struct str){0}, false), 200);
    expect_status(submit(fields, 12, (struct str){0}, false), 431);
}

static void
cookies_are_joined(void **state)
{
    struct field fields[] = {LINE("GET", "/cookie"), {"cookie", "a=1"}, {"cookie", "b=2"}};
    int32_t id = submit(fields, COUNT_OF(fields), (struct str){0}, false);
    expect(id, 200, STR("a=1; b=2"));
}

static void
too_large_body_is_refused_before_its_end(void **state)
{
    char *large = malloc(HTTP_BODY_BYTES_MAX + 1);
    memset(large, 'l', HTTP_BODY_BYTES_MAX + 1);
    expect_status(post("/echo", (struct str){large, HTTP_BODY_BYTES_MAX + 1}, true), 413);
    expect(post("/echo", (struct str){large, HTTP_BODY_BYTES_MAX}, false), 200,
           (struct str){large, HTTP_BODY_BYTES_MAX});
    free(large);
}

static void
preface_may_come_in_pieces(void **state)
{
    const uint8_t *bytes;
    int32_t id = get("/a");
    for (ssize_t n; (n = nghttp2_session_mem_send(c.session, &bytes)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            client_send(&c.tls.plain, (struct str){(const char *)bytes + i, 1});
    expect(id, 200, STR("/a"));
}

static void
what_only_begins_like_a_preface_is_http_1(void **state)
{
    struct answer got;
    client_send(&c.tls.plain, STR("P"));
    client_send(&c.tls.plain, STR("OST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"));
    client_receive(&c.tls.plain, &got, true);
    assert_int_equal(got.status, 200);
    client_close(&c.tls.plain);
    assert_true(client_connect(&c.tls.plain, &x));
    client_send(&c.tls.plain, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"));
    client_receive(&c.tls.plain, &got, true);
    assert_int_equal(got.status, 505);
}

static void
memory_of_bodies_is_counted(void **state)
{
    x.taken_max = BIG_BYTES / 2;
    expect_status(post("/echo", (struct str){x.big, BIG_BYTES}, false), 503);
    expect(post("/echo", STR("abc"), false), 200, STR("abc"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_answered),
        TEST(requests_are_answered_over_tls),
        TEST(streams_run_beside_each_other),
        TEST(large_bodies_go_both_ways),
        TEST(continue_is_sent_when_the_client_waits_for_it),
        TEST(hostile_heads_are_refused),
        TEST(malformed_heads_are_reset),
        TEST(too_many_headers_are_refused),
        TEST(cookies_are_joined),
        TEST(too_large_body_is_refused_before_its_end),
        TEST(preface_may_come_in_pieces),
        TEST(what_only_begins_like_a_preface_is_http_1),
        TEST(memory_of_bodies_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
