// The validator: what it finds, in which order, and the words of each service.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/validate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "src/wire/shown.h"
#include "src/wire/test_fixture.h"
#include "src/wire/test_rules.h"
#include "src/wire/violation.h"

#define NAME .TableName = STR("music")
#define INPUT(...) (&(struct rules_input){__VA_ARGS__})
#define ONE(value, path)                                                                           \
    "1 validation error detected: Value" value " at '" path "' failed to satisfy constraint: "
#define TWO(value, path)                                                                           \
    "2 validation errors detected: Value" value " at '" path "' failed to satisfy constraint: "
#define AND(value, path) "; Value" value " at '" path "' failed to satisfy constraint: "

static struct wire_patterns patterns;

static int
setup(void **state)
{
    arena_init(&arena);
    wire_patterns_init(&patterns);
    return 0;
}

static int
teardown(void **state)
{
    wire_patterns_fini(&patterns);
    arena_fini(&arena);
    return 0;
}

static int
validate(enum wire_wording wording, const struct rules_input *in)
{
    struct wire_checks checks = {rules->model, wording, &patterns};
    return wire_validate(&checks, rules->operations[0].input, in, &arena, &problem);
}

static void
assert_valid(const struct rules_input *in)
{
    if (validate(WIRE_WORDING_JOINED, in) != OK)
        fail_msg(STR_FMT, STR_ARG(problem.message));
    assert_int_equal(problem.kind, WIRE_PROBLEM_NONE);
}

