// Stages on their own, without a network and without a signature.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/cloud/admin.h"
#include "src/cloud/origin.h"
#include "src/cloud/test_call.h"
#include "src/cloud/test_fake.h"

#define JSON_1_0 "application/x-amz-json-1.0"
#define JSON_1_1 "application/x-amz-json-1.1"
#define FORM "application/x-www-form-urlencoded"
#define ECHO_FORM "Action=Echo&Version=2020-01-01&Text=hi"

static void
fixture_init(struct fixture *f, const char *method, const char *query, const char *body)
{
    fixture_begin(f, method, body);
    f->request.path = STR("/");
    f->request.query = str_of(query);
    add_header(f, "Host", "localhost:4566");
}

static void
assert_str(struct str actual, const char *expected)
{
    char text[1024];
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(actual));
    assert_string_equal(text, expected);
}

static void
test_protocols(void **state)
{
    static const struct {
        const char *method, *type, *query;
        int protocol; // -1: no API call
    } rows[] = {
        {"POST", JSON_1_0, NULL, WIRE_JSON_1_0},
        {"POST", JSON_1_1 "; charset=utf-8", NULL, WIRE_JSON_1_1},
        {"POST", "Application/X-Amz-Json-1.0", NULL, WIRE_JSON_1_0},
        {"POST", FORM "; charset=utf-8", NULL, WIRE_QUERY},
        {"POST", NULL, "Action=Echo", WIRE_QUERY},
        {"POST", "text/plain", "Action=Echo", WIRE_QUERY},
        {"GET", NULL, "Version=1&Action=Echo", WIRE_QUERY},
        {"GET", NULL, "Actions=Echo", -1},
        {"GET", JSON_1_0, NULL, -1},
        {"PUT", FORM, NULL, -1},
        {"DELETE", NULL, "Action=Echo", -1},
        {"POST", "application/json", NULL, -1},
        {"POST", "text/plain", NULL, -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        enum wire_protocol protocol = WIRE_EC2;
        fixture_init(&f, rows[i].method, rows[i].query, "");
        add_header(&f, "content-type", rows[i].type);
        assert_int_equal(route_protocol(&f.request, &protocol), rows[i].protocol >= 0);
        if (rows[i].protocol >= 0)
            assert_int_equal(protocol, rows[i].protocol);
        fixture_fini(&f);
    }
}

// The operation, or the error's query code.
static const char *
route_text(struct fixture *f)
{
    if (!route_protocol(&f->request, &f->call.protocol))
        return "no call";
    if (call_route(&f->call) != OK)
        return arena_copy_z(&f->arena, f->call.fault.query_code);
    assert_ptr_equal(f->call.service, service_registry[0]);
    return wire_text(f->call.service->wire->model, f->call.operation->name);
}

static void
test_json_targets(void **state)
{
    static const struct {
        const char *target, *expected, *message;
    } rows[] = {
        {"AmazonFake.Echo", "Echo", ""},
        {"AmazonFake.Unbuilt", "Unbuilt", ""},
        {"AmazonFake.Nope", "InvalidAction", "c10m knows no operation AmazonFake.Nope."},
        {"AmazonFake.echo", "InvalidAction", "c10m knows no operation AmazonFake.echo."},
        {"AmazonSQS.Echo", "InvalidAction", "c10m knows no operation AmazonSQS.Echo."},
        {".Echo", "InvalidAction", "c10m knows no operation .Echo."},
        {"Echo", "MissingAction",
         "X-Amz-Target must name a service and an operation, such as AmazonSQS.SendMessage."},
        {NULL, "MissingAction",
         "X-Amz-Target must name a service and an operation, such as AmazonSQS.SendMessage."},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, "POST", NULL, "{}");
        add_header(&f, "Content-Type", JSON_1_0);
        add_header(&f, "X-Amz-Target", rows[i].target);
        assert_string_equal(route_text(&f), rows[i].expected);
        assert_str(f.call.fault.message, rows[i].message);
        fixture_fini(&f);
    }
}

