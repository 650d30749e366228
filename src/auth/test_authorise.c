// Roots, their own accounts and others'.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/authorise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_rules(void **state)
{
    static const struct {
        enum principal_kind kind;
        const char *account, *owner;
        bool is_open, is_allowed;
    } rows[] = {
        {PRINCIPAL_ROOT, "111111111111", "111111111111", false, true},
        {PRINCIPAL_ROOT, "111111111111", "222222222222", false, false},
        {PRINCIPAL_ROOT, "111111111111", NULL, false, false},
        {PRINCIPAL_ANONYMOUS, NULL, NULL, false, false},
        {PRINCIPAL_ANONYMOUS, NULL, "111111111111", false, false},
        {PRINCIPAL_ANONYMOUS, NULL, NULL, true, true},
        {PRINCIPAL_ROOT, "111111111111", "222222222222", true, true},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct principal p = {.kind = rows[i].kind, .account = str_of(rows[i].account)};
        struct access a = {
            .action = STR("sqs:SendMessage"),
            .resource = STR("*"),
            .owner = str_of(rows[i].owner),
            .is_open = rows[i].is_open,
        };
        struct str reason = {0};
        assert_int_equal(access_is_allowed(&arena, &p, &a, &reason), rows[i].is_allowed);
        assert_int_equal(str_is_present(reason), !rows[i].is_allowed);
    }
    arena_fini(&arena);
}

static void
test_reason(void **state)
{
    struct arena arena;
    struct str reason;
    arena_init(&arena);
    struct principal p = principal_root(&arena, STR("111111111111"));
    struct access a = {
        .action = STR("sqs:SendMessage"),
        .resource = STR("arn:aws:sqs:us-east-1:222222222222:jobs"),
        .owner = STR("222222222222"),
    };
    assert_false(access_is_allowed(&arena, &p, &a, &reason));
    assert_true(str_eq(
        reason, STR("User: arn:aws:iam::111111111111:root is not authorized to perform: "
                    "sqs:SendMessage on resource: arn:aws:sqs:us-east-1:222222222222:jobs because "
                    "no resource-based policy allows the sqs:SendMessage action")));
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
