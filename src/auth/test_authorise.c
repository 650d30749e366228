// Roots, their own accounts and others', and the texts of refusals.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/authorise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ONE "111111111111"
#define TWO "222222222222"
#define QUEUE(account) "arn:aws:sqs:us-east-1:" account ":jobs"

static void
test_rules(void **state)
{
    static const struct {
        enum principal_kind kind;
        const char *account, *owners[2];
        bool is_open, is_allowed;
    } rows[] = {
        {PRINCIPAL_ROOT, ONE, {NULL}, false, true},
        {PRINCIPAL_ROOT, ONE, {ONE}, false, true},
        {PRINCIPAL_ROOT, ONE, {ONE, ONE}, false, true},
        {PRINCIPAL_ROOT, ONE, {TWO}, false, false},
        {PRINCIPAL_ROOT, ONE, {ONE, TWO}, false, false},
        {PRINCIPAL_ROOT, ONE, {TWO, ONE}, false, false},
        {PRINCIPAL_ROOT, ONE, {TWO}, true, true},
        {PRINCIPAL_USER, ONE, {ONE}, false, false},
        {PRINCIPAL_ROLE_SESSION, ONE, {NULL}, false, false},
        {PRINCIPAL_FEDERATED, ONE, {ONE}, false, false},
        {PRINCIPAL_SERVICE, NULL, {ONE}, false, false},
        {PRINCIPAL_SERVICE, NULL, {ONE}, true, true},
        {PRINCIPAL_ANONYMOUS, NULL, {NULL}, false, false},
        {PRINCIPAL_ANONYMOUS, NULL, {ONE}, false, false},
        {PRINCIPAL_ANONYMOUS, NULL, {NULL}, true, true},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct principal p = {.kind = rows[i].kind, .account = str_of(rows[i].account)};
        struct access a;
        access_init(&a, STR("sqs:SendMessage"));
        a.is_open = rows[i].is_open;
        for (size_t j = 0; j < COUNT_OF(rows[i].owners) && rows[i].owners[j] != NULL; j++)
            access_add_resource(&a, &arena, STR("arn"), str_of(rows[i].owners[j]));
        struct str reason = {0};
        assert_int_equal(access_is_allowed(&arena, &p, &a, &reason), rows[i].is_allowed);
        assert_int_equal(str_is_present(reason), !rows[i].is_allowed);
    }
    arena_fini(&arena);
}

static void
test_reasons(void **state)
{
    static const struct {
        enum principal_kind kind;
        const char *arn, *resource, *owner, *denied_action, *reason;
    } rows[] = {
        {PRINCIPAL_ROOT, "arn:aws:iam::" ONE ":root", QUEUE(TWO), TWO, NULL,
         "User: arn:aws:iam::" ONE ":root is not authorized to perform: sqs:SendMessage on "
         "resource: " QUEUE(TWO) " because no resource-based policy allows the sqs:SendMessage "
                                 "action"},
        {PRINCIPAL_USER, "arn:aws:iam::" ONE ":user/ann", QUEUE(ONE), ONE, "sqs:sendmessage",
         "User: arn:aws:iam::" ONE ":user/ann is not authorized to perform: sqs:sendmessage on "
         "resource: " QUEUE(ONE) " because no identity-based policy allows the sqs:sendmessage "
                                 "action"},
        {PRINCIPAL_ROLE_SESSION, "arn:aws:sts::" ONE ":assumed-role/r/s", NULL, NULL, NULL,
         "User: arn:aws:sts::" ONE ":assumed-role/r/s is not authorized to perform: "
         "sqs:SendMessage on resource: * because no identity-based policy allows the "
         "sqs:SendMessage action"},
        {PRINCIPAL_ANONYMOUS, NULL, QUEUE(TWO), TWO, NULL,
         "User: anonymous is not authorized to perform: sqs:SendMessage on resource: " QUEUE(
             TWO) " because no resource-based policy allows the sqs:SendMessage action"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct principal p = {
            .kind = rows[i].kind, .account = STR(ONE), .arn = str_of(rows[i].arn)};
        struct access a;
        struct str reason;
        access_init(&a, STR("sqs:SendMessage"));
        a.denied_action = str_of(rows[i].denied_action);
        if (rows[i].resource != NULL)
            access_add_resource(&a, &arena, str_of(rows[i].resource), str_of(rows[i].owner));
        assert_false(access_is_allowed(&arena, &p, &a, &reason));
        assert_string_equal(arena_copy_z(&arena, reason), rows[i].reason);
    }
    arena_fini(&arena);
}

static struct str
global(void *arg, struct str key)
{
    return str_eq_nocase(key, STR("aws:SourceIp")) ? str_of(arg) : (struct str){0};
}

static void
test_conditions(void **state)
{
    struct arena arena;
    struct access a;
    char ip[] = "127.0.0.1";
    arena_init(&arena);
    access_init(&a, STR("sqs:TagQueue"));
    access_add_condition(&a, &arena, STR("aws:RequestTag/Team"), STR("blue"));
    assert_true(str_eq(access_condition(&a, STR("aws:requesttag/team")), STR("blue")));
    assert_false(str_is_present(access_condition(&a, STR("aws:SourceIp"))));
    a.global_condition = global;
    a.global_arg = ip;
    assert_true(str_eq(access_condition(&a, STR("aws:sourceip")), STR("127.0.0.1")));
    assert_false(str_is_present(access_condition(&a, STR("aws:RequestTag/other"))));
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