static void
test_query_actions(void **state)
{
    static const struct {
        const char *query, *body, *scope, *expected, *message;
    } rows[] = {
        {NULL, ECHO_FORM, NULL, "Echo", ""},
        {NULL, ECHO_FORM, "fake", "Echo", ""},
        {ECHO_FORM, "", NULL, "Echo", ""},
        {ECHO_FORM, "Text=2", "fake", "Echo", ""},
        {"Action=Fail&Version=2020-01-01", ECHO_FORM, "fake", "Echo", ""},
        {NULL, ECHO_FORM, "sqs", "NotImplemented", "c10m does not implement the service sqs yet."},
        {NULL, "Action=Nope&Version=2020-01-01", "fake", "InvalidAction",
         "The action Nope is not valid for this endpoint."},
        {NULL, "Action=Nope&Version=2020-01-01", NULL, "InvalidAction",
         "c10m knows no operation Nope."},
        {NULL, "Action=Echo&Version=1999-01-01", "fake", "InvalidAction",
         "Could not find operation Echo for version 1999-01-01"},
        {NULL, "Action=Echo", "fake", "InvalidAction",
         "Could not find operation Echo for version NO_VERSION_SPECIFIED"},
        {NULL, "Version=2020-01-01", "fake", "MissingAction",
         "The request must contain the parameter Action."},
        {NULL, "", NULL, "MissingAction", "The request must contain the parameter Action."},
        {NULL, "Action=%zz", NULL, "MissingAction",
         "The request must contain the parameter Action."},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, "POST", rows[i].query, rows[i].body);
        add_header(&f, "Content-Type", FORM);
        add_header(&f, "X-Amz-Date", "20150830T123600Z");
        if (rows[i].scope != NULL) {
            struct str value = arena_print(&f.arena,
                                           "AWS4-HMAC-SHA256 Credential=test/20150830/us-east-1/%s/"
                                           "aws4_request, SignedHeaders=host, Signature=0",
                                           rows[i].scope);
            add_header(&f, "Authorization", arena_copy_z(&f.arena, value));
        }
        assert_string_equal(route_text(&f), rows[i].expected);
        assert_str(f.call.fault.message, rows[i].message);
        fixture_fini(&f);
    }
}

static void
init_call(struct fixture *f, enum wire_protocol protocol, size_t operation, const char *body)
{
    fixture_init(f, "POST", NULL, body);
    f->call.protocol = protocol;
    f->call.form = f->call.body = f->request.body;
    f->call.service = service_registry[0];
    f->call.operation = &service_registry[0]->wire->operations[operation];
}

