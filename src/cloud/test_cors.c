// What pages of other origins may do by the rules of a service's resources, and what not.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/cors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/cloud/test_exchange.h"
#include "src/cloud/test_things.h"

static struct str
ask(const char *line, const char *host, const char *headers)
{
    return exchange(&things_cloud,
                    arena_print(&things_cloud.arena,
                                "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", line,
                                host, headers));
}

static void
assert_lacks(struct str answer, struct str text)
{
    if (str_find(answer, text) >= 0)
        fail_msg(STR_FMT " in " STR_FMT, STR_ARG(text), STR_ARG(answer));
}

#define APP "Origin: http://app.test\r\n"
#define SUB "Origin: http://x.app.test\r\n"
#define METHOD(m) "Access-Control-Request-Method: " m "\r\n"
#define HEADERS(h) "Access-Control-Request-Headers: " h "\r\n"

// Also in the rule's words: which wildcard fits what.
static void
test_preflights(void **state)
{
    static const struct {
        const char *path, *headers;
        bool is_admitted;
    } rows[] = {
        {"/open/5", APP METHOD("GET"), true},
        {"/open/5", APP METHOD("GET") HEADERS("anything, x-more"), true},
        {"/open/5", APP METHOD("PUT"), false},
        {"/open/5", APP METHOD("get"), false},
        {"/open/5", SUB METHOD("PUT") HEADERS("X-Amz-Date,content-type , x-"), true},
        {"/open/5", SUB METHOD("PUT") HEADERS("x-amz-date, authorization"), false},
        {"/open/5", SUB METHOD("DELETE"), false},
        {"/open/5", "Origin: http://.app.test\r\n" METHOD("GET"), true},
        {"/open/5", "Origin: http://app.test.evil\r\n" METHOD("GET"), false},
        {"/open/5", "Origin: http://xapp.test\r\n" METHOD("GET"), false},
        {"/open/5", "Origin: https://app.test\r\n" METHOD("GET"), false},
        {"/open/5", "Origin: null\r\n" METHOD("GET"), false},
        {"/open/5", METHOD("GET") "Sec-Fetch-Site: cross-site\r\n", false},
        {"/any/5", "Origin: null\r\n" METHOD("GET"), true},
        {"/any/5", APP METHOD("GET") HEADERS("x-amz-date"), false},
        {"/box/5", APP METHOD("GET"), false},
        {"/", APP METHOD("GET"), false},
        {"/_c10m/health", APP METHOD("GET"), false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str line = arena_print(&things_cloud.arena, "OPTIONS %s", rows[i].path);
        struct str answer =
            ask(arena_copy_z(&things_cloud.arena, line), "localhost", rows[i].headers);
        if (str_starts(answer, STR("HTTP/1.1 200")) != rows[i].is_admitted)
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(answer));
        if (!rows[i].is_admitted)
            assert_lacks(answer, STR("Access-Control"));
    }
}

static void
test_what_browsers_are_told(void **state)
{
    struct str answer =
        ask("OPTIONS /open/5", "localhost", APP METHOD("GET") HEADERS("x-amz-date"));
    assert_status(answer, "200");
    assert_has(answer, "\r\nAccess-Control-Allow-Origin: http://app.test\r\n");
    assert_has(answer, "\r\nAccess-Control-Allow-Credentials: true\r\n");
    assert_has(answer, "\r\nAccess-Control-Allow-Methods: GET\r\n");
    assert_has(answer, "\r\nAccess-Control-Allow-Headers: x-amz-date\r\n");
    assert_has(answer, "\r\nAccess-Control-Expose-Headers: x-amz-request-id\r\n");
    assert_has(answer, "\r\nAccess-Control-Max-Age: 600\r\n");
    assert_has(answer, "\r\nVary: Origin, Access-Control-Request-Headers, "
                       "Access-Control-Request-Method\r\n");
    answer = ask("OPTIONS /open/5", "localhost", SUB METHOD("PUT"));
    assert_has(answer, "\r\nAccess-Control-Allow-Methods: GET, PUT\r\n");
    assert_lacks(answer, STR("Max-Age"));
    assert_lacks(answer, STR("Credentials"));
    answer = ask("GET /any/5", "localhost", SUB);
    assert_status(answer, "200");
    assert_has(answer, "\r\nAccess-Control-Allow-Origin: *\r\n");
    assert_lacks(answer, STR("Credentials")); // of everybody's: browsers would refuse it
    assert_lacks(answer, STR("Allow-Methods"));
}

static void
test_calls(void **state)
{
    struct str answer = ask("GET /open/5", "localhost", APP "Sec-Fetch-Site: cross-site\r\n");
    assert_status(answer, "200");
    assert_has(answer, "\r\nAccess-Control-Allow-Origin: http://app.test\r\n");
    assert_has(answer, "\r\nAccess-Control-Expose-Headers: x-amz-request-id\r\n");
    assert_status(ask("PUT /open/5", "localhost", SUB "Content-Length: 0\r\n"), "204");
    assert_status(ask("PUT /open/5", "localhost", APP "Content-Length: 0\r\n"), "403");
    assert_status(ask("GET /box/5", "localhost", APP), "403");
    assert_status(ask("GET /any/5", "localhost", "Sec-Fetch-Site: cross-site\r\n"), "403");
    assert_status(ask("GET /any/5", "localhost", "Sec-Fetch-Site: same-origin\r\n"), "200");
    assert_status(ask("GET /any/5", "evil.test", APP), "403");
    assert_status(ask("GET /_c10m/health", "localhost", APP), "403");
}

// The rule is S3's, the call somebody else's: as one with another service's target would be.
static void
test_other_services_stay_closed(void **state)
{
    struct request r;
    request_init(&things_cloud, &r, "text/plain", "", 0);
    r.http.method = STR("GET");
    r.http.path = STR("/any/5");
    request_add_header(&r, STR("Origin"), STR("http://evil.test"));
    request_sign(&r, "test", "test", things_depot->wire->signing_name);
    struct str answer = exchange(&things_cloud, request_text(&r));
    assert_status(answer, "403");
    assert_has(answer, "AccessDenied");
    assert_has(answer, "The CORS rule that admits this page is of s3");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preflights),
        cmocka_unit_test(test_what_browsers_are_told),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_other_services_stay_closed),
    };
    return cmocka_run_group_tests(tests, things_cloud_setup, things_cloud_teardown);
}
