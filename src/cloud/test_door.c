// Who may come in: hosts, regions, tokens, budgets; and what is recorded of it.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/test_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/cloud/test_fake.h"

static struct str
call_as(struct fixture *f, struct str host, const char *region)
{
    struct request r;
    request_init(f, &r, "application/x-amz-json-1.0", ECHO, 0);
    r.headers[0].value = host;
    request_add_header(&r, STR("X-Amz-Target"), STR("AmazonFake.Echo"));
    struct str authorization =
        sigv4_authorization(&r.http, STR("test"), STR("test"), str_of(region), STR("fake"));
    request_add_header(&r, STR("Authorization"), authorization);
    return exchange(f, request_text(&r));
}

// A page of evil.example whose name now means 127.0.0.1 sends what a browser would.
static void
test_rebinding(void **state)
{
    static const struct {
        const char *head;
    } rows[] = {
        {"GET /_c10m/health HTTP/1.1\r\nHost: evil.example:4566\r\n"},
        {"GET /_c10m/health HTTP/1.1\r\nHost: evil.example:4566\r\n"
         "Origin: http://evil.example:4566\r\n"},
        {"GET http://evil.example:4566/_c10m/health HTTP/1.1\r\nHost: localhost\r\n"},
        {"POST / HTTP/1.1\r\nHost: evil.example:4566\r\nSec-Fetch-Site: same-origin\r\n"
         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n"},
        {"GET /?Action=Echo HTTP/1.1\r\nHost: localhost.evil.example:4566\r\n"},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, &f.arena, 512);
        buf_print(&out, "%sConnection: close\r\n\r\n", rows[i].head);
        struct str response = exchange(&f, buf_str(&out));
        assert_status(response, "403");
        assert_has(response, "c10m does not answer under this Host");
    }
    assert_status(call_as(&f, STR("evil.example"), "eu-west-1"), "403");
    fixture_fini(&f);
}