static void
test_decode(void **state)
{
    static const struct {
        enum wire_protocol protocol;
        const char *body, *code, *message; // message NULL: the wire layer's own words
    } rows[] = {
        {WIRE_JSON_1_0, "{\"Text\":\"hi\",\"Count\":3}", "", ""},
        {WIRE_QUERY, "Text=hi&Count=3", "", ""},
        {WIRE_JSON_1_0, "{\"Count\":3}", "MissingParameter",
         "The request must contain the parameter Text."},
        {WIRE_JSON_1_0, "", "MissingParameter", "The request must contain the parameter Text."},
        {WIRE_QUERY, "", "MissingParameter", "The request must contain the parameter Text."},
        {WIRE_JSON_1_0, "{\"Text\":\"123456789\"}", "InvalidParameterValue", NULL},
        {WIRE_QUERY, "Text=123456789", "InvalidParameterValue", NULL},
        {WIRE_JSON_1_0, "{\"Text\":", "MalformedInput", NULL},
        {WIRE_JSON_1_0, "{\"Text\":{}}", "MalformedInput", NULL},
        {WIRE_QUERY, "Text=%", "MalformedInput", NULL},
        {WIRE_QUERY, "Text=a&Count=x", "MalformedInput", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        init_call(&f, rows[i].protocol, 0, rows[i].body);
        assert_int_equal(call_decode(&f.call), *rows[i].code ? E_FAULT : OK);
        assert_str(f.call.fault.query_code, rows[i].code);
        if (rows[i].message != NULL)
            assert_str(f.call.fault.message, rows[i].message);
        else
            assert_true(f.call.fault.message.len > 0);
        if (!*rows[i].code) {
            const struct fake_echo *in = f.call.in;
            assert_str(in->Text, "hi");
            assert_int_equal(in->Count.value, 3);
        }
        fixture_fini(&f);
    }
}

// The query protocol's path stands for the parameter QueueUrl where there is one.
static void
test_queue_urls(void **state)
{
    static const struct {
        const char *path, *body, *url;
    } rows[] = {
        {"/", "Text=hi", NULL},
        {"/1/a%20b", "Text=hi", "http://localhost:4566/1/a%20b"},
        {"/1/a", "QueueUrl=b&Text=hi", "b"},
        {"/1/a", "Text=hi&QueueUrl=", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        init_call(&f, WIRE_QUERY, 0, rows[i].body);
        f.request.path = str_of(rows[i].path);
        assert_int_equal(call_decode(&f.call), OK);
        const struct fake_echo *in = f.call.in;
        assert_str(in->QueueUrl, rows[i].url != NULL ? rows[i].url : "");
        assert_int_equal(str_is_present(in->QueueUrl), rows[i].url != NULL);
        fixture_fini(&f);
        init_call(&f, WIRE_QUERY, 1, rows[i].body);
        f.request.path = str_of(rows[i].path);
        assert_int_equal(call_decode(&f.call), OK);
        fixture_fini(&f);
    }
}

static struct str
response_header(const struct fixture *f, struct str name)
{
    for (size_t i = 0; i < f->response.header_count; i++)
        if (str_eq_nocase(f->response.headers[i].name, name))
            return f->response.headers[i].value;
    return (struct str){0};
}

static void
test_encode_results(void **state)
{
    struct fixture f;
    struct fake_echo out = {.Text = STR("a<b"), .Count = OPT_INT(7)};
    init_call(&f, WIRE_JSON_1_1, 0, "");
    f.call.out = &out;
    call_encode(&f.call);
    assert_int_equal(f.response.status, 200);
    assert_str(f.response.body, "{\"Text\":\"a<b\",\"Count\":7}");
    assert_str(response_header(&f, STR("content-type")), JSON_1_1);
    assert_str(response_header(&f, STR("x-amzn-requestid")),
               "b25f48e8-84fd-11e6-80d9-574e0c4664cb");
    assert_false(str_is_present(response_header(&f, STR("x-amzn-query-error"))));
    fixture_fini(&f);

    init_call(&f, WIRE_QUERY, 0, "");
    f.call.out = &out;
    call_encode(&f.call);
    assert_str(response_header(&f, STR("content-type")), "text/xml");
    assert_true(str_find(f.response.body, STR("<EchoResult><Text>a&lt;b</Text><Count>7</Count>"
                                              "</EchoResult>")) > 0);
    assert_true(str_find(f.response.body, STR("<RequestId>b25f48e8-84fd-11e6-80d9-574e0c4664cb"
                                              "</RequestId>")) > 0);
    fixture_fini(&f);

    init_call(&f, WIRE_JSON_1_0, 2, "");
    call_encode(&f.call);
    assert_str(f.response.body, "{}");
    fixture_fini(&f);
}

static void
test_encode_errors(void **state)
{
    struct fixture f;
    init_call(&f, WIRE_JSON_1_0, 0, "");
    assert_int_equal(fault(&f.call, 0, "It is \"%s\".", "so"), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 409);
    assert_str(f.response.body,
               "{\"__type\":\"com.amazonaws.fake#FakeBroken\",\"message\":\"It is \\\"so\\\".\"}");
    assert_str(response_header(&f, STR("x-amzn-query-error")), "AWS_Fake_Broken;Sender");
    fixture_fini(&f);

    init_call(&f, WIRE_QUERY, 0, "");
    assert_int_equal(fault(&f.call, FAULT_UNAVAILABLE, "Later."), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 503);
    assert_true(str_find(f.response.body, STR("<Type>Receiver</Type><Code>ServiceUnavailable</Code>"
                                              "<Message>Later.</Message>")) > 0);
    assert_true(str_find(f.response.body, STR("xmlns=\"https://fake.example/doc/2020-01-01/\"")) >
                0);
    fixture_fini(&f);
}

static int
fault_locked(struct call *c, const char *format, ...)
{
    struct fake_locked members = {.Owner = STR("me & you"), .Count = OPT_INT(2)};
    va_list args;
    va_start(args, format);
    int code = fault_with(c, FAKE_LOCKED, &members, format, args);
    va_end(args);
    memset(&members, 0xff, sizeof(members)); // it was copied
    code = fault_field(c, code, "Key", STR("a<b"));
    return fault_field(c, code, "Bucket", STR("attic"));
}

// What an error tells beside its code and message.
static void
test_encode_error_members(void **state)
{
    static const struct {
        enum wire_protocol protocol;
        const char *part;
    } rows[] = {
        {WIRE_JSON_1_1, "\"__type\":\"com.amazonaws.fake#FakeLocked\",\"Message\":\"By 2.\","
                        "\"Owner\":\"me & you\",\"Count\":2,\"Key\":\"a<b\",\"Bucket\":\"attic\"}"},
        {WIRE_QUERY, "<Code>FakeLocked</Code><Message>By 2.</Message><Owner>me &amp; you</Owner>"
                     "<Count>2</Count><Key>a&lt;b</Key><Bucket>attic</Bucket>"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        init_call(&f, rows[i].protocol, 0, "");
        assert_int_equal(fault_locked(&f.call, "By %d.", 2), E_FAULT);
        call_encode(&f.call);
        assert_int_equal(f.response.status, 423);
        assert_true(str_find(f.response.body, str_of(rows[i].part)) > 0);
        fixture_fini(&f);
    }
}

// A new fault has nothing of the one before it, and what is no fault gets no fields.
static void
test_fields_belong_to_their_fault(void **state)
{
    struct fixture f;
    init_call(&f, WIRE_JSON_1_0, 0, "");
    assert_int_equal(fault_locked(&f.call, "By %d.", 2), E_FAULT);
    assert_int_equal(fault(&f.call, FAKE_BROKEN, "No."), E_FAULT);
    assert_int_equal(fault_field(&f.call, E_CONFLICT, "Key", STR("k")), E_CONFLICT);
    call_encode(&f.call);
    assert_str(f.response.body,
               "{\"__type\":\"com.amazonaws.fake#FakeBroken\",\"message\":\"No.\"}");
    fixture_fini(&f);
}

// By what the input says a call is the host's, or a guest's, whose tables then count.
static void
test_split(void **state)
{
    static const struct {
        const char *form, *owner, *code; // code "": none
    } rows[] = {
        {ECHO_FORM, "fake", ""},
        {"Action=Echo&Version=2020-01-01&Text=guest&Count=1", "guest", ""},
        {"Action=Echo&Version=2020-01-01&Text=guest", "guest", "ValidationError"},
        {"Action=Echo&Version=2020-01-01&Text=nobody", "fake", "NotImplemented"},
        {"Action=Echo&Version=2020-01-01", "fake", "MissingParameter"},
        {"Action=Nothing&Version=2020-01-01", "fake", ""},
        {"Action=Echo&Version=2020-01-01&Count=x", "fake", "MalformedInput"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, "POST", NULL, rows[i].form);
        add_header(&f, "Content-Type", FORM);
        assert_true(route_protocol(&f.request, &f.call.protocol));
        assert_int_equal(call_route(&f.call), OK);
        int code = call_split(&f.call);
        if (code == OK)
            code = call_require_handler(&f.call);
        if (code == OK)
            code = call_decode(&f.call);
        assert_string_equal(f.call.service->wire->name, rows[i].owner);
        assert_int_equal(code, *rows[i].code == 0 ? OK : E_FAULT);
        if (code != OK)
            assert_str(f.call.fault.query_code, rows[i].code);
        fixture_fini(&f);
    }
}

// The error and its words are the service's.
static void
test_wordings(void **state)
{
    static const struct {
        enum wire_wording wording;
        uint16_t invalid_error;
        enum wire_protocol protocol;
        const char *body, *code, *message;
    } rows[] = {
        {WIRE_WORDING_SQS, 0, WIRE_JSON_1_0, "{}", "MissingParameter",
         "The request must contain the parameter Text."},
        {WIRE_WORDING_SQS, 0, WIRE_JSON_1_0, "{\"Text\":\"a#b\"}", "InvalidParameterValue",
         "1 validation error detected: Value 'a#b' at 'text' failed to satisfy constraint: Member "
         "must satisfy regular expression pattern: [^#]*(?<!#)"},
        {WIRE_WORDING_JOINED, 0, WIRE_JSON_1_0, "{\"Text\":\"123456789#\"}", "ValidationError",
         "2 validation errors detected: Value '123456789#' at 'text' failed to satisfy constraint: "
         "Member must satisfy regular expression pattern: [^#]*(?<!#); Value '123456789#' at "
         "'text' "
         "failed to satisfy constraint: Member must have length less than or equal to 8"},
        {WIRE_WORDING_JOINED, FAKE_LOCKED + 1, WIRE_JSON_1_0, "{}", "FakeLocked",
         "1 validation error detected: Value null at 'text' failed to satisfy constraint: Member "
         "must not be null"},
        {WIRE_WORDING_EC2, 0, WIRE_JSON_1_0, "{}", "MissingParameter",
         "The request must contain the parameter Text"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct wire_service wire = *service_registry[0]->wire;
        struct service service = *service_registry[0];
        wire.wording = rows[i].wording;
        wire.invalid_error = rows[i].invalid_error;
        service.wire = &wire;
        init_call(&f, rows[i].protocol, 0, rows[i].body);
        f.call.service = &service;
        assert_int_equal(call_decode(&f.call), E_FAULT);
        assert_str(f.call.fault.query_code, rows[i].code);
        assert_str(f.call.fault.message, rows[i].message);
        fixture_fini(&f);
    }
}

// Before a service is known the answer is still one of AWS's.
static void
test_encode_without_service(void **state)
{
    struct fixture f;
    fixture_init(&f, "POST", NULL, "");
    f.call.protocol = WIRE_QUERY;
    assert_int_equal(fault(&f.call, FAULT_MISSING_ACTION, "None."), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 400);
    assert_true(str_find(f.response.body,
                         STR("xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\"")) > 0);
    fixture_fini(&f);
}

static void
test_common_faults(void **state)
{
    for (int error = FAULT_COMMON_FIRST; error < FAULT_COMMON_END; error++)
        for (int query = 0; query < 2; query++) {
            struct fixture f;
            init_call(&f, query ? WIRE_QUERY : WIRE_JSON_1_1, 0, "");
            assert_int_equal(fault(&f.call, error, "%d", error), E_FAULT);
            assert_true(f.call.fault.name.len > 0 && f.call.fault.query_code.len > 0);
            assert_in_range(f.call.fault.status, 400, 503);
            assert_int_equal(f.call.fault.is_sender, f.call.fault.status < 500);
            fixture_fini(&f);
        }
}

static void
test_last_fault_counts(void **state)
{
    struct fixture f;
    init_call(&f, WIRE_QUERY, 0, "");
    assert_int_equal(fault(&f.call, 0, "one"), E_FAULT);
    assert_int_equal(fault(&f.call, FAULT_UNKNOWN_KEY, "two"), E_FAULT);
    assert_int_equal(fault_of_code(&f.call, E_FAULT), E_FAULT);
    assert_str(f.call.fault.query_code, "InvalidClientTokenId");
    assert_int_equal(f.call.fault.status, 403);
    assert_str(f.call.fault.message, "two");
    assert_int_equal(fault_of_code(&f.call, E_FULL), E_FAULT);
    assert_str(f.call.fault.query_code, "ServiceUnavailable");
    fixture_fini(&f);
}

static void
test_codes(void **state)
{
    static const struct {
        int code, status;
    } rows[] = {
        {E_FULL, 503},    {E_CONFLICT, 503},  {E_TOO_OLD, 503}, {E_TIMEOUT, 503},
        {E_UNKNOWN, 500}, {E_IO, 500},        {E_NEWER, 500},   {E_LIMIT, 400},
        {E_FAULT, 500},   {E_NOT_FOUND, 500}, {E_EXISTS, 500},  {E_CANCELLED, 503},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        init_call(&f, WIRE_JSON_1_0, 0, "");
        assert_int_equal(fault_of_code(&f.call, rows[i].code), E_FAULT);
        assert_int_equal(f.call.fault.status, rows[i].status);
        fixture_fini(&f);
    }
}

static void
test_require_handler(void **state)
{
    struct fixture f;
    init_call(&f, WIRE_JSON_1_0, 4, "");
    assert_int_equal(call_require_handler(&f.call), E_FAULT);
    assert_int_equal(f.call.fault.status, 501);
    assert_str(f.call.fault.name, "NotImplemented");
    assert_str(f.call.fault.message, "c10m does not implement fake:Unbuilt yet.");
    fixture_fini(&f);
    init_call(&f, WIRE_JSON_1_0, 2, "");
    assert_int_equal(call_require_handler(&f.call), OK);
    fixture_fini(&f);
}

static void
test_origins(void **state)
{
    static const struct {
        const char *origin, *site;
        bool is_allowed;
    } rows[] = {
        {NULL, NULL, true},
        {"http://localhost:4566", NULL, true},
        {"https://LOCALHOST:4566", "same-origin", true},
        {NULL, "none", true},
        {NULL, "same-origin", true},
        {NULL, "Cross-Site", false},
        {"http://localhost:4566", "cross-site", false},
        {"http://localhost:3000", NULL, false},
        {"http://localhost", NULL, false},
        {"http://evil.example", NULL, false},
        {"http://evil.example/localhost:4566", NULL, false},
        {"ftp://localhost:4566", NULL, false},
        {"null", NULL, false},
        {"http://app.example:3000", NULL, true},
        {"http://App.example:3000", "cross-site", true},
        {"http://app.example:3001", NULL, false},
        {"http://app.example", "cross-site", false},
        {"", NULL, false},
    };
    struct text_list allowed = {{"http://app.example:3000"}, 1};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, "POST", NULL, "");
        add_header(&f, "Origin", rows[i].origin);
        add_header(&f, "Sec-Fetch-Site", rows[i].site);
        assert_int_equal(origin_is_allowed(&f.request, &allowed), rows[i].is_allowed);
        fixture_fini(&f);
    }
}

static void
test_call_helpers(void **state)
{
    struct fixture f;
    init_call(&f, WIRE_QUERY, 0, "");
    f.call.region = STR("eu-west-1");
    f.call.principal.account = STR("123456789012");
    assert_str(call_host(&f.call), "localhost:4566");
    assert_str(call_arn(&f.call, STR("jobs")), "arn:aws:fake:eu-west-1:123456789012:jobs");
    assert_true(admin_is_path(STR("/_c10m/x")));
    assert_false(admin_is_path(STR("/_c10")));
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_json_targets),
        cmocka_unit_test(test_query_actions),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_queue_urls),
        cmocka_unit_test(test_encode_results),
        cmocka_unit_test(test_encode_errors),
        cmocka_unit_test(test_encode_without_service),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_wordings),
        cmocka_unit_test(test_encode_error_members),
        cmocka_unit_test(test_fields_belong_to_their_fault),
        cmocka_unit_test(test_common_faults),
        cmocka_unit_test(test_last_fault_counts),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_require_handler),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_call_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
