// awsJson requests and responses over the hand-written model.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/test_fixture.h"
#include "src/wire/test_model.h"

static struct test_thing thing;

static int
decode(struct str body)
{
    memset(&thing, 0xff, sizeof(thing)); // decoders zero it
    return wire_json_decode(&test_model, TEST_THING, body, &arena, &thing, &problem);
}

static void
assert_decodes(const char *body)
{
    if (decode(str_of(body)) != OK)
        fail_msg("%s: " STR_FMT, body, STR_ARG(problem.message));
    assert_int_equal(problem.kind, WIRE_PROBLEM_NONE);
}

static void
assert_problem(const char *body, enum wire_problem_kind kind, const char *path, const char *member,
               const char *message)
{
    assert_int_equal(decode(str_of(body)), E_INVALID);
    assert_str(problem.message, message);
    assert_int_equal(problem.kind, kind);
    assert_str(problem.path, path);
    assert_str(problem.member, member);
}

static void
test_scalars(void **state)
{
    assert_decodes("{\"Text\":\"t\",\"Data\":\"AAEC\",\"Flag\":true,\"Small\":-2147483648,"
                   "\"Big\":9223372036854775807,\"Ratio\":0.5,\"When\":1422172800.5,"
                   "\"WhenText\":\"Sun, 25 Jan 2015 08:00:00 GMT\"}");
    assert_str(thing.Text, "t");
    assert_int_equal(thing.Data.len, 3);
    assert_memory_equal(thing.Data.ptr, "\0\1\2", 3);
    assert_true(thing.Flag.is_present && thing.Flag.value);
    assert_true(thing.Small.is_present && thing.Small.value == INT32_MIN);
    assert_true(thing.Big.is_present && thing.Big.value == INT64_MAX);
    assert_true(thing.Ratio.is_present && thing.Ratio.value == 0.5);
    assert_true(thing.When.is_present && thing.When.value == 1422172800500);
    assert_true(thing.WhenText.is_present && thing.WhenText.value == 1422172800000);
    assert_null(thing.Child);
    assert_null(thing.Names.items);
}

static void
test_integral_numbers_in_other_forms(void **state)
{
    assert_decodes("{\"Small\":1.0,\"Big\":1e2}");
    assert_int_equal(thing.Small.value, 1);
    assert_int_equal(thing.Big.value, 100);
}

static void
test_not_finite_numbers(void **state)
{
    assert_decodes("{\"Ratio\":\"-Infinity\"}");
    assert_true(thing.Ratio.value < 0 && thing.Ratio.value * 2 == thing.Ratio.value);
    assert_problem("{\"Ratio\":\"1.5\"}", WIRE_PROBLEM_TYPE, "ratio", "Ratio",
                   "STRING_VALUE can not be converted to a Double");
    assert_problem("{\"Ratio\":1e999}", WIRE_PROBLEM_TYPE, "ratio", "Ratio",
                   "NUMBER_VALUE can not be converted to a Double");
}

static void
test_nested(void **state)
{
    assert_decodes("{\"Child\":{\"Child\":{\"Text\":\"deep\"}},\"Names\":[\"a\",\"b\"],"
                   "\"Children\":[{\"Small\":1},{\"Children\":[{\"Small\":3}]}],"
                   "\"Tags\":{\"k\":\"v\",\"l\":\"w\"},\"Parts\":{\"p\":{\"Text\":\"part\"}},"
                   "\"Matrix\":[[],[\"x\"]],\"Counts\":[1,2]}");
    assert_str(thing.Child->Child->Text, "deep");
    assert_int_equal(thing.Names.count, 2);
    assert_str(thing.Names.items[1], "b");
    assert_int_equal(thing.Children.count, 2);
    assert_int_equal(thing.Children.items[0].Small.value, 1);
    assert_int_equal(thing.Children.items[1].Children.items[0].Small.value, 3);
    assert_int_equal(thing.Tags.count, 2);
    assert_str(thing.Tags.items[1].key, "l");
    assert_str(thing.Tags.items[1].value, "w");
    assert_str(thing.Parts.items[0].value.Text, "part");
    assert_int_equal(thing.Matrix.items[0].count, 0);
    assert_non_null(thing.Matrix.items[0].items);
    assert_str(thing.Matrix.items[1].items[0], "x");
    assert_int_equal(thing.Counts.items[1].value, 2);
}

static void
test_long_lists_grow(void **state)
{
    enum { COUNT = 1000 };
    struct buf b;
    buf_init(&b, &arena, 0);
    buf_put(&b, STR("{\"Names\":["));
    for (int i = 0; i < COUNT; i++)
        buf_print(&b, "%s\"%d\\u0021\"", i == 0 ? "" : ",", i);
    buf_put(&b, STR("]}"));
    assert_int_equal(decode(buf_str(&b)), OK);
    assert_int_equal(thing.Names.count, COUNT);
    assert_str(thing.Names.items[0], "0!");
    assert_str(thing.Names.items[COUNT - 1], "999!");
}

