// Tests of the shares by which fair queues tell noisy groups from quiet ones.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/share.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs the two above first.
#include <cmocka.h>

static void
add(struct shares *s, int32_t share, int n)
{
    for (int i = 0; i < n; i++)
        shares_add(s, share, 1000);
}

static void
a_group_with_a_tenth_in_flight_is_noisy(void **state)
{
    struct shares s = {.halved_ms = 1000};
    int32_t a = share_of(STR("a")), b = share_of(STR("b")), c = share_of(STR("c"));
    add(&s, a, SHARE_NOISY_MIN - 1);
    assert_false(shares_is_noisy(&s, a));
    add(&s, a, 1);
    assert_true(shares_is_noisy(&s, a)); // alone: whoever comes goes first
    add(&s, b, 9 * SHARE_NOISY_MIN);
    assert_false(shares_is_noisy(&s, a)); // a tenth, and not more
    assert_true(shares_is_noisy(&s, b) && !shares_is_noisy(&s, c));
    add(&s, a, 1);
    assert_true(shares_is_noisy(&s, a));
    for (int i = 0; i < SHARE_NOISY_MIN + 2; i++)
        shares_remove(&s, a, 1000); // once more than there are: no less than none
    assert_false(shares_is_noisy(&s, a));
    assert_int_equal(s.all.in_flight, 9 * SHARE_NOISY_MIN);
}

static void
many_equal_groups_are_all_quiet(void **state)
{
    struct shares s = {.halved_ms = 1000};
    const char names[] = "abcdefghij";
    for (size_t i = 0; i < sizeof(names) - 1; i++)
        add(&s, share_of((struct str){&names[i], 1}), 100);
    for (size_t i = 0; i < sizeof(names) - 1; i++)
        assert_false(shares_is_noisy(&s, share_of((struct str){&names[i], 1})));
}

static void
what_was_not_heard_of_is_forgotten(void **state)
{
    struct shares s = {.halved_ms = 1000};
    int32_t a = share_of(STR("a"));
    add(&s, a, 100);
    for (int i = 1; i <= 20; i++)
        shares_add(&s, share_of(STR("b")), 1000 + i * (SHARE_HALVED_MS + 1LL));
    assert_false(shares_is_noisy(&s, a));
}

static void
a_group_that_is_worked_on_for_long_is_noisy(void **state)
{
    struct shares s = {.halved_ms = 1000};
    int32_t slow = share_of(STR("slow")), quick = share_of(STR("quick"));
    add(&s, slow, 1);
    for (int i = 0; i < 100; i++) {
        shares_add(&s, quick, 1000 + 100 * i);
        shares_remove(&s, quick, 1000 + 100 * i + 5);
    }
    assert_true(shares_is_noisy(&s, slow));
    assert_false(shares_is_noisy(&s, quick)); // 500 ms of 10 s and a half
    shares_remove(&s, slow, 11 * 1000);
    assert_int_equal(shares_noisy(&s), 1); // recently, and not only now
    shares_now(&s, 11 * 1000 + 10 * SHARE_HALVED_MS);
    assert_int_equal(shares_noisy(&s), 0);
}

static void
little_time_says_nothing(void **state)
{
    struct shares s = {.halved_ms = 1000};
    int32_t only = share_of(STR("only"));
    add(&s, only, 1);
    shares_remove(&s, only, 1000 + SHARE_BUSY_MS_MIN - 1);
    assert_false(shares_is_noisy(&s, only));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_with_a_tenth_in_flight_is_noisy),
        cmocka_unit_test(many_equal_groups_are_all_quiet),
        cmocka_unit_test(what_was_not_heard_of_is_forgotten),
        cmocka_unit_test(a_group_that_is_worked_on_for_long_is_noisy),
        cmocka_unit_test(little_time_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
