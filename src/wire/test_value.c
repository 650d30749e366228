// Lists that grow, maps with each key once.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/value.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/test_fixture.h"
#include "src/wire/test_model.h"

static void
test_list_grows(void **state)
{
    struct decoder d = {.m = &test_model, .arena = &arena};
    struct value_list list;
    struct test_counts counts;
    value_list_begin(&list, sizeof(struct opt_int), &counts);
    for (int i = 0; i < 1000; i++) {
        void *item;
        assert_int_equal(value_list_add(&d, &list, &item), OK);
        assert_false(((struct opt_int *)item)->is_present);
        *(struct opt_int *)item = OPT_INT(i);
        arena_alloc(&arena, 1); // what elements hold lies between: the list has to move
    }
    value_list_end(&d, &list);
    assert_int_equal(counts.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(counts.items[i].value, i);
    assert_true(arena.used_bytes < 1000 * (4 * sizeof(struct opt_int) + 1));
}

static void
test_empty_list_is_present(void **state)
{
    struct decoder d = {.m = &test_model, .arena = &arena};
    struct value_list list;
    struct test_counts counts;
    value_list_begin(&list, sizeof(struct opt_int), &counts);
    assert_null(counts.items);
    value_list_end(&d, &list);
    assert_non_null(counts.items);
    assert_int_equal(counts.count, 0);
}

static void
test_items_are_counted_over_all_lists(void **state)
{
    struct decoder d = {.m = &test_model, .arena = &arena};
    assert_int_equal(value_count_items(&d, WIRE_ITEMS_MAX), OK);
    assert_int_equal(value_count_items(&d, 0), OK);
    assert_int_equal(value_count_items(&d, 1), E_LIMIT);
    assert_int_equal(value_count_items(&d, SIZE_MAX), E_LIMIT);
}

static void
test_last_entry_of_a_key_stays(void **state)
{
    struct test_tags_entry entries[] = {
        {STR("b"), STR("1")}, {STR("a"), STR("2")}, {STR("b"), STR("3")},
        {STR(""), STR("4")},  {STR("b"), STR("5")}, {STR(""), STR("6")},
    };
    struct test_tags tags = {entries, COUNT_OF(entries)};
    value_map_unique(&arena, sizeof(entries[0]), offsetof(struct test_tags_entry, key), &tags);
    assert_int_equal(tags.count, 3);
    assert_true(str_eq(tags.items[0].value, STR("2")));
    assert_true(str_eq(tags.items[1].value, STR("5")));
    assert_true(str_eq(tags.items[2].value, STR("6")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_list_grows),
        UNIT(test_empty_list_is_present),
        UNIT(test_items_are_counted_over_all_lists),
        UNIT(test_last_entry_of_a_key_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
