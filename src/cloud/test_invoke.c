// Calls from inside, by JSON and by struct, and that they are authorised and recorded.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/invoke.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/cloud/test_exchange.h"
#include "src/cloud/test_fake.h"

struct inside {
    struct fixture f;
    struct invocation invocation;
    int events;
    struct event_subscriber subscriber;
};

static bool
count_event(void *arg, const struct api_event *event)
{
    struct inside *in = arg;
    in->events++;
    assert_true(str_eq(event->source_ip, STR("states.amazonaws.com")));
    assert_true(str_eq(event->user_agent, STR("states.amazonaws.com")));
    assert_true(str_eq(event->region, STR("eu-west-1")));
    return false;
}

static void
run_inside(int (*fn)(void *arg))
{
    struct inside in = {.subscriber = {.name = "test", .wants = count_event, .arg = &in}};
    fake_subscribe(&in.subscriber);
    fixture_init(&in.f);
    in.invocation = (struct invocation){
        .cloud = in.f.cloud,
        .arena = &in.f.arena,
        .principal = principal_root(&in.f.arena, STR("111111111111")),
        .region = STR("eu-west-1"),
        .caller = STR("states.amazonaws.com"),
    };
    assert_int_equal(runtime_call(in.f.cloud->runtime, fn, &in), OK);
    fixture_fini(&in.f);
}

static int
call_by_json(void *arg)
{
    static const struct {
        const char *service, *operation, *input, *answer; // a fault's begins with its name
    } rows[] = {
        {"fake", "Echo", ECHO, ECHO},
        {"fake", "Nothing", "{}", "{}"},
        {"fake", "Nothing", "", "{}"},
        {"fake", "Echo", "{}",
         "MissingRequiredParameterException: The request must contain the "
         "parameter Text."},
        {"fake", "Echo", "{", "SerializationException: "},
        {"fake", "Fail", "{}", "FakeBroken: It is <broken> in eu-west-1."},
        {"fake", "Fail", "{\"Code\":1}",
         "AccessDeniedException: User: "
         "arn:aws:iam::111111111111:root is not authorized"},
        {"fake", "Fail", "{\"Code\":-7}", "ServiceUnavailable: The disk is nearly full"},
        {"fake", "Unbuilt", "{}", "NotImplemented: "},
        {"fake", "Nope", "{}", "UnknownOperationException: c10m knows no operation fake:Nope."},
        {"nope", "Echo", "{}", "UnknownOperationException: c10m knows no operation nope:Echo."},
    };
    struct inside *in = arg;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str output;
        struct fault fault;
        int code = invoke_json(&in->invocation, str_of(rows[i].service), str_of(rows[i].operation),
                               str_of(rows[i].input), &output, &fault);
        assert_int_equal(code, fault.is_set ? E_FAULT : OK);
        if (fault.is_set)
            output = arena_print(&in->f.arena, STR_FMT ": " STR_FMT, STR_ARG(fault.name),
                                 STR_ARG(fault.message));
        assert_true(str_starts(output, str_of(rows[i].answer)));
        assert_int_equal(in->events, i + 1);
    }
    return OK;
}

static void
test_by_json(void **state)
{
    run_inside(call_by_json);
}

static int
call_by_struct(void *arg)
{
    struct inside *in = arg;
    struct fake_echo input = {.Text = STR("hi"), .Count = OPT_INT(3)};
    struct fake_fail fail = {0};
    const void *output = NULL;
    struct fault fault;
    assert_int_equal(
        invoke_typed(&in->invocation, STR("fake"), STR("Echo"), &input, &output, &fault), OK);
    const struct fake_echo *echo = output;
    assert_true(str_eq(echo->Text, STR("hi")));
    assert_int_equal(echo->Count.value, 3);
    assert_int_equal(
        invoke_typed(&in->invocation, STR("fake"), STR("Nothing"), NULL, &output, &fault), OK);
    input.Text = STR("much too long");
    assert_int_equal(
        invoke_typed(&in->invocation, STR("fake"), STR("Echo"), &input, &output, &fault), E_FAULT);
    assert_true(str_eq(fault.name, STR("InvalidParameterValueException")));
    assert_int_equal(
        invoke_typed(&in->invocation, STR("fake"), STR("Fail"), &fail, &output, &fault), E_FAULT);
    assert_true(str_eq(fault.name, STR("FakeBroken")));
    in->invocation.principal = (struct principal){0};
    assert_int_equal(
        invoke_typed(&in->invocation, STR("fake"), STR("Fail"), &fail, &output, &fault), E_FAULT);
    assert_true(str_eq(fault.name, STR("AccessDeniedException")));
    assert_int_equal(in->events, 5);
    return OK;
}

static void
test_by_struct(void **state)
{
    run_inside(call_by_struct);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_json),
        cmocka_unit_test(test_by_struct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
