// Tests of ARNs: what is printed is parsed, and what is none is refused.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/arn.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs the two above first.
#include <cmocka.h>

static void
what_is_printed_is_parsed(void **state)
{
    static const char *const all[] = {
        "arn:aws:sqs:us-east-1:000000000000:q.fifo",
        "arn:aws:s3:::bucket/a:b/c",
        "arn:aws-cn:iam::123456789012:role/path/name",
        "arn:aws:logs:eu-west-1:1:log-group:/a:*",
    };
    struct arena a;
    struct arn arn;
    arena_init(&a);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(arn_parse(str_of(all[i]), &arn), OK);
        assert_true(str_eq(arn_print(&a, &arn), str_of(all[i])));
    }
    assert_true(str_eq(arn.service, STR("logs")) && str_eq(arn.resource, STR("log-group:/a:*")));
    arena_fini(&a);
}

static void
what_is_none_is_refused(void **state)
{
    static const char *const all[] = {
        "",
        "arn",
        "arn:",
        "arn:aws:sqs:us-east-1:0",
        "ARN:aws:sqs:r:0:q",
        "arn::sqs:r:0:q",
        "arn:aws::r:0:q",
        "arn:aws:sqs:r:0:",
    };
    char bytes[ARN_BYTES_MAX + 1];
    struct arn arn = {.service = STR("kept")};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_int_equal(arn_parse(str_of(all[i]), &arn), E_INVALID);
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "arn:aws:sqs:r:0:", 16);
    assert_int_equal(arn_parse((struct str){bytes, sizeof(bytes)}, &arn), E_INVALID);
    assert_true(str_eq(arn.service, STR("kept")));
    assert_int_equal(arn_parse((struct str){bytes, ARN_BYTES_MAX}, &arn), OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_parsed),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
