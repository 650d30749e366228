// The validator: kinds, paths and messages.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/test_model.h"

#define ERROR(value, path)                                                                         \
    "1 validation error detected: Value" value " at '" path "' failed to satisfy constraint: "

static struct arena arena;
static struct wire_problem problem;

static int
setup(void **state)
{
    arena_init(&arena);
    return 0;
}

static int
teardown(void **state)
{
    arena_fini(&arena);
    return 0;
}

static void
assert_valid(const struct test_checked *in)
{
    if (wire_validate(&test_model, TEST_CHECKED, in, &arena, &problem) != OK)
        fail_msg(STR_FMT, STR_ARG(problem.message));
    assert_int_equal(problem.kind, WIRE_PROBLEM_NONE);
}

static void
assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(got), want);
}

static void
assert_invalid(const struct test_checked *in, enum wire_problem_kind kind, const char *member,
               const char *message)
{
    assert_int_equal(wire_validate(&test_model, TEST_CHECKED, in, &arena, &problem), E_INVALID);
    assert_str(problem.message, message);
    assert_int_equal(problem.kind, kind);
    assert_str(problem.member, member);
}

static void
test_required(void **state)
{
    assert_valid(&(struct test_checked){.Id = STR("")});
    assert_invalid(&(struct test_checked){.Short = STR("x")}, WIRE_PROBLEM_MISSING, "Id",
                   ERROR(" null", "id") "Member must not be null");
}

static void
test_lengths(void **state)
{
    assert_valid(&(struct test_checked){.Id = STR("i"), .Short = STR("ab")});
    assert_valid(&(struct test_checked){.Id = STR("i"),
                                        .Short = STR("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc")});
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Short = STR("a")}, WIRE_PROBLEM_VALUE,
                   "Short",
                   ERROR(" 'a'", "short") "Member must have length greater than or equal to 2");
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Short = STR("abcdef")},
                   WIRE_PROBLEM_VALUE, "Short",
                   ERROR(" 'abcdef'", "short") "Member must have length less than or equal to 5");
    assert_valid(&(struct test_checked){.Id = STR("i"), .Bytes = STR("\xff\xff\xff")});
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Bytes = STR("1234")}, WIRE_PROBLEM_VALUE,
                   "Bytes", ERROR("", "bytes") "Member must have length less than or equal to 3");
}

static void
test_ranges(void **state)
{
    assert_valid(&(struct test_checked){.Id = STR("i"), .Percent = OPT_INT(100)});
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Percent = OPT_INT(101)},
                   WIRE_PROBLEM_VALUE, "Percent",
                   ERROR(" '101'", "percent") "Member must have value less than or equal to 100");
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Percent = OPT_INT(-1)},
                   WIRE_PROBLEM_VALUE, "Percent",
                   ERROR(" '-1'", "percent") "Member must have value greater than or equal to 0");
    assert_valid(&(struct test_checked){.Id = STR("i"), .Fraction = OPT_DOUBLE(100)});
    assert_invalid(
        &(struct test_checked){.Id = STR("i"), .Fraction = OPT_DOUBLE(100.5)}, WIRE_PROBLEM_VALUE,
        "Fraction",
        ERROR(" '100.5'", "fraction") "Member must have value less than or equal to 100");
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Fraction = OPT_DOUBLE(NAN)},
                   WIRE_PROBLEM_VALUE, "Fraction",
                   ERROR(" 'NaN'", "fraction") "Member must have value greater than or equal to 0");
}

static void
test_enums(void **state)
{
    assert_valid(&(struct test_checked){.Id = STR("i"), .Color = STR("GREEN")});
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Color = STR("green")},
                   WIRE_PROBLEM_VALUE, "Color",
                   ERROR(" 'green'", "color") "Member must satisfy enum value set: [RED, GREEN]");
}

static void
test_lists(void **state)
{
    struct str items[] = {STR("aa"), STR("bb"), STR("c")};
    assert_valid(&(struct test_checked){.Id = STR("i"), .Few = {items, 2}});
    assert_invalid(
        &(struct test_checked){.Id = STR("i"), .Few = {items, 3}}, WIRE_PROBLEM_VALUE, "Few",
        ERROR(" '[aa, bb, c]'", "few") "Member must have length less than or equal to 2");
    assert_invalid(
        &(struct test_checked){.Id = STR("i"), .Few = {items + 1, 2}}, WIRE_PROBLEM_VALUE, "Few",
        ERROR(" 'c'", "few.2.member") "Member must have length greater than or equal to 2");
    assert_str(problem.path, "few.2.member");
}

static void
test_secrets_are_not_shown(void **state)
{
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Secret = STR("hunter2")},
                   WIRE_PROBLEM_VALUE, "Secret",
                   ERROR("", "secret") "Member must have length less than or equal to 3");
}

static void
test_nested(void **state)
{
    struct test_checked nested[] = {{.Id = STR("a")}, {.Color = STR("RED")}};
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Nested = {nested, 2}},
                   WIRE_PROBLEM_MISSING, "Id",
                   ERROR(" null", "nested.2.member.id") "Member must not be null");
    struct test_checked_map_entry entries[] = {
        {STR("k"), {.Id = STR("a"), .Percent = OPT_INT(500)}}};
    assert_invalid(
        &(struct test_checked){.Id = STR("i"), .ByName = {entries, 1}}, WIRE_PROBLEM_VALUE,
        "Percent",
        ERROR(" '500'",
              "byName.k.member.percent") "Member must have value less than or equal to 100");
}

// Required members of a structure come before what is wrong with its other members.
static void
test_order(void **state)
{
    struct test_checked nested[] = {{.Color = STR("BLUE")}};
    assert_invalid(&(struct test_checked){.Short = STR("x"), .Nested = {nested, 1}},
                   WIRE_PROBLEM_MISSING, "Id", ERROR(" null", "id") "Member must not be null");
    assert_invalid(
        &(struct test_checked){.Id = STR("i"), .Percent = OPT_INT(101), .Nested = {nested, 1}},
        WIRE_PROBLEM_VALUE, "Percent",
        ERROR(" '101'", "percent") "Member must have value less than or equal to 100");
}

static void
test_unions(void **state)
{
    struct test_choice one = {.Small = OPT_INT(1)}, two = {STR("a"), OPT_INT(1)}, none = {0};
    assert_valid(&(struct test_checked){.Id = STR("i"), .Choice = &one});
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Choice = &two}, WIRE_PROBLEM_VALUE,
                   "Choice", ERROR("", "choice") "Member must have exactly one of its members set");
    assert_invalid(&(struct test_checked){.Id = STR("i"), .Choice = &none}, WIRE_PROBLEM_VALUE,
                   "Choice", ERROR("", "choice") "Member must have exactly one of its members set");
}

#define UNIT(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_required), UNIT(test_lengths), UNIT(test_ranges),
        UNIT(test_enums),    UNIT(test_lists),   UNIT(test_secrets_are_not_shown),
        UNIT(test_nested),   UNIT(test_order),   UNIT(test_unions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
