// EC2 requests and responses over the hand-written model.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/ec2.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/test_fixture.h"
#include "src/wire/test_model.h"

static struct test_thing thing;

static int
decode(struct str form)
{
    memset(&thing, 0xff, sizeof(thing)); // decoders zero it
    return wire_ec2_decode(&test_model, TEST_THING, form, &arena, &thing, &problem);
}

static void
assert_decodes(const char *form)
{
    if (decode(str_of(form)) != OK)
        fail_msg("%s: " STR_FMT, form, STR_ARG(problem.message));
    assert_int_equal(problem.kind, WIRE_PROBLEM_NONE);
}

static void
assert_problem(const char *form, enum wire_problem_kind kind, const char *path, const char *message)
{
    assert_int_equal(decode(str_of(form)), E_INVALID);
    assert_str(problem.message, message);
    assert_int_equal(problem.kind, kind);
    assert_str(problem.path, path);
}

static void
test_scalars(void **state)
{
    assert_decodes("Action=DoThing&Version=2016-11-15&Text=a+b%26c&Data=AAEC&Flag=true&Small=-5&"
                   "Big=9223372036854775807&Ratio=0.5&When=2015-01-25T08%3A00%3A00.5Z&"
                   "WhenText=Sun%2C+25+Jan+2015+08%3A00%3A00+GMT");
    assert_str(thing.Text, "a b&c");
    assert_memory_equal(thing.Data.ptr, "\0\1\2", 3);
    assert_true(thing.Flag.value);
    assert_int_equal(thing.Small.value, -5);
    assert_true(thing.Big.value == INT64_MAX);
    assert_true(thing.Ratio.value == 0.5);
    assert_true(thing.When.value == 1422172800500);
    assert_true(thing.WhenText.value == 1422172800000);
    assert_null(thing.Child);
    assert_null(thing.Names.items);
}

// Flat, whatever the model says; indexes may have gaps and come in any order.
static void
test_lists(void **state)
{
    assert_decodes("Names.10=c&Names.2=a&Names.9=b&FlatName.3=x&Children.2.Text=two&"
                   "Children.1.Text=one&Children.1.Names.1=n&Matrix.1.2=z&Matrix.1.1=y");
    assert_int_equal(thing.Names.count, 3);
    assert_str(thing.Names.items[0], "a");
    assert_str(thing.Names.items[1], "b");
    assert_str(thing.Names.items[2], "c");
    assert_str(thing.FlatNames.items[0], "x");
    assert_int_equal(thing.Children.count, 2);
    assert_str(thing.Children.items[0].Text, "one");
    assert_str(thing.Children.items[0].Names.items[0], "n");
    assert_str(thing.Children.items[1].Text, "two");
    assert_int_equal(thing.Matrix.count, 1);
    assert_str(thing.Matrix.items[0].items[1], "z");
}

static void
test_empty_values(void **state)
{
    assert_decodes("Text=&Names=&Child=");
    assert_true(str_is_present(thing.Text) && thing.Text.len == 0);
    assert_true(thing.Names.items != NULL && thing.Names.count == 0);
    assert_non_null(thing.Child);
}

static void
test_unknown_names_are_skipped(void **state)
{
    assert_decodes("&&x=1&Text=t&.=1&..Text=2&Text.x=3&Names.1.x=1&=&a&&");
    assert_str(thing.Text, "t");
    assert_int_equal(thing.Names.count, 0);
}

static void
test_malformed(void **state)
{
    assert_problem("Small=abc", WIRE_PROBLEM_TYPE, "small",
                   "Value (abc) can not be converted to an Integer");
    assert_problem("Child=x", WIRE_PROBLEM_TYPE, "child",
                   "Value (x) can not be converted to a structure");
    assert_problem("Names=x", WIRE_PROBLEM_TYPE, "names",
                   "Value (x) can not be converted to a list");
    assert_problem("Names.member.1=x", WIRE_PROBLEM_TYPE, "names",
                   "Value (member) can not be converted to a list");
    assert_problem("Names.01=x", WIRE_PROBLEM_TYPE, "names",
                   "Value (01) can not be converted to a list");
    assert_problem("Tags.1.key=a", WIRE_PROBLEM_TYPE, "tags",
                   "Value () can not be converted to a map");
    assert_problem("Children.7.Child.Text=%ff", WIRE_PROBLEM_TYPE, "children.1.member.child.text",
                   "Value (?) can not be converted to a String (UTF-8)");
    assert_problem("Text=%4", WIRE_PROBLEM_SYNTAX, "", "The request is not a valid form");
}

