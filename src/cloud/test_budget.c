// The budget's edges.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_requests(void **state)
{
    struct budget b = {.requests_max = 2, .bytes_max = SIZE_MAX};
    assert_true(budget_take(&b, 0));
    assert_true(budget_take(&b, 0));
    assert_false(budget_take(&b, 0));
    assert_int_equal(b.refused, 1);
    budget_give(&b, 0);
    assert_true(budget_take(&b, 0));
    budget_give(&b, 0);
    budget_give(&b, 0);
    assert_int_equal(b.requests, 0);
    assert_int_equal(b.bytes, 0);
}

static void
test_bytes(void **state)
{
    struct budget b = {.requests_max = 10, .bytes_max = 2 * BUDGET_REQUEST_BYTES + 100};
    assert_true(budget_take(&b, 100));
    assert_false(budget_take(&b, 1));
    assert_true(budget_take(&b, 0));
    budget_give(&b, 100);
    assert_true(budget_take(&b, 100));
    budget_give(&b, 100);
    budget_give(&b, 0);
    assert_int_equal(b.bytes, 0);
}

// Else a budget below the largest body would refuse that for ever.
static void
test_one_is_always_taken(void **state)
{
    struct budget b = {.requests_max = 10, .bytes_max = 1};
    assert_true(budget_take(&b, 1000));
    assert_false(budget_take(&b, 0));
    budget_give(&b, 1000);
    assert_true(budget_take(&b, 0));
    budget_give(&b, 0);
}

// Those who wait are not under way, but their memory is in use.
static void
test_waits(void **state)
{
    struct budget b = {.requests_max = 1, .bytes_max = 2 * BUDGET_REQUEST_BYTES};
    assert_true(budget_take(&b, 0));
    budget_begin_wait(&b);
    assert_int_equal(b.waiting, 1);
    assert_true(budget_take(&b, 0));
    budget_end_wait(&b);
    assert_int_equal(b.requests, 2);
    assert_false(budget_take(&b, 0));
    budget_begin_wait(&b);
    assert_false(budget_take(&b, 0)); // one is under way
    budget_give(&b, 0);
    assert_true(budget_take(&b, 2 * BUDGET_REQUEST_BYTES)); // alone
    budget_end_wait(&b);
    budget_give(&b, 2 * BUDGET_REQUEST_BYTES);
    budget_give(&b, 0);
    assert_int_equal(b.requests + b.waiting + b.bytes, 0);
}

static void
test_bytes_alone(void **state)
{
    struct budget b = {.requests_max = 10, .bytes_max = 100};
    assert_true(budget_take_bytes(&b, 60));
    assert_true(budget_take_bytes(&b, 40));
    assert_false(budget_take_bytes(&b, 1));
    assert_int_equal(b.refused, 1);
    budget_give_bytes(&b, 40);
    assert_true(budget_take_bytes(&b, 1));
    budget_give_bytes(&b, 61);
    assert_int_equal(b.bytes, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_one_is_always_taken),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_bytes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
