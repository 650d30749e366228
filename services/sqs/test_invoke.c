// SQS as other services of this process call it: by JSON and by the generated structs.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/sqs_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/cloud/invoke.h"

struct fixture {
    struct arena arena;
    struct cloud *cloud;
    struct invocation invocation;
};

static int
send_and_receive(void *arg)
{
    struct fixture *f = arg;
    struct str json;
    struct fault fault;
    assert_int_equal(invoke_json(&f->invocation, STR("sqs"), STR("CreateQueue"),
                                 STR("{\"QueueName\":\"jobs\"}"), &json, &fault),
                     OK);
    struct str url = arena_print(&f->arena, "http://%s/111111111111/jobs", f->cloud->address.text);
    assert_true(str_find(json, url) > 0);

    struct sqs_send_message_request send = {.QueueUrl = url, .MessageBody = STR("hello")};
    const void *output;
    assert_int_equal(
        invoke_typed(&f->invocation, STR("sqs"), STR("SendMessage"), &send, &output, &fault), OK);
    const struct sqs_send_message_result *sent = output;

    json = arena_print(&f->arena, "{\"QueueUrl\":\"" STR_FMT "\"}", STR_ARG(url));
    assert_int_equal(
        invoke_json(&f->invocation, STR("sqs"), STR("ReceiveMessage"), json, &json, &fault), OK);
    assert_true(str_find(json, STR("\"Body\":\"hello\"")) > 0);
    assert_true(str_find(json, sent->MessageId) > 0);
    return OK;
}

// The errors are those that a client would get.
static int
be_refused(void *arg)
{
    struct fixture *f = arg;
    struct sqs_send_message_request send = {.MessageBody = STR("hello")};
    struct str json;
    const void *output;
    struct fault fault;
    assert_int_equal(
        invoke_typed(&f->invocation, STR("sqs"), STR("SendMessage"), &send, &output, &fault),
        E_FAULT);
    assert_true(str_eq(fault.query_code, STR("MissingParameter")));
    send.QueueUrl = STR("http://localhost/111111111111/nope");
    assert_int_equal(
        invoke_typed(&f->invocation, STR("sqs"), STR("SendMessage"), &send, &output, &fault),
        E_FAULT);
    assert_true(str_eq(fault.name, STR("QueueDoesNotExist")));
    f->invocation.principal = (struct principal){0};
    assert_int_equal(
        invoke_json(&f->invocation, STR("sqs"), STR("ListQueues"), STR("{}"), &json, &fault),
        E_FAULT);
    assert_true(str_eq(fault.query_code, STR("AccessDenied")));
    return OK;
}

static void
run(int (*fn)(void *arg))
{
    struct fixture f;
    struct cloud_options options = {
        .store_url = "mem:", .loops = 1, .log_level = LOG_ERROR, .log_fd = STDERR_FILENO};
    char problem[256];
    arena_init(&f.arena);
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &options.address), OK);
    assert_int_equal(cloud_new(&options, &f.cloud, problem, sizeof(problem)), OK);
    f.invocation = (struct invocation){
        .cloud = f.cloud,
        .arena = &f.arena,
        .principal = principal_root(&f.arena, STR("111111111111")),
        .region = STR("eu-west-1"),
        .caller = STR("states.amazonaws.com"),
    };
    assert_int_equal(runtime_call(f.cloud->runtime, fn, &f), OK);
    cloud_free(f.cloud);
    arena_fini(&f.arena);
}

static void
test_both_ways(void **state)
{
    run(send_and_receive);
}

static void
test_faults(void **state)
{
    run(be_refused);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
