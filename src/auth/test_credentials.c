// The development keys, the operator's keys, and texts that are no keys.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct key_ring *ring;
    char problem[256];
};

static void
fixture_init(struct fixture *f, bool has_development_keys)
{
    *f = (struct fixture){.ring = key_ring_new(has_development_keys)};
    arena_init(&f->arena);
}

static void
fixture_fini(struct fixture *f)
{
    key_ring_free(f->ring);
    arena_fini(&f->arena);
}

static void
assert_key(struct fixture *f, const char *key, const char *account, const char *secret)
{
    struct credential c;
    assert_int_equal(credential_find(f->ring, &f->arena, str_of(key), &c), OK);
    assert_true(str_eq(c.secret, str_of(secret)));
    assert_int_equal(c.principal.kind, PRINCIPAL_ROOT);
    assert_true(str_eq(c.principal.account, str_of(account)));
    assert_true(str_eq(c.principal.user_id, str_of(account)));
    assert_true(str_eq(c.principal.access_key, str_of(key)));
    assert_true(str_starts(c.principal.arn, STR("arn:aws:iam::")));
    assert_true(str_ends(c.principal.arn, STR(":root")));
    assert_true(str_find(c.principal.arn, str_of(account)) == 13);
}

static void
assert_no_key(struct fixture *f, const char *key)
{
    struct credential c;
    assert_int_equal(credential_find(f->ring, &f->arena, str_of(key), &c), E_NOT_FOUND);
}

static void
test_development_keys(void **state)
{
    static const char *const keys[] = {"",     "tes",          "test ",        "TEST",
                                       "1234", "12345678901x", "1234567890123"};
    struct fixture f;
    fixture_init(&f, true);
    assert_false(key_ring_is_empty(f.ring));
    assert_key(&f, "test", "000000000000", "test");
    assert_key(&f, "000000000000", "000000000000", "test");
    assert_key(&f, "123456789012", "123456789012", "test");
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_no_key(&f, keys[i]);
    fixture_fini(&f);
}

static void
test_no_development_keys(void **state)
{
    struct fixture f;
    fixture_init(&f, false);
    assert_true(key_ring_is_empty(f.ring));
    assert_no_key(&f, "test");
    assert_no_key(&f, "000000000000");
    fixture_fini(&f);
}

static void
test_root_keys(void **state)
{
    struct fixture f;
    fixture_init(&f, true);
    assert_int_equal(
        key_ring_add(f.ring, STR("111111111111:AKIA_1:a:b/+="), f.problem, sizeof(f.problem)), OK);
    assert_int_equal(
        key_ring_add_lines(f.ring,
                           STR("# mine\n\n 222222222222:AKIA2:s2 \r\n333333333333:test:other"),
                           f.problem, sizeof(f.problem)),
        E_INVALID); // ends in CR
    assert_key(&f, "AKIA_1", "111111111111", "a:b/+=");
    assert_int_equal(
        key_ring_add_lines(f.ring, STR("# mine\n\n 222222222222:AKIA2:s2 \n333333333333:test:o\n"),
                           f.problem, sizeof(f.problem)),
        OK);
    assert_key(&f, "AKIA2", "222222222222", "s2");
    assert_key(&f, "test", "333333333333", "o"); // the operator's counts
    assert_key(&f, "111111111111", "111111111111", "test");
    fixture_fini(&f);
}

static void
test_bad_root_keys(void **state)
{
    static const char *const rows[] = {
        "",
        "111111111111",
        "111111111111:AKIA",
        "111111111111:AKIA:",
        "111111111111::secret",
        "11111111111:AKIA:secret",
        "11111111111x:AKIA:secret",
        "111111111111:AK/IA:secret",
        "111111111111:AKIA:se cret",
        "111111111111:AKIA:s\xc3\xa9-cret",
    };
    struct fixture f;
    fixture_init(&f, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(key_ring_add(f.ring, str_of(rows[i]), f.problem, sizeof(f.problem)),
                         E_INVALID);
        assert_true(str_starts(str_of(f.problem), STR("a root key is ACCOUNT:KEY:SECRET: ")));
        assert_true(str_find(str_of(f.problem), STR("cret")) < 0);
    }
    assert_true(key_ring_is_empty(f.ring));
    struct str twice = STR("111111111111:AKIA:secret\n222222222222:AKIA:secret");
    assert_int_equal(key_ring_add_lines(f.ring, twice, f.problem, sizeof(f.problem)), E_EXISTS);
    assert_string_equal(f.problem, "the root key AKIA is given twice");
    fixture_fini(&f);
    key_ring_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_development_keys),
        cmocka_unit_test(test_no_development_keys),
        cmocka_unit_test(test_root_keys),
        cmocka_unit_test(test_bad_root_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
