// Tests of the policies' documents: what is read, and what is kept of it.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/policy.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs the two above first.
#include <cmocka.h>

#define REST ",\"Principal\":\"*\",\"Action\":\"*\"}"
#define ALLOW "{\"Effect\":\"Allow\"" REST
#define DENY "{\"Effect\":\"Deny\"" REST

static void
statements_are_kept_as_they_stand(void **state)
{
    struct arena a;
    struct policy_document *d;
    arena_init(&a);
    d = ARENA_NEW(&a, struct policy_document);
    struct str text = STR(" {\"Version\":\"2012-10-17\", \"Statement\" : [ {\"Sid\":\"a\\u0062\", "
                          "\"Effect\":\"Allow\",\"Condition\":{\"x\":{\"a\":[1,{}],\"b\":2}},"
                          "\"Principal\":{\"AWS\":[\"1\",\"2\"],\"Service\":\"3\"},\"Action\":"
                          "[\"a\",\"b\"]} , " DENY " ] , \"Id\":\"me\" } ");
    assert_int_equal(policy_parse(&a, text, d), OK);
    assert_int_equal(d->count, 2);
    assert_true(str_eq(d->statements[0].sid, STR("ab")));
    assert_true(str_eq(d->statements[1].effect, STR("Deny")));
    assert_int_equal(d->statements[0].principals, 3);
    assert_int_equal(d->statements[0].actions, 2);
    assert_int_equal(d->statements[0].conditions, 2);
    assert_true(str_eq(d->statements[1].text, STR(DENY)));
    assert_true(
        str_eq(policy_print(&a, d),
               STR("{\"Version\":\"2012-10-17\",\"Id\":\"me\",\"Statement\":[{\"Sid\":"
                   "\"a\\u0062\", \"Effect\":\"Allow\",\"Condition\":{\"x\":{\"a\":"
                   "[1,{}],\"b\":2}},\"Principal\":{\"AWS\":[\"1\",\"2\"],\"Service\":\"3\"}"
                   ",\"Action\":[\"a\",\"b\"]}," DENY "]}")));
    arena_fini(&a);
}

static void
one_statement_needs_no_array(void **state)
{
    struct arena a;
    struct policy_document *d;
    arena_init(&a);
    d = ARENA_NEW(&a, struct policy_document);
    assert_int_equal(policy_parse(&a, STR("{\"Statement\":" ALLOW "}"), d), OK);
    assert_true(str_eq(policy_print(&a, d), STR("{\"Statement\":[" ALLOW "]}")));
    arena_fini(&a);
}

static void
what_is_no_policy_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"Statement\":[]}",
        "{\"Statement\":[{}]}",
        "{\"Statement\":[{\"Effect\":\"allow\"" REST "]}",
        "{\"Statement\":[{\"Effect\":true" REST "]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{},\"Action\":\"*\"}]}",
        "{\"Statement\":[{\"Condition\":[],\"Effect\":\"Allow\"" REST "]}",
        "{\"Statement\":[{\"Condition\":{\"x\":1},\"Effect\":\"Allow\"" REST "]}",
        "{\"Statement\":" ALLOW "} x",
        "{\"Statement\":[" ALLOW,
        "{\"Version\":7,\"Statement\":[" ALLOW "]}",
    };
    struct arena a;
    arena_init(&a);
    struct policy_document *d = ARENA_NEW(&a, struct policy_document);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_not_equal(policy_parse(&a, str_of(bad[i]), d), OK);
    arena_fini(&a);
}

static void
statements_are_limited(void **state)
{
    struct arena a;
    struct buf text;
    arena_init(&a);
    struct policy_document *d = ARENA_NEW(&a, struct policy_document);
    buf_init(&text, &a, 1024);
    buf_put(&text, STR("{\"Statement\":[" ALLOW));
    for (size_t i = 1; i < POLICY_STATEMENTS_MAX; i++)
        buf_put(&text, STR("," ALLOW));
    struct buf longer = text;
    buf_put(&longer, STR("," ALLOW "]}"));
    assert_int_equal(policy_parse(&a, buf_str(&longer), d), E_LIMIT);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_kept_as_they_stand),
        cmocka_unit_test(one_statement_needs_no_array),
        cmocka_unit_test(what_is_no_policy_is_refused),
        cmocka_unit_test(statements_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