static void
test_hosts_and_regions(void **state)
{
    static const struct {
        const char *host, *region, *answer;
    } rows[] = {
        {"localhost", "eu-west-1", ECHO},
        {"fake.eu-west-1.localhost:4566", "eu-west-1", ECHO},
        {"fake.eu-west-1.localhost.localstack.cloud", "eu-west-1", ECHO},
        {"fake.localhost", "us-east-1", ECHO},
        {"cloud.example", "us-east-1", ECHO},
        {"fake.us-east-1.localhost", "eu-west-1",
         "\"Credential should be scoped to a valid region, not 'eu-west-1'. \""},
        {"fake.mars-1.localhost", "eu-west-1",
         "\"Credential should be scoped to a valid region, not 'eu-west-1'. \""},
        {"localhost", "mars-1",
         "\"Credential should be scoped to a valid region, not 'mars-1'. \""},
        {"fake.mars-1.localhost", "mars-1",
         "\"Credential should be scoped to a valid region, not 'mars-1'. \""},
        {"localhost", "cn-north-1",
         "\"Credential should be scoped to a valid region, not 'cn-north-1'. \""},
    };
    struct fixture f = {.options.allow_hosts = {{"cloud.example"}, 1}};
    char problem[256];
    assert_int_equal(fixture_start(&f, "127.0.0.1:0", problem, sizeof(problem)), OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_has_at(call_as(&f, str_of(rows[i].host), rows[i].region), str_of(rows[i].answer),
                      (int)i);
    fixture_fini(&f);
}

static void
test_admin_token(void **state)
{
    struct fixture f;
    fixture_init(&f);
    struct str response = get(&f, "/_c10m/metrics", "Authorization: Bearer \r\n");
    assert_status(response, "401");
    assert_has(response, "WWW-Authenticate: Bearer\r\n");
    assert_has(response, "and there is none: start c10m with --admin-token-file FILE.");
    memset(f.cloud->admin_token, 'x', ADMIN_TOKEN_BYTES_MIN);
    assert_status(get(&f, "/_c10m/metrics", ""), "401");
    assert_status(get(&f, "/_c10m/metrics", "Authorization: Bearer xxxxxxx\r\n"), "401");
    assert_status(
        get(&f, "/_c10m/metrics", "Authorization: Basic xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
        "401");
    assert_status(
        get(&f, "/_c10m/tasks", "Authorization: Bearer xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy\r\n"),
        "401");
    assert_status(
        get(&f, "/_c10m/tasks", "Authorization: bearer xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
        "200");
    assert_status(get(&f, "/_c10m/health", ""), "200");
    fixture_fini(&f);
}

// Past the budget calls are refused early, in their protocol; health answers.
static void
test_overload(void **state)
{
    struct fixture f = {.options.requests_max = 1};
    char problem[256];
    assert_int_equal(fixture_start(&f, "127.0.0.1:0", problem, sizeof(problem)), OK);
    assert_true(budget_take(&f.cloud->budget, 0));
    struct str response = call_json(&f, "Echo", ECHO);
    assert_status(response, "503");
    assert_has(response, "#ServiceUnavailable");
    response = call_query(&f, "Action=Echo&Version=2020-01-01&Text=hi");
    assert_status(response, "503");
    assert_has(response, "<Type>Receiver</Type><Code>ServiceUnavailable</Code>");
    assert_status(get(&f, "/_c10m/health", ""), "200");
    assert_int_equal(f.cloud->budget.refused, 2);
    budget_give(&f.cloud->budget, 0);
    assert_has(call_json(&f, "Echo", ECHO), "\r\n\r\n" ECHO);
    assert_has(call_json(&f, "Echo", "{}"), "MissingRequiredParameter");
    assert_int_equal(f.cloud->budget.requests, 0);
    assert_int_equal(f.cloud->budget.bytes, 0);
    fixture_fini(&f);
}

static void
test_rates(void **state)
{
    struct fixture f = {.options.account_rate = 1};
    char problem[256];
    assert_int_equal(fixture_start(&f, "127.0.0.1:0", problem, sizeof(problem)), OK);
    // A long time of debt, so that no clock matters.
    while (rates_take(&f.cloud->rates, STR("000000000000"), INT64_MAX / 2))
        ;
    struct str response = call_json(&f, "Echo", ECHO);
    assert_status(response, "400");
    assert_has(response, "#ThrottlingException\",\"message\":\"Rate exceeded\"}");
    assert_status(call_query(&f, "Action=Echo&Version=2020-01-01&Text=hi"), "200");
    assert_status(get(&f, "/_c10m/health", ""), "200");
    fixture_fini(&f);
}

static void
test_operation_rates(void **state)
{
    struct fixture f = {.options.operation_rates = {{"fake:Echo=1"}, 1}};
    char problem[256];
    assert_int_equal(fixture_start(&f, "127.0.0.1:0", problem, sizeof(problem)), OK);
    while (rates_take_operation(&f.cloud->rates, STR("000000000000"), STR("eu-west-1"),
                                &service_registry[0]->wire->operations[0], INT64_MAX / 2))
        ;
    assert_has(call_json(&f, "Echo", ECHO), "#ThrottlingException");
    assert_has(call_json(&f, "Nothing", "{}"), "\r\n\r\n{}");
    fixture_fini(&f);
    f = (struct fixture){.options.operation_rates = {{"fake:Nope=1"}, 1}};
    assert_int_equal(fixture_start(&f, "127.0.0.1:0", problem, sizeof(problem)), E_INVALID);
    assert_non_null(strstr(problem, "--operation-rate fake:Nope=1: SERVICE:OPERATION=N"));
    fixture_fini(&f);
}

// A listed origin's page may send what no page may unasked, and read the answer.
static void
test_cors(void **state)
{
    struct fixture f = {.options.allow_origins = {{"http://app.example"}, 1}};
    char problem[256];
    assert_int_equal(fixture_start(&f, "127.0.0.1:0", problem, sizeof(problem)), OK);
    struct str ask = STR("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         "Access-Control-Request-Method: POST\r\n"
                         "Access-Control-Request-Headers: x-amz-target\r\nOrigin: ");
    struct str response =
        exchange(&f, arena_print(&f.arena, STR_FMT "http://app.example\r\n\r\n", STR_ARG(ask)));
    assert_status(response, "204");
    assert_has(response, "Access-Control-Allow-Origin: http://app.example\r\n");
    assert_has(response, "Access-Control-Allow-Headers: x-amz-target\r\n");
    assert_has(response, "Access-Control-Allow-Methods: GET, HEAD, POST");
    response =
        exchange(&f, arena_print(&f.arena, STR_FMT "http://evil.example\r\n\r\n", STR_ARG(ask)));
    assert_status(response, "403");
    assert_true(str_find(response, STR("Access-Control")) < 0);
    response =
        get(&f, "/_c10m/health", "Origin: http://app.example\r\nSec-Fetch-Site: cross-site\r\n");
    assert_status(response, "200");
    assert_has(response, "Access-Control-Allow-Origin: http://app.example\r\n");
    assert_has(response, "Vary: Origin\r\n");
    fixture_fini(&f);
}

static void
test_authorise(void **state)
{
    struct fixture f;
    fixture_init(&f);
    struct str response = call_json(&f, "Fail", "{\"Code\":1}");
    assert_has(response, "AccessDeniedException");
    assert_has(response, "User: arn:aws:iam::000000000000:root is not authorized to perform: "
                         "fake:FailHard on resource: arn:aws:fake:eu-west-1:999999999999:thing "
                         "because no resource-based policy allows the fake:FailHard action");
    fixture_fini(&f);
}

struct log_of_events {
    struct arena arena;
    struct buf text;
};

static bool
log_event_text(void *arg, const struct api_event *event)
{
    struct log_of_events *log = arg;
    assert_int_equal(strlen(event->event_id), UUID_BYTES);
    assert_true(event->time_ms > 0);
    event_print(event, &log->text);
    buf_put_char(&log->text, '\n');
    return false;
}

static void
test_events(void **state)
{
    struct log_of_events log;
    struct event_subscriber subscriber = {.name = "test", .wants = log_event_text, .arg = &log};
    struct fixture f;
    arena_init(&log.arena);
    buf_init(&log.text, &log.arena, 4096);
    fake_subscribe(&subscriber);
    fixture_init(&f);
    call_json(&f, "Echo", ECHO);
    call_json(&f, "Fail", "{}");
    call_query(&f, "Action=Nope&Version=2020-01-01");
    call_as(&f, STR("localhost"), "mars-1");
    get(&f, "/_c10m/health", "");
    struct str line, text = buf_str(&log.text);
    str_cut(text, '\n', &line, &text);
    assert_has(line, "{\"eventVersion\":\"1.11\",\"userIdentity\":{\"type\":\"Root\","
                     "\"principalId\":\"000000000000\",\"arn\":\"arn:aws:iam::000000000000:root\","
                     "\"accountId\":\"000000000000\",\"accessKeyId\":\"test\"},\"eventTime\":\"20");
    assert_has(line, "\"eventSource\":\"fake.amazonaws.com\",\"eventName\":\"Echo\","
                     "\"awsRegion\":\"eu-west-1\",\"sourceIPAddress\":\"127.0.0.1\",");
    assert_has(line,
               "\"requestParameters\":{\"text\":\"hi\",\"count\":1},\"responseElements\":null,"
               "\"requestID\":\"");
    assert_has(line, "\"readOnly\":true,\"eventType\":\"AwsApiCall\",\"managementEvent\":true,"
                     "\"recipientAccountId\":\"000000000000\",\"eventCategory\":\"Management\"}");
    str_cut(text, '\n', &line, &text);
    assert_has(line, "\"errorCode\":\"FakeBroken\",\"errorMessage\":\"It is <broken> in "
                     "eu-west-1.\",\"requestParameters\":{},\"responseElements\":null,"
                     "\"requestID\":\"");
    assert_has(line, "\"readOnly\":false,\"resources\":[{\"accountId\":\"000000000000\","
                     "\"ARN\":\"arn:aws:fake:eu-west-1:123:thing\"}],\"eventType\"");
    str_cut(text, '\n', &line, &text);
    assert_has(line, "\"userIdentity\":{\"type\":\"Unknown\"}");
    assert_has(line, "\"eventName\":\"Nope\"");
    assert_has(line, "\"errorCode\":\"UnknownOperationException\"");
    str_cut(text, '\n', &line, &text);
    assert_has(line, "\"errorCode\":\"InvalidSignatureException\"");
    assert_int_equal(text.len, 0);
    fixture_fini(&f);
    arena_fini(&log.arena);
}

static void
test_read_only_names(void **state)
{
    assert_true(event_is_read_only(STR("GetQueueUrl")));
    assert_true(event_is_read_only(STR("ListQueues")));
    assert_true(event_is_read_only(STR("DescribeInstances")));
    assert_false(event_is_read_only(STR("SendMessage")));
    assert_false(event_is_read_only(STR("DeleteQueue")));
    assert_false(event_is_read_only(STR("")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebinding),       cmocka_unit_test(test_hosts_and_regions),
        cmocka_unit_test(test_admin_token),     cmocka_unit_test(test_overload),
        cmocka_unit_test(test_authorise),       cmocka_unit_test(test_rates),
        cmocka_unit_test(test_operation_rates), cmocka_unit_test(test_cors),
        cmocka_unit_test(test_events),          cmocka_unit_test(test_read_only_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
