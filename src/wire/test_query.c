// awsQuery requests and responses over the hand-written model.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

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
    return wire_query_decode(&test_model, TEST_THING, form, &arena, &thing, &problem);
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
    assert_decodes("Action=DoThing&Version=2012-11-05&Text=a+b%26c&Data=AAEC&Flag=True&Small=-5&"
                   "Big=9223372036854775807&Ratio=-1.5e3&When=2015-01-25T08%3A00%3A00Z&"
                   "WhenText=Sun%2C+25+Jan+2015+08%3A00%3A00+GMT");
    assert_str(thing.Text, "a b&c");
    assert_memory_equal(thing.Data.ptr, "\0\1\2", 3);
    assert_true(thing.Flag.is_present && thing.Flag.value);
    assert_true(thing.Small.is_present && thing.Small.value == -5);
    assert_true(thing.Big.value == INT64_MAX);
    assert_true(thing.Ratio.value == -1500);
    assert_true(thing.When.value == 1422172800000);
    assert_true(thing.WhenText.value == 1422172800000);
    assert_null(thing.Child);
}

static void
test_empty_values(void **state)
{
    assert_decodes("Text=&Data=&Names=&FlatName=&Child=&Attribute=");
    assert_true(thing.Text.ptr != NULL && thing.Text.len == 0);
    assert_true(thing.Data.ptr != NULL && thing.Data.len == 0);
    assert_true(thing.Names.items != NULL && thing.Names.count == 0);
    assert_true(thing.FlatNames.items != NULL && thing.FlatNames.count == 0);
    assert_true(thing.FlatTags.items != NULL && thing.FlatTags.count == 0);
    assert_non_null(thing.Child);
    assert_null(thing.Tags.items);
}

static void
test_structures(void **state)
{
    assert_decodes("Child.Child.Text=deep&Child.Small=1&Childx=1&Child-.Small=2");
    assert_str(thing.Child->Child->Text, "deep");
    assert_int_equal(thing.Child->Small.value, 1);
}

// Indexes may have gaps and come in any order; they count as numbers.
static void
test_lists(void **state)
{
    assert_decodes("Names.member.10=c&Names.member.2=a&Names.member.9=b&FlatName.3=x&"
                   "FlatChild.2.Text=two&FlatChild.1.Text=one&FlatChild.1.FlatName.1=n&"
                   "Children.member.1.Children.member.1.Small=7&Matrix.member.1.member.2=z");
    assert_int_equal(thing.Names.count, 3);
    assert_str(thing.Names.items[0], "a");
    assert_str(thing.Names.items[1], "b");
    assert_str(thing.Names.items[2], "c");
    assert_int_equal(thing.FlatNames.count, 1);
    assert_str(thing.FlatNames.items[0], "x");
    assert_int_equal(thing.FlatChildren.count, 2);
    assert_str(thing.FlatChildren.items[0].Text, "one");
    assert_str(thing.FlatChildren.items[0].FlatNames.items[0], "n");
    assert_str(thing.FlatChildren.items[1].Text, "two");
    assert_int_equal(thing.Children.items[0].Children.items[0].Small.value, 7);
    assert_str(thing.Matrix.items[0].items[0], "z");
}

static void
test_maps(void **state)
{
    assert_decodes("Tags.entry.1.key=k&Tags.entry.1.value=v&Attribute.2.Name=b&Attribute.2.Value=2&"
                   "Attribute.1.Name=a&Attribute.1.Value=1&Parts.entry.1.Name=p&"
                   "Parts.entry.1.Value.Text=part&Parts.entry.1.Value.Tags.entry.1.key=x&"
                   "Parts.entry.1.Value.Tags.entry.1.value=");
    assert_int_equal(thing.Tags.count, 1);
    assert_str(thing.Tags.items[0].key, "k");
    assert_str(thing.Tags.items[0].value, "v");
    assert_int_equal(thing.FlatTags.count, 2);
    assert_str(thing.FlatTags.items[0].key, "a");
    assert_str(thing.FlatTags.items[1].value, "2");
    assert_str(thing.Parts.items[0].value.Text, "part");
    assert_str(thing.Parts.items[0].value.Tags.items[0].value, "");
}

