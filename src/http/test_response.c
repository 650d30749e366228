// Tests of response.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/response.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static void
assert_encodes(const struct http_response *r, const struct http_head *request, bool keep_alive,
               const char *wanted)
{
    struct arena arena;
    arena_init(&arena);
    struct str s = http_response_encode(r, request, keep_alive, STR(DATE), &arena);
    if (!str_eq(s, str_of(wanted)))
        fail_msg("'%.*s' instead of '%s'", STR_ARG(s), wanted);
    arena_fini(&arena);
}

static void
head_has_date_length_and_headers(void **state)
{
    struct http_head get = {.request.method = STR("GET"), .minor_version = 1};
    struct http_response r = {.status = 404, .body = STR("hello")};
    http_response_add(&r, STR("X-A"), STR("1"));
    http_response_add(&r, STR("X-Empty"), STR(""));
    assert_encodes(&r, &get, true,
                   "HTTP/1.1 404 Not Found\r\nDate: " DATE "\r\nContent-Length: 5\r\n"
                   "X-A: 1\r\nX-Empty: \r\n\r\n");
    assert_true(http_response_has_body(&r, &get.request));
}

static void
connection_is_told_when_it_is_not_the_default(void **state)
{
    struct http_head new = {.minor_version = 1}, old = {.minor_version = 0};
    struct http_response r = {.status = 200};
    assert_encodes(&r, &new, false,
                   "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 0\r\n"
                   "Connection: close\r\n\r\n");
    assert_encodes(&r, &old, true,
                   "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 0\r\n"
                   "Connection: keep-alive\r\n\r\n");
    assert_encodes(&r, &old, false,
                   "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 0\r\n"
                   "Connection: close\r\n\r\n");
}

static void
no_body_and_no_length_with_204_and_304(void **state)
{
    struct http_head get = {.request.method = STR("GET"), .minor_version = 1};
    struct http_response r = {.status = 204, .body = STR("not sent")};
    assert_encodes(&r, &get, true, "HTTP/1.1 204 No Content\r\nDate: " DATE "\r\n\r\n");
    assert_false(http_response_has_body(&r, &get.request));
    r.status = 304;
    assert_encodes(&r, &get, true, "HTTP/1.1 304 Not Modified\r\nDate: " DATE "\r\n\r\n");
    assert_false(http_response_has_body(&r, &get.request));
}

static void
answer_to_head_has_the_length_but_no_body(void **state)
{
    struct http_head head = {.request.method = STR("HEAD"), .minor_version = 1};
    struct http_response r = {.status = 200, .body = STR("12345")};
    assert_encodes(&r, &head, true,
                   "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 5\r\n\r\n");
    assert_false(http_response_has_body(&r, &head.request));
}

static void
date_changes_with_the_second(void **state)
{
    struct http_date d = {0};
    struct str first = http_date_get(&d, 784111777000);
    assert_true(str_eq(first, STR(DATE)));
    assert_true(str_eq(http_date_get(&d, 784111777999), STR(DATE)));
    assert_true(str_eq(http_date_get(&d, 784111778000), STR("Sun, 06 Nov 1994 08:49:38 GMT")));
    // The wall clock may be set back.
    assert_true(str_eq(http_date_get(&d, 784111777000), STR(DATE)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_has_date_length_and_headers),
        cmocka_unit_test(connection_is_told_when_it_is_not_the_default),
        cmocka_unit_test(no_body_and_no_length_with_204_and_304),
        cmocka_unit_test(answer_to_head_has_the_length_but_no_body),
        cmocka_unit_test(date_changes_with_the_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
