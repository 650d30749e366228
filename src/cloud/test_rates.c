// Bursts, refills, and accounts apart from each other.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/cloud/service.h"

#define MS INT64_C(1000000)

static struct rates *
rates_new(int per_second)
{
    struct rates *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    r->per_second = per_second;
    return r;
}

static int
take_many(struct rates *r, const char *account, int64_t now_ns, int count)
{
    int taken = 0;
    for (int i = 0; i < count; i++)
        taken += rates_take(r, str_of(account), now_ns);
    return taken;
}

static void
test_burst_and_refill(void **state)
{
    struct rates *r = rates_new(10);
    assert_int_equal(take_many(r, "000000000000", 5 * MS, 100), 10);
    assert_int_equal(take_many(r, "111111111111", 5 * MS, 100), 10);
    assert_int_equal(take_many(r, "000000000000", 104 * MS, 100), 0);
    assert_int_equal(take_many(r, "000000000000", 105 * MS, 100), 1);
    assert_int_equal(take_many(r, "000000000000", 605 * MS, 100), 5);
    assert_int_equal(take_many(r, "000000000000", 90000 * MS, 100), 10);
    free(r);
}

static void
test_no_limit(void **state)
{
    struct rates *r = rates_new(0);
    assert_int_equal(take_many(r, "000000000000", 0, 1000), 1000);
    r->per_second = 1;
    assert_int_equal(take_many(r, "", 0, 1000), 1000); // anonymous
    free(r);
}

// A full table limits nobody by mistake.
static void
test_many_accounts(void **state)
{
    struct rates *r = rates_new(1);
    for (int i = 0; i < 2 * RATES_SLOTS; i++) {
        char account[16];
        snprintf(account, sizeof(account), "%012d", i * 7919);
        assert_true(rates_take(r, str_of(account), 0));
    }
    free(r);
}

static void
test_operations(void **state)
{
    struct rates *r = rates_new(0);
    const struct wire_operation *echo = &service_registry[0]->wire->operations[0];
    const struct wire_operation *fail = &service_registry[0]->wire->operations[1];
    struct str us = STR("us-east-1"), eu = STR("eu-west-1");
    struct str one = STR("111111111111"), two = STR("222222222222");
    char problem[256];
    assert_int_equal(rates_add_operation(r, "fake:Echo=1", problem, sizeof(problem)), OK);
    assert_true(rates_take_operation(r, one, us, echo, 0));
    assert_false(rates_take_operation(r, one, us, echo, 0));
    assert_true(rates_take_operation(r, one, us, fail, 0));
    assert_true(rates_take_operation(r, one, eu, echo, 0));
    assert_true(rates_take_operation(r, two, us, echo, 0));
    assert_false(rates_take_operation(r, two, us, echo, 0));
    assert_true(rates_take_operation(r, (struct str){0}, us, echo, 0));
    assert_true(rates_take_operation(r, one, us, echo, 1000 * MS));
    free(r);
}

static void
test_bad_operations(void **state)
{
    static const char *const rows[] = {
        "",         "fake",        "fake:Echo",         "Echo=1",  "fake:Echo=0",  "fake:Echo=many",
        "nope:A=1", "fake:Nope=1", "fake:Echo=1000001", "fake:=1", "fake:Echo=-1", "fake:Echo=1 "};
    struct rates *r = rates_new(0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char problem[256] = "";
        assert_int_equal(rates_add_operation(r, rows[i], problem, sizeof(problem)), E_INVALID);
        assert_non_null(strstr(problem, "sqs:SendMessage=100"));
    }
    assert_int_equal(r->operation_count, 0);
    free(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_and_refill), cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_many_accounts),    cmocka_unit_test(test_operations),
        cmocka_unit_test(test_bad_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
