// The development keys, and what is none.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_known_keys(void **state)
{
    static const char *const rows[][2] = {{"test", "000000000000"},
                                          {"000000000000", "000000000000"},
                                          {"123456789012", "123456789012"}};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct credential c;
        struct str account = str_of(rows[i][1]);
        assert_int_equal(credential_find(&arena, str_of(rows[i][0]), &c), OK);
        assert_true(str_eq(c.secret, STR("test")));
        assert_int_equal(c.principal.kind, PRINCIPAL_ROOT);
        assert_true(str_eq(c.principal.account, account));
        assert_true(str_eq(c.principal.user_id, account));
        assert_true(str_eq(c.principal.access_key, str_of(rows[i][0])));
        assert_true(str_starts(c.principal.arn, STR("arn:aws:iam::")));
        assert_true(str_ends(c.principal.arn, STR(":root")));
        assert_true(str_find(c.principal.arn, account) == 13);
    }
    arena_fini(&arena);
}

static void
test_unknown_keys(void **state)
{
    static const char *const keys[] = {"",     "tes",          "test ",        "TEST",
                                       "1234", "12345678901x", "1234567890123"};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct credential c;
        assert_int_equal(credential_find(&arena, str_of(keys[i]), &c), E_NOT_FOUND);
    }
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_keys),
        cmocka_unit_test(test_unknown_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