static void
test_map_entries_need_both_parts(void **state)
{
    assert_problem("Attribute.1.Name=a", WIRE_PROBLEM_MISSING, "flatTags.1.member.value",
                   "A map entry has no Value");
    assert_str(problem.member, "Value");
    assert_problem("Attribute.1.Value=a", WIRE_PROBLEM_MISSING, "flatTags.1.member.name",
                   "A map entry has no Name");
    assert_problem("Attribute.1.Name=a&Attribute.1.Value.x=1", WIRE_PROBLEM_MISSING,
                   "flatTags.1.member.value", "A map entry has no Value");
}

static void
test_unknown_names_are_skipped(void **state)
{
    assert_decodes("&&x=1&Text=t&.=1&..Text=2&Text.x=3&Names.other.1=a&FlatName.1.x=1&=&a&&");
    assert_str(thing.Text, "t");
    assert_null(thing.Names.items);
    assert_int_equal(thing.FlatNames.count, 0);
}

static void
test_of_two_the_first_counts(void **state)
{
    assert_decodes("Text=1&Text=2&FlatName.1=a&FlatName.1=b");
    assert_str(thing.Text, "1");
    assert_int_equal(thing.FlatNames.count, 1);
    assert_str(thing.FlatNames.items[0], "a");
    assert_decodes("Attribute.1.Name=k&Attribute.1.Value=1&Attribute.2.Name=k&Attribute.2.Value=2");
    assert_int_equal(thing.FlatTags.count, 1);
    assert_str(thing.FlatTags.items[0].value, "2");
}

static void
test_wrong_types(void **state)
{
    assert_problem("Small=abc", WIRE_PROBLEM_TYPE, "small",
                   "Value (abc) can not be converted to an Integer");
    assert_problem("Small=2147483648", WIRE_PROBLEM_TYPE, "small",
                   "Value (2147483648) can not be converted to an Integer");
    assert_problem("Small=", WIRE_PROBLEM_TYPE, "small",
                   "Value () can not be converted to an Integer");
    assert_problem("Flag=yes", WIRE_PROBLEM_TYPE, "flag",
                   "Value (yes) can not be converted to a Boolean");
    assert_problem("When=1422172800", WIRE_PROBLEM_TYPE, "when",
                   "Value (1422172800) can not be converted to a Timestamp");
    assert_problem("Child=x", WIRE_PROBLEM_TYPE, "child",
                   "Value (x) can not be converted to a structure");
    assert_problem("Names=x", WIRE_PROBLEM_TYPE, "names",
                   "Value (x) can not be converted to a list");
    assert_problem("FlatName.x=1", WIRE_PROBLEM_TYPE, "flatNames",
                   "Value (x) can not be converted to a list");
    assert_problem("FlatName.01=1", WIRE_PROBLEM_TYPE, "flatNames",
                   "Value (01) can not be converted to a list");
    assert_problem("FlatChild.3.Child.Text=%ff", WIRE_PROBLEM_TYPE,
                   "flatChildren.1.member.child.text",
                   "Value (?) can not be converted to a String (UTF-8)");
}

static void
test_syntax(void **state)
{
    assert_problem("Text=%4", WIRE_PROBLEM_SYNTAX, "", "The request is not a valid form");
    assert_problem("%zz=1", WIRE_PROBLEM_SYNTAX, "", "The request is not a valid form");
}

static struct str
repeated(const char *text, size_t times, const char *tail)
{
    struct buf b;
    buf_init(&b, &arena, strlen(text) * times + 64);
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
    // Each pair makes a list, an element and a structure.
    struct buf b;
    buf_init(&b, &arena, 0);
    for (int i = 0; i < WIRE_ITEMS_MAX - 1; i++)
        buf_print(&b, "FlatChild.%d.Child=&", i);
    assert_int_equal(decode(buf_str(&b)), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
}

static void
test_form_get(void **state)
{
    struct str form = STR("&x=1&Act%69on=Send+Message&Action=2&Bad=%&Empty");
    assert_str(wire_form_get(form, STR("Action"), &arena), "Send Message");
    assert_str(wire_form_get(form, STR("x"), &arena), "1");
    assert_str(wire_form_get(form, STR("Empty"), &arena), "");
    assert_true(str_is_present(wire_form_get(form, STR("Empty"), &arena)));
    assert_false(str_is_present(wire_form_get(form, STR("Version"), &arena)));
    assert_false(str_is_present(wire_form_get(form, STR("Bad"), &arena)));
    assert_false(str_is_present(wire_form_get((struct str){0}, STR("Action"), &arena)));
}

static struct str
respond(enum test_operation operation, const struct test_thing *out)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_query_encode(&test_service, &test_operations[operation], out, STR("r-1"), &b);
    return buf_str(&b);
}