static void
assert_message(const char *want)
{
    if (!str_eq(problem.message, str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(problem.message), want);
}

static void
assert_invalid(const struct rules_input *in, const char *message)
{
    assert_int_equal(validate(WIRE_WORDING_JOINED, in), E_INVALID);
    assert_message(message);
}

static void
test_required(void **state)
{
    assert_valid(INPUT(NAME));
    assert_invalid(INPUT(.Percent = OPT_INT(1)),
                   ONE(" null", "tableName") "Member must not be null");
    assert_int_equal(problem.kind, WIRE_PROBLEM_MISSING);
    assert_true(str_eq(problem.member, STR("TableName")));
}

static void
test_lengths(void **state)
{
    assert_valid(INPUT(NAME, .Ids = {(struct str[]){STR("i-1"), STR("i-22")}, 2}));
    assert_valid(INPUT(NAME, .Secret = STR("\xc3\xbc\xc3\xbc\xc3\xbc")));
    assert_invalid(INPUT(.TableName = STR("ab")),
                   ONE(" 'ab'", "tableName") "Member must have length greater than or equal to 3");
    assert_invalid(
        INPUT(.TableName = STR("abcdefghi")),
        ONE(" 'abcdefghi'", "tableName") "Member must have length less than or equal to 8");
    assert_invalid(INPUT(NAME, .Bytes = STR("1234")),
                   ONE("", "bytes") "Member must have length less than or equal to 3");
    assert_invalid(
        INPUT(NAME, .Ids = {(struct str[]){STR("i-1"), STR("i-2"), STR("i-3")}, 3}),
        ONE(" '[i-1, i-2, i-3]'", "ids") "Member must have length less than or equal to 2");
}

static void
test_ranges(void **state)
{
    assert_valid(INPUT(NAME, .Percent = OPT_INT(100), .Fraction = OPT_DOUBLE(100)));
    assert_invalid(INPUT(NAME, .Percent = OPT_INT(101)),
                   ONE(" '101'", "percent") "Member must have value less than or equal to 100");
    assert_invalid(INPUT(NAME, .Percent = OPT_INT(-1)),
                   ONE(" '-1'", "percent") "Member must have value greater than or equal to 0");
    assert_invalid(INPUT(NAME, .Fraction = OPT_DOUBLE(100.5)),
                   ONE(" '100.5'", "fraction") "Member must have value less than or equal to 100");
    assert_invalid(INPUT(NAME, .Fraction = OPT_DOUBLE(NAN)),
                   ONE(" 'NaN'", "fraction") "Member must have value greater than or equal to 0");
}

static void
test_enums(void **state)
{
    assert_valid(INPUT(NAME, .Kind = STR("HASH")));
    assert_invalid(INPUT(NAME, .Kind = STR("hash")),
                   ONE(" 'hash'", "kind") "Member must satisfy enum value set: [HASH, RANGE]");
}

// Both at once: the pattern comes first, as in Lambda's answer for code.s3Bucket.
static void
test_patterns(void **state)
{
    assert_invalid(
        INPUT(.TableName = STR("Music")),
        ONE(" 'Music'", "tableName") "Member must satisfy regular expression pattern: [a-z]+");
    assert_invalid(
        INPUT(.TableName = STR("A")),
        TWO(" 'A'", "tableName") "Member must satisfy regular expression pattern: [a-z]+" AND(
            " 'A'", "tableName") "Member must have length greater than or equal to 3");
}

// Elements, keys and values are told where they are held, with all that holds for them.
static void
test_elements(void **state)
{
    struct str ids[] = {STR("i-1"), STR("x")}, kinds[] = {STR("HASH"), STR("hash")};
    struct rules_ids lists[] = {{ids, 1}, {ids, 2}};
    assert_invalid(INPUT(NAME, .Ids = {ids, 2}),
                   ONE(" '[i-1, x]'",
                       "ids") "Member must satisfy constraint: [Member must have length less than "
                              "or equal to 4, Member must have length greater than or equal to 0, "
                              "Member must satisfy regular expression pattern: i-[0-9]*]");
    assert_invalid(
        INPUT(NAME, .Kinds = {kinds, 2}),
        ONE(" '[HASH, hash]'", "kinds") "Member must satisfy constraint: [Member must satisfy enum "
                                        "value set: [HASH, RANGE]]");
    assert_invalid(INPUT(NAME, .Lists = {lists, 2}),
                   ONE(" '[i-1, x]'",
                       "lists.2.member") "Member must satisfy constraint: [Member must have length "
                                         "less than or equal to 4, Member must have length greater "
                                         "than or equal to 0, Member must satisfy regular "
                                         "expression pattern: i-[0-9]*]");
}

static void
test_entries(void **state)
{
    struct rules_tags_entry entries[] = {{STR("a"), STR("b")}, {STR("long key"), STR("")}};
    assert_valid(INPUT(NAME, .Tags = {entries, 1}));
    assert_invalid(
        INPUT(NAME, .Tags = {entries, 2}),
        TWO(" '{a=b, long key=}'",
            "tags") "Map keys must satisfy constraint: [Member must have length "
                    "less than or equal to 4, Member must have length greater "
                    "than or equal to 1]" AND(
                        " '{a=b, long key=}'",
                        "tags") "Map value must satisfy constraint: [Member must have "
                                "length less than or equal to 3, Member must have length "
                                "greater than or equal to 1]");
}

static void
test_nested(void **state)
{
    struct rules_element elements[] = {{.AttributeName = STR("pk"), .KeyType = STR("HASH")},
                                       {.AttributeName = STR("sk"), .Range = OPT_INT(500)}};
    struct rules_by_name_entry entries[] = {{STR("k"), {.AttributeName = STR("a")}}};
    assert_invalid(
        INPUT(NAME, .KeySchema = {elements, 2}),
        TWO(" null", "keySchema.2.member.keyType") "Member must not be null" AND(
            " '500'",
            "keySchema.2.member.range") "Member must have value less than or equal to 100");
    assert_true(str_eq(problem.path, STR("keySchema.2.member.keyType")));
    assert_invalid(INPUT(NAME, .ByName = {entries, 1}),
                   ONE(" null", "byName.k.member.keyType") "Member must not be null");
}

// As DynamoDB shows a list of structures.
static void
test_shown_structures(void **state)
{
    struct rules_element e = {.AttributeName = STR("pk"), .KeyType = STR("HASH")};
    struct rules_element elements[] = {
        e, e, {.AttributeName = STR("x"), .KeyType = STR("RANGE"), .Range = OPT_INT(7)}};
    assert_invalid(
        INPUT(NAME, .KeySchema = {elements, 3}),
        ONE(" '[Element(attributeName=pk, keyType=HASH, range=null), Element(attributeName=pk, "
            "keyType=HASH, range=null), Element(attributeName=x, keyType=RANGE, range=7)]'",
            "keySchema") "Member must have length less than or equal to 2");
}

static void
test_secrets_are_not_shown(void **state)
{
    struct rules_holder holders[] = {{.Secret = STR("abc")}, {.Secret = {0}}};
    assert_invalid(INPUT(NAME, .Secret = STR("hunter2")),
                   ONE("", "secret") "Member must have length less than or equal to 3");
    assert_invalid(INPUT(NAME, .Holders = {holders, 2}),
                   ONE("", "holders") "Member must have length less than or equal to 1");
}

static void
test_long_values_are_cut(void **state)
{
    struct buf text;
    buf_init(&text, &arena, 0);
    for (size_t i = 0; i < SHOWN_BYTES_MAX; i++)
        buf_put(&text, STR("\xc3\xbc"));
    assert_int_equal(validate(WIRE_WORDING_JOINED, INPUT(NAME, .Kind = buf_str(&text))), E_INVALID);
    assert_true(problem.message.len < SHOWN_BYTES_MAX + 200);
    assert_true(str_find(problem.message, STR("\xc3\xbc' at 'kind'")) > 0);
}

static void
test_unions(void **state)
{
    struct rules_choice choices[] = {{.A = STR("a")}, {STR("a"), OPT_INT(1)}, {.A = {0}}};
    assert_valid(INPUT(NAME, .Choices = {choices, 1}));
    assert_invalid(
        INPUT(NAME, .Choices = {choices, 3}),
        TWO("", "choices.2.member") "Member must have exactly one of its members set" AND(
            "", "choices.3.member") "Member must have exactly one of its members set");
}

// Nothing in it can break a rule: the walk leaves it out, however deep it is.
static void
test_what_has_no_rules_is_not_walked(void **state)
{
    struct rules_free free_ = {0};
    free_.Of = &free_; // without an end
    assert_valid(INPUT(NAME, .Free = &free_));
}

static void
test_wording_of_sqs(void **state)
{
    assert_int_equal(validate(WIRE_WORDING_SQS, INPUT(.Kind = STR("x"))), E_INVALID);
    assert_message("The request must contain the parameter TableName.");
    assert_int_equal(problem.kind, WIRE_PROBLEM_MISSING);
    assert_int_equal(
        validate(WIRE_WORDING_SQS, INPUT(NAME, .Kind = STR("x"), .Percent = OPT_INT(101))),
        E_INVALID);
    assert_message(ONE(" 'x'", "kind") "Member must satisfy enum value set: [HASH, RANGE]");
    assert_int_equal(problem.kind, WIRE_PROBLEM_VALUE);
}

static void
test_wording_of_ec2(void **state)
{
    struct rules_element elements[] = {{.KeyType = STR("HASH")}};
    assert_int_equal(validate(WIRE_WORDING_EC2, INPUT(.Kind = STR("x"))), E_INVALID);
    assert_message("The request must contain the parameter Table");
    assert_int_equal(validate(WIRE_WORDING_EC2, INPUT(NAME, .KeySchema = {elements, 1})),
                     E_INVALID);
    assert_message("The request must contain the parameter KeySchema.1.AttributeName");
    assert_int_equal(validate(WIRE_WORDING_EC2, INPUT(NAME, .Percent = OPT_INT(101))), E_INVALID);
    assert_message("Value (101) for parameter Percent is invalid. Member must have value less than "
                   "or equal to 100");
}

// Many wrong elements: some are told, all are counted up to a limit, and the message stays small.
static void
test_many_violations(void **state)
{
    enum { MANY = 50000 };
    struct rules_choice *choices = ARENA_ARRAY(&arena, MANY, struct rules_choice);
    assert_int_equal(validate(WIRE_WORDING_JOINED, INPUT(NAME, .Choices = {choices, 25})),
                     E_INVALID);
    assert_int_equal(str_find(problem.message, STR("25 validation errors detected: ")), 0);
    assert_true(str_find(problem.message, STR("'choices.20.member'")) > 0);
    assert_true(str_find(problem.message, STR("'choices.21.member'")) < 0);
    size_t used = arena.used_bytes;
    assert_int_equal(validate(WIRE_WORDING_JOINED, INPUT(NAME, .Choices = {choices, MANY})),
                     E_INVALID);
    assert_int_equal(str_find(problem.message, STR("1000 validation errors detected: ")), 0);
    assert_true(arena.used_bytes - used < 16384);
}

// A pattern that backtracks without end on such a string: an answer comes, and it is no.
static void
test_hostile_strings_end(void **state)
{
    enum { LONG = 1 << 20 };
    char *text = arena_alloc_bytes(&arena, LONG);
    memset(text, 'a', LONG);
    clock_t began = clock();
    assert_int_equal(validate(WIRE_WORDING_JOINED, INPUT(NAME, .Slow = {text, LONG})), E_INVALID);
    assert_true(str_find(problem.message, STR("regular expression pattern: (a|a|aa)*b")) > 0);
    assert_true(clock() - began < 20 * CLOCKS_PER_SEC);
    assert_valid(INPUT(NAME, .Slow = STR("aaab")));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_required),
        TEST(test_lengths),
        TEST(test_ranges),
        TEST(test_enums),
        TEST(test_patterns),
        TEST(test_elements),
        TEST(test_entries),
        TEST(test_nested),
        TEST(test_shown_structures),
        TEST(test_secrets_are_not_shown),
        TEST(test_long_values_are_cut),
        TEST(test_unions),
        TEST(test_what_has_no_rules_is_not_walked),
        TEST(test_wording_of_sqs),
        TEST(test_wording_of_ec2),
        TEST(test_many_violations),
        TEST(test_hostile_strings_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
