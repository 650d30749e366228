// Member lookup: in order, out of order, and as hostile requests drive it.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROWS = 100, NAME_BYTES = 24 };

static char text[(ROWS + 1) * NAME_BYTES];
static struct wire_member members[ROWS];
static const struct wire_shape shapes[] = {
    {.type = WIRE_STRUCTURE, .member_count = ROWS},
    {.type = WIRE_STRUCTURE, .member_count = 0},
};
static const struct wire_model model = {.text = text, .shapes = shapes, .members = members};

static int
setup_model(void **state)
{
    for (unsigned i = 0; i < ROWS; i++) {
        members[i].json_name = (i + 1) * NAME_BYTES;
        snprintf(text + members[i].json_name, NAME_BYTES, "CommonPrefix%u", i);
    }
    return 0;
}

static struct lookup
lookup_of(struct arena *arena)
{
    arena_init(arena);
    return (struct lookup){
        .m = &model, .arena = arena, .name_at = offsetof(struct wire_member, json_name)};
}

static struct str
name_of(size_t row)
{
    return str_of(text + members[row].json_name);
}

static void
test_model_order_scans_nothing(void **state)
{
    struct arena arena;
    struct lookup l = lookup_of(&arena);
    size_t hint = 0;
    for (size_t i = 0; i < ROWS; i++)
        assert_ptr_equal(lookup_member(&l, 0, name_of(i), &hint), &members[i]);
    assert_int_equal(l.scanned, 0);
    arena_fini(&arena);
}

static void
test_any_order(void **state)
{
    struct arena arena;
    struct lookup l = lookup_of(&arena);
    size_t hint = 0;
    for (size_t round = 0; round < 10; round++) {
        for (size_t i = 0; i < ROWS; i++) {
            size_t row = (i * 37 + round) % ROWS;
            assert_ptr_equal(lookup_member(&l, 0, name_of(row), &hint), &members[row]);
        }
    }
    arena_fini(&arena);
}

static void
test_unknown_names(void **state)
{
    const struct str names[] = {
        STR(""),
        STR("CommonPrefix"),
        STR("CommonPrefix100"),
        STR("CommonPrefix1\0x"),
        STR("commonprefix1"),
    };
    struct arena arena;
    struct lookup l = lookup_of(&arena);
    size_t hint = 0;
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < COUNT_OF(names); i++)
            assert_null(lookup_member(&l, 0, names[i], &hint));
        assert_null(lookup_member(&l, 1, STR("x"), &hint));
    }
    arena_fini(&arena);
}

// Rows are not scanned any more once a request has made long scans: the work stays bounded.
static void
test_hostile_requests_are_indexed(void **state)
{
    struct arena arena;
    struct lookup l = lookup_of(&arena);
    size_t hint = 0;
    for (size_t i = 0; i < 100000; i++)
        assert_null(lookup_member(&l, 0, STR("CommonPrefixZ"), &hint));
    assert_true(l.scanned < 5000);
    assert_true(arena.used_bytes < 4096);
    for (size_t i = ROWS; i-- > 0;)
        assert_ptr_equal(lookup_member(&l, 0, name_of(i), &hint), &members[i]);
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_order_scans_nothing),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_hostile_requests_are_indexed),
    };
    return cmocka_run_group_tests(tests, setup_model, NULL);
}
