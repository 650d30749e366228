// Tests of receipt handles: what was printed is read back, anything else is refused.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs the two above first.
#include <cmocka.h>

static struct receipt
receipt_of(const char *group)
{
    struct receipt r = {.receive_count = 3, .due_ms = 1234567890123, .group = str_of(group)};
    memset(r.generation, 0xa5, sizeof(r.generation));
    memset(r.id.bytes, 0, sizeof(r.id.bytes));
    if (group)
        memset(r.sequence.bytes, 0xff, sizeof(r.sequence.bytes));
    return r;
}

static void
round_trip(const char *group)
{
    struct arena a;
    struct receipt r = receipt_of(group), back;
    arena_init(&a);
    assert_int_equal(receipt_parse(&a, receipt_print(&a, &r), &back), OK);
    assert_memory_equal(r.generation, back.generation, sizeof(r.generation));
    assert_memory_equal(&r.id, &back.id, sizeof(r.id));
    assert_memory_equal(&r.sequence, &back.sequence, sizeof(r.sequence));
    assert_int_equal(back.receive_count, 3);
    assert_int_equal(back.due_ms, 1234567890123);
    assert_int_equal(str_is_present(back.group), group != NULL);
    assert_true(str_eq(back.group, r.group));
    arena_fini(&a);
}

static void
both_kinds_are_read_back(void **state)
{
    round_trip(NULL);
    round_trip("g");
    round_trip("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
}

static void
anything_else_is_refused(void **state)
{
    struct arena a;
    struct receipt r = receipt_of("group"), back;
    arena_init(&a);
    struct str text = receipt_print(&a, &r);
    assert_int_not_equal(receipt_parse(&a, STR(""), &back), OK);
    assert_int_not_equal(receipt_parse(&a, STR("not a receipt"), &back), OK);
    for (size_t len = 0; len < text.len; len++)
        assert_int_not_equal(receipt_parse(&a, str_slice(text, 0, len), &back), OK);
    assert_int_not_equal(receipt_parse(&a, arena_print(&a, STR_FMT "AAAA", STR_ARG(text)), &back),
                         OK);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_are_read_back),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