static void
test_null_is_absent(void **state)
{
    assert_decodes("{\"Text\":null,\"Child\":null,\"Names\":[null,\"a\",null],\"Flag\":null,"
                   "\"Tags\":{\"k\":null,\"l\":\"w\"},\"Children\":null}");
    assert_null(thing.Text.ptr);
    assert_null(thing.Child);
    assert_false(thing.Flag.is_present);
    assert_int_equal(thing.Names.count, 1);
    assert_int_equal(thing.Tags.count, 1);
    assert_null(thing.Children.items);
}

static void
test_unknown_members_are_skipped(void **state)
{
    assert_decodes("{\"x\":[1,{\"y\":null}],\"Text\":\"t\",\"\":{},\"text\":1}");
    assert_str(thing.Text, "t");
}

static void
test_what_is_sent_twice(void **state)
{
    assert_decodes("{\"Text\":\"a\",\"Text\":\"b\",\"Names\":[\"a\",\"b\"],\"Names\":[\"c\"],"
                   "\"Child\":{\"Small\":1},\"Child\":{\"Big\":2},"
                   "\"Tags\":{\"k\":\"1\",\"l\":\"2\",\"k\":\"3\"}}");
    assert_str(thing.Text, "b");
    assert_int_equal(thing.Names.count, 1);
    assert_false(thing.Child->Small.is_present);
    assert_int_equal(thing.Child->Big.value, 2);
    assert_int_equal(thing.Tags.count, 2);
    assert_str(thing.Tags.items[1].value, "3");
}

static void
test_empty_bodies(void **state)
{
    assert_decodes("");
    assert_null(thing.Text.ptr);
    assert_decodes(" {} ");
    assert_null(thing.Text.ptr);
}

static void
test_strings_point_into_the_body(void **state)
{
    const char *body = "{\"Text\":\"plain\",\"FlatNames\":[]}";
    assert_decodes(body);
    assert_ptr_equal(thing.Text.ptr, body + 9);
}

static void
test_syntax(void **state)
{
    static const char *const bodies[] = {"{",           "{}x",
                                         "{\"Text\":}", "{\"Text\":\"a}",
                                         "x",           "{\"Small\":01}",
                                         "{\"u\":[}",   "{\"Text\":\"\xff\"}"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        assert_int_equal(decode(str_of(bodies[i])), E_INVALID);
        assert_int_equal(problem.kind, WIRE_PROBLEM_SYNTAX);
        assert_str(problem.message, "The request is not valid JSON");
    }
}

static void
test_wrong_types(void **state)
{
    assert_problem("{\"Small\":\"1\"}", WIRE_PROBLEM_TYPE, "small", "Small",
                   "STRING_VALUE can not be converted to an Integer");
    assert_problem("{\"Small\":2147483648}", WIRE_PROBLEM_TYPE, "small", "Small",
                   "NUMBER_VALUE can not be converted to an Integer");
    assert_problem("{\"Big\":1.5}", WIRE_PROBLEM_TYPE, "big", "Big",
                   "NUMBER_VALUE can not be converted to a Long");
    assert_problem("{\"Text\":1}", WIRE_PROBLEM_TYPE, "text", "Text",
                   "NUMBER_VALUE can not be converted to a String");
    assert_problem("{\"Text\":[]}", WIRE_PROBLEM_TYPE, "text", "Text",
                   "Start of list found where not expected");
    assert_problem("{\"Names\":{}}", WIRE_PROBLEM_TYPE, "names", "Names",
                   "Start of structure or map found where not expected");
    assert_problem("{\"Data\":\"a\"}", WIRE_PROBLEM_TYPE, "data", "Data",
                   "STRING_VALUE can not be converted to a Blob");
    assert_problem("{\"When\":\"2015-01-25T08:00:00Z\"}", WIRE_PROBLEM_TYPE, "when", "When",
                   "STRING_VALUE can not be converted to a Timestamp");
    assert_problem("{\"Flag\":\"true\"}", WIRE_PROBLEM_TYPE, "flag", "Flag",
                   "STRING_VALUE can not be converted to a Boolean");
    assert_problem("[]", WIRE_PROBLEM_TYPE, "", "", "Start of list found where not expected");
}

static void
test_paths_of_problems(void **state)
{
    assert_problem("{\"Children\":[{},{\"Parts\":{\"the key\":{\"WhenText\":1}}}]}",
                   WIRE_PROBLEM_TYPE, "children.2.member.parts.the key.member.whenText", "WhenText",
                   "NUMBER_VALUE can not be converted to a Timestamp");
    assert_problem("{\"Matrix\":[[\"a\",true]]}", WIRE_PROBLEM_TYPE, "matrix.1.member.2.member",
                   "Matrix", "TRUE_VALUE can not be converted to a String");
}

