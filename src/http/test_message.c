// Tests of message.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/message.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
header_is_found_in_any_case_first_one_first(void **state)
{
    struct header headers[] = {
        {STR("X-Amz-Target"), STR("one")},
        {STR("x-amz-target"), STR("two")},
        {STR("X-Empty"), STR("")},
    };
    struct http_request r = {.headers = headers, .header_count = COUNT_OF(headers)};
    assert_true(str_eq(http_request_header(&r, STR("X-AMZ-TARGET")), STR("one")));
    assert_true(str_is_present(http_request_header(&r, STR("x-empty"))));
    assert_false(str_is_present(http_request_header(&r, STR("x-amz"))));
    assert_false(str_is_present(http_request_header(&(struct http_request){0}, STR("host"))));
}

static void
added_headers_keep_their_order(void **state)
{
    struct http_response r = {0};
    http_response_add(&r, STR("A"), STR("1"));
    http_response_add(&r, STR("B"), STR("2"));
    assert_int_equal(r.header_count, 2);
    assert_true(str_eq(r.headers[1].name, STR("B")));
    assert_true(str_eq(r.headers[0].value, STR("1")));
}

static void
status_has_its_text(void **state)
{
    assert_string_equal(http_status_text(200), "OK");
    assert_string_equal(http_status_text(404), "Not Found");
    assert_string_equal(http_status_text(505), "HTTP Version Not Supported");
    assert_string_equal(http_status_text(299), "Unknown");
    assert_string_equal(http_status_text(-1), "Unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_found_in_any_case_first_one_first),
        cmocka_unit_test(added_headers_keep_their_order),
        cmocka_unit_test(status_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