static struct str
repeated(const char *text, size_t times, const char *tail)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_of(text));
    buf_put(&b, str_of(tail));
    return buf_str(&b);
}

static void
test_limits(void **state)
{
    assert_int_equal(decode(repeated("Child.", WIRE_DEPTH_MAX - 1, "Text=1")), OK);
    assert_int_equal(decode(repeated("Child.", WIRE_DEPTH_MAX, "Text=1")), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
    assert_int_equal(decode(repeated("a&", WIRE_ITEMS_MAX, "a")), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
}

static struct str
respond(enum test_operation operation, const struct test_thing *out)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_ec2_encode(&test_service, &test_operations[operation], out, STR("r-1"), &b);
    return buf_str(&b);
}

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define ROOT(name)                                                                                 \
    DECLARATION "<" name "Response xmlns=\"http://test.example/doc/2012-11-05/\">"                 \
                "<requestId>r-1</requestId>"

static void
test_response(void **state)
{
    assert_decodes("Text=%3Ca%3E&Flag=false&When=2015-01-25T08:00:00Z&Names.1=a&Names.2=b&"
                   "FlatName.1=c&Children.1.Small=7&Matrix=");
    assert_str(respond(DO_THING, &thing),
               ROOT("DoThing") "<Text>&lt;a&gt;</Text><Flag>false</Flag>"
                               "<When>2015-01-25T08:00:00.000Z</When>"
                               "<Names><member>a</member><member>b</member></Names>"
                               "<FlatName>c</FlatName>"
                               "<Children><member><Small>7</Small></member></Children>"
                               "<Matrix></Matrix></DoThingResponse>");
    assert_str(respond(DO_THING, &(struct test_thing){0}), ROOT("DoThing") "</DoThingResponse>");
}

static void
test_response_without_output(void **state)
{
    assert_str(respond(DO_NOTHING, NULL),
               ROOT("DoNothing") "<return>true</return></DoNothingResponse>");
}

static void
test_error(void **state)
{
    struct test_choice context = {.Small = OPT_INT(3)};
    struct wire_error_text e = {.name = STR("InvalidInstanceIDNotFound"),
                                .query_code = STR("InvalidInstanceID.NotFound"),
                                .message = STR("The instance ID 'i-1 & 2' does not exist")};
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_ec2_encode_error(&e, STR("r-1"), &b);
    assert_str(buf_str(&b),
               DECLARATION "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"
                           "<Message>The instance ID 'i-1 &amp; 2' does not exist</Message></Error>"
                           "</Errors><RequestID>r-1</RequestID></Response>");
    e.m = &test_model;
    e.shape = TEST_CHOICE;
    e.context = &context;
    buf_init(&b, &arena, 0);
    wire_ec2_encode_error(&e, STR("r-1"), &b);
    assert_true(str_find(buf_str(&b), STR("</Message><Small>3</Small></Error>")) > 0);
    e.fields = (struct wire_error_field[]){{"Why", STR("a<b")}};
    e.field_count = 1;
    buf_init(&b, &arena, 0);
    wire_ec2_encode_error(&e, STR("r-1"), &b);
    assert_true(str_find(buf_str(&b), STR("<Small>3</Small><Why>a&lt;b</Why></Error>")) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_scalars),      UNIT(test_lists),
        UNIT(test_empty_values), UNIT(test_unknown_names_are_skipped),
        UNIT(test_malformed),    UNIT(test_limits),
        UNIT(test_response),     UNIT(test_response_without_output),
        UNIT(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