static struct str
repeated(const char *head, const char *text, size_t times, const char *tail)
{
    struct buf b;
    buf_init(&b, &arena, strlen(text) * times + 64);
    buf_put(&b, str_of(head));
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_of(text));
    buf_put(&b, str_of(tail));
    return buf_str(&b);
}

static void
test_depth(void **state)
{
    struct buf b;
    struct str open = repeated("", "{\"Child\":", WIRE_DEPTH_MAX - 1, "{");
    buf_init(&b, &arena, 0);
    buf_put(&b, open);
    buf_put(&b, repeated("", "}", WIRE_DEPTH_MAX, ""));
    assert_int_equal(decode(buf_str(&b)), OK);
    assert_int_equal(decode(repeated("", "{\"Child\":", WIRE_DEPTH_MAX, "{")), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
    assert_int_equal(decode(repeated("{\"u\":", "[", 100000, "")), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
}

// Few bytes may not take much memory: what a request makes is counted over all of it.
static void
test_items_are_limited(void **state)
{
    struct str body = repeated("{\"Counts\":[", "1,", WIRE_ITEMS_MAX - 1, "1]}");
    assert_int_equal(decode(body), OK);
    body = repeated("{\"Counts\":[", "1,", WIRE_ITEMS_MAX, "1]}");
    assert_int_equal(decode(body), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
    body = repeated("{", "\"Children\":[{}],", WIRE_ITEMS_MAX + 1, "\"x\":0}");
    assert_int_equal(decode(body), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
}

static void
test_a_structure_sent_often_takes_memory_once(void **state)
{
    struct str body = repeated("{", "\"Child\":{},", 10000, "\"x\":0}");
    size_t before = arena.used_bytes;
    assert_int_equal(decode(body), OK);
    assert_true(arena.used_bytes - before < 2 * sizeof(struct test_thing));
}

static struct str
encode(const struct test_thing *in)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_json_encode(&test_model, TEST_THING, in, &b);
    return buf_str(&b);
}

static void
test_encode(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"Text\":\"\",\"Data\":\"AAEC\",\"Flag\":false,\"Small\":-1,\"Big\":-9223372036854775808,"
        "\"Ratio\":1.5,\"When\":1422172800.500,\"WhenText\":\"Sun, 25 Jan 2015 08:00:00 GMT\"}",
        "{\"Text\":\"a\\\"\\n\\\\\",\"Ratio\":\"NaN\",\"When\":0}",
        "{\"Child\":{\"Child\":{}},\"Names\":[\"a\",\"b\"],\"FlatNames\":[],"
        "\"Children\":[{\"Small\":1},{}],\"Tags\":{\"k\":\"v\",\"l\":\"\"},\"FlatTags\":{},"
        "\"Parts\":{\"p\":{\"Text\":\"part\"}},\"Matrix\":[[],[\"x\"]],\"Counts\":[1,2]}",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_decodes(texts[i]);
        assert_str(encode(&thing), texts[i]);
    }
}

static void
test_absent_elements_are_null(void **state)
{
    struct opt_int counts[] = {OPT_INT(1), {0}};
    assert_str(encode(&(struct test_thing){.Counts = {counts, 2}}), "{\"Counts\":[1,null]}");
}

static void
test_errors(void **state)
{
    struct wire_error_text e = {.name = STR("QueueDoesNotExist"),
                                .namespace_ = STR("com.amazonaws.sqs"),
                                .message = STR("No \"such\" queue.")};
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_json_encode_error(&e, &b);
    assert_str(buf_str(&b), "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\","
                            "\"message\":\"No \\\"such\\\" queue.\"}");
    e.namespace_ = STR("");
    b.len = 0;
    wire_json_encode_error(&e, &b);
    assert_str(buf_str(&b),
               "{\"__type\":\"QueueDoesNotExist\",\"message\":\"No \\\"such\\\" queue.\"}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_scalars),
        UNIT(test_integral_numbers_in_other_forms),
        UNIT(test_not_finite_numbers),
        UNIT(test_nested),
        UNIT(test_long_lists_grow),
        UNIT(test_null_is_absent),
        UNIT(test_unknown_members_are_skipped),
        UNIT(test_what_is_sent_twice),
        UNIT(test_empty_bodies),
        UNIT(test_strings_point_into_the_body),
        UNIT(test_syntax),
        UNIT(test_wrong_types),
        UNIT(test_paths_of_problems),
        UNIT(test_depth),
        UNIT(test_items_are_limited),
        UNIT(test_a_structure_sent_often_takes_memory_once),
        UNIT(test_encode),
        UNIT(test_absent_elements_are_null),
        UNIT(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