#define ROOT(name)                                                                                 \
    "<?xml version=\"1.0\"?><" name "Response xmlns=\"http://test.example/doc/2012-11-05/\">"
#define END(name)                                                                                  \
    "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></" name "Response>"

static void
test_response(void **state)
{
    assert_decodes("Text=%3Ca%3E&Data=AAEC&Flag=false&Small=1&Ratio=2&When=2015-01-25T08:00:00Z&"
                   "Child.Big=5&Names.member.1=a&Names.member.2=b&FlatName.1=c&FlatName.2=d&"
                   "Tags.entry.1.key=k&Tags.entry.1.value=v&Attribute.1.Name=n&Attribute.1.Value=w&"
                   "FlatChild.1.Small=7&Children=");
    assert_str(respond(DO_THING, &thing),
               ROOT("DoThing") "<DoThingResult><Text>&lt;a&gt;</Text><Data>AAEC</Data>"
                               "<Flag>false</Flag><Small>1</Small><Ratio>2.0</Ratio>"
                               "<When>2015-01-25T08:00:00.000Z</When><Child><Big>5</Big></Child>"
                               "<Names><member>a</member><member>b</member></Names>"
                               "<FlatName>c</FlatName><FlatName>d</FlatName><Children></Children>"
                               "<FlatChild><Small>7</Small></FlatChild>"
                               "<Tags><entry><key>k</key><value>v</value></entry></Tags>"
                               "<Attribute><Name>n</Name><Value>w</Value></Attribute>"
                               "</DoThingResult>" END("DoThing"));
}

static void
test_response_without_output(void **state)
{
    assert_str(respond(DO_NOTHING, NULL), ROOT("DoNothing") END("DoNothing"));
    assert_str(respond(DO_THING, &(struct test_thing){0}),
               ROOT("DoThing") "<DoThingResult></DoThingResult>" END("DoThing"));
}

static void
test_error(void **state)
{
    struct wire_error_text e = {.query_code = STR("AWS.SimpleQueueService.NonExistentQueue"),
                                .message = STR("a < b"),
                                .is_sender = true};
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_query_encode_error(&test_service, &e, STR("r-1"), &b);
    assert_str(buf_str(&b), ROOT("Error") "<Error><Type>Sender</Type>"
                                          "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"
                                          "<Message>a &lt; b</Message><Detail/></Error>"
                                          "<RequestId>r-1</RequestId></ErrorResponse>");
}

// Room for a long list is taken by the length of its first element, and never too much of it.
static void
test_memory_of_a_long_list(void **state)
{
    enum { MANY = 2000, LONG = 100000 };
    struct str *names = ARENA_ARRAY(&arena, MANY, struct str);
    struct test_thing out = {.Names = {names, MANY}};
    char *long_name = arena_alloc_bytes(&arena, LONG);
    memset(long_name, 'x', LONG);
    for (size_t i = 0; i < MANY; i++)
        names[i] = arena_print(&arena, "name-%zu", i);
    size_t used = arena.used_bytes;
    struct str text = respond(DO_THING, &out);
    assert_true(str_find(text, STR("<member>name-0</member><member>name-1</member>")) > 0);
    assert_true(str_find(text, STR("<member>name-1999</member></Names>")) > 0);
    assert_true(arena.used_bytes - used < 2 * text.len);

    names[0] = (struct str){long_name, LONG};
    used = arena.used_bytes;
    text = respond(DO_THING, &out);
    assert_true(str_find(text, STR("x</member><member>name-1</member>")) > LONG);
    assert_true(arena.used_bytes - used < (size_t)2 * 1024 * 1024);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_scalars),
        UNIT(test_empty_values),
        UNIT(test_structures),
        UNIT(test_lists),
        UNIT(test_maps),
        UNIT(test_map_entries_need_both_parts),
        UNIT(test_unknown_names_are_skipped),
        UNIT(test_of_two_the_first_counts),
        UNIT(test_wrong_types),
        UNIT(test_syntax),
        UNIT(test_limits),
        UNIT(test_form_get),
        UNIT(test_response),
        UNIT(test_response_without_output),
        UNIT(test_memory_of_a_long_list),
        UNIT(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
