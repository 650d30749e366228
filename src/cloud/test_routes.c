// Routing, decoding and encoding in the protocols that the fake service does not speak: several
// services with the tables of the REST tests.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/cloud/signature_fault.h"
#include "src/cloud/test_call.h"
#include "src/wire/test_depot.h"

enum { BUCKETS, CONTROL, JSON_REST, EC2, CBOR, BALANCERS, BALANCERS_V2, SERVICES };

static struct wire_service wires[SERVICES];
static struct service services[SERVICES];
static service_handler_fn *const not_built[64]; // of any of their operations
const struct service *const service_registry[] = {&services[0], &services[1], &services[2],
                                                  &services[3], &services[4], &services[5],
                                                  &services[6], NULL};

// As S3 Control has it: its path is one that S3 could have too.
static void
init_control(struct wire_service *w)
{
    static const struct {
        char none[1], name[sizeof("ListBoxes")], method[sizeof("GET")], uri[sizeof("/ListBoxes")];
    } text = {"", "ListBoxes", "GET", "/ListBoxes"};
    static const struct wire_model model = {.text = (const char *)&text};
    static const struct wire_operation operations[] = {{
        .name = offsetof(__typeof__(text), name),
        .input = WIRE_NO_SHAPE,
        .output = WIRE_NO_SHAPE,
        .method = offsetof(__typeof__(text), method),
        .uri = offsetof(__typeof__(text), uri),
    }};
    static const uint16_t routes[] = {0};
    w->model = &model;
    w->operations = operations;
    w->operation_count = 1;
    w->routes = routes;
    w->errors = NULL;
    w->error_count = 0;
}

static int
init_services(void **state)
{
    static const struct {
        const char *name, *signing_name;
        unsigned protocols;
    } rows[SERVICES] = {
        [BUCKETS] = {"s3", "s3", 1u << WIRE_REST_XML},
        [CONTROL] = {"s3control", "s3", 1u << WIRE_REST_XML},
        [JSON_REST] = {"depot", "depot", 1u << WIRE_REST_JSON},
        [EC2] = {"ec2", "ec2", 1u << WIRE_EC2},
        [CBOR] = {"cbor", "cbor", 1u << WIRE_RPC_V2_CBOR | 1u << WIRE_JSON_1_1},
        [BALANCERS] = {"elb", "elasticloadbalancing", 1u << WIRE_QUERY},
        [BALANCERS_V2] = {"elbv2", "elasticloadbalancing", 1u << WIRE_QUERY},
    };
    CHECK(depot->operation_count <= COUNT_OF(not_built));
    for (size_t i = 0; i < SERVICES; i++) {
        wires[i] = *depot;
        wires[i].name = rows[i].name;
        wires[i].signing_name = rows[i].signing_name;
        wires[i].protocols = rows[i].protocols;
        services[i] = (struct service){.wire = &wires[i],
                                       .handlers = not_built,
                                       .has_buckets = i == BUCKETS,
                                       .admits_anonymous = i == BUCKETS};
    }
    wires[CBOR].target_prefix = "com.example.Cbor_2020";
    wires[CBOR].is_query_compatible = true;
    wires[EC2].api_version = "2016-11-15";
    wires[BALANCERS].api_version = "2012-06-01";
    wires[BALANCERS_V2].api_version = "2015-12-01";
    wires[JSON_REST].has_bare_errors = false;
    init_control(&wires[CONTROL]);
    return 0;
}

static void
fixture_init(struct fixture *f, const char *method, const char *path, const char *host,
             const char *scope)
{
    struct str rest, target = str_of(path);
    fixture_begin(f, method, "");
    if (!str_cut(target, '?', &f->request.path, &rest))
        rest = (struct str){0};
    f->request.query = rest;
    add_header(f, "Host", host);
    add_header(f, "X-Amz-Date", "20150830T123600Z");
    if (scope != NULL) {
        struct str value = arena_print(&f->arena,
                                       "AWS4-HMAC-SHA256 Credential=test/20150830/us-east-1/%s/"
                                       "aws4_request, SignedHeaders=host, Signature=0",
                                       scope);
        add_header(f, "Authorization", arena_copy_z(&f->arena, value));
    }
}

// "service.Operation /path", the error's code, or "no call".
static struct str
route_text(struct fixture *f)
{
    struct call *c = &f->call;
    if (!route_protocol(&f->request, &c->protocol))
        return STR("no call");
    if (call_route(c) != OK)
        return arena_print(&f->arena, "%d " STR_FMT, c->fault.status, STR_ARG(c->fault.query_code));
    return arena_print(&f->arena, "%s.%s " STR_FMT, c->service->wire->name,
                       wire_text(c->service->wire->model, c->operation->name), STR_ARG(c->path));
}

static void
assert_text(struct fixture *f, const char *expected)
{
    assert_string_equal(arena_copy_z(&f->arena, route_text(f)), expected);
}

static void
test_rest(void **state)
{
    static const struct {
        const char *method, *path, *host, *scope, *expected;
    } rows[] = {
        {"GET", "/box/a/b", "localhost", "s3", "s3.GetThing /box/a/b"},
        {"HEAD", "/box/a", "localhost", "s3", "s3.HeadThing /box/a"},
        {"GET", "/", "localhost", "s3", "s3.ListBoxes /"},
        {"GET", "/", "localhost", NULL, "no call"},
        // What is in a bucket may be for everybody.
        {"GET", "/box/a", "localhost", NULL, "s3.GetThing /box/a"},
        {"GET",
         "/box/a?X-Amz-Signature=0&X-Amz-Credential=test/20150830/us-east-1/depot/"
         "aws4_request&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20150830T123600Z&"
         "X-Amz-SignedHeaders=host&X-Amz-Expires=10",
         "localhost", NULL, "depot.GetThing /box/a"},
        // A bucket in front of the host, whatever stands behind it.
        {"GET", "/a/b", "box.localhost:4566", "s3", "s3.GetThing /box/a/b"},
        {"GET", "/", "box.s3.localhost", "s3", "s3.ListThings /box/"},
        {"GET", "/a", "my.box.s3.eu-west-1.localhost", NULL, "s3.GetThing /my.box/a"},
        {"GET", "/a", "s3.eu-west-1.localhost", "s3", "s3.ListThings /a"},
        {"GET", "/a", "box.localhost", "depot", "depot.ListThings /a"},
        // Those that share a scope: the more literal URI wins.
        {"GET", "/ListBoxes", "localhost", "s3", "s3control.ListBoxes /ListBoxes"},
        {"GET", "/ListBoxes/a", "localhost", "s3", "s3.GetThing /ListBoxes/a"},
        // A host that names a service.
        {"GET", "/box", "depot.localhost", NULL, "depot.ListThings /box"},
        {"GET", "/box", "depot.localhost", "s3", "404 InvalidAction"},
        // No such operation, and no such service.
        {"PATCH", "/box", "localhost", "s3", "405 MethodNotAllowed"},
        {"PATCH", "/box", "localhost", "depot", "404 InvalidAction"},
        {"GET", "/box", "localhost", "lambda", "501 NotImplemented"},
        {"GET", "/box", "localhost", "cloudfront", "501 NotImplemented"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, rows[i].method, rows[i].path, rows[i].host, rows[i].scope);
        assert_text(&f, rows[i].expected);
        fixture_fini(&f);
    }
}

// curl makes every POST a form; the scope tells that it is none.
static void
test_forms(void **state)
{
    static const struct {
        const char *body, *scope, *expected;
        enum wire_protocol protocol;
    } rows[] = {
        {"Action=ListBoxes&Version=2016-11-15", "ec2", "ec2.ListBoxes /box", WIRE_EC2},
        {"Action=ListBoxes&Version=2016-11-15", NULL, "ec2.ListBoxes /box", WIRE_EC2},
        {"Action=ListBoxes&Version=1", "ec2", "400 InvalidAction", WIRE_EC2},
        {"Action=ListBoxes&Version=1", "iam", "501 NotImplemented", WIRE_QUERY},
        // The two Elastic Load Balancings share everything but the version.
        {"Action=ListBoxes&Version=2012-06-01", "elasticloadbalancing", "elb.ListBoxes /box",
         WIRE_QUERY},
        {"Action=ListBoxes&Version=2015-12-01", "elasticloadbalancing", "elbv2.ListBoxes /box",
         WIRE_QUERY},
        {"Version=2015-12-01&Action=ListBoxes", NULL, "elbv2.ListBoxes /box", WIRE_QUERY},
        {"Action=ListBoxes&Version=2016-11-15", "elasticloadbalancing", "400 InvalidAction",
         WIRE_QUERY},
        {"Action=ListBoxes", "elasticloadbalancing", "400 InvalidAction", WIRE_QUERY},
        {"", "s3", "s3.DeleteThings /box", WIRE_REST_XML},
        {"", "ec2", "400 MissingAction", WIRE_EC2},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, "POST", "/box?delete", "localhost", rows[i].scope);
        add_header(&f, "Content-Type", "application/x-www-form-urlencoded");
        f.request.body = str_of(rows[i].body);
        assert_text(&f, rows[i].expected);
        assert_int_equal(f.call.protocol, rows[i].protocol);
        fixture_fini(&f);
    }
}

static void
test_cbor_and_json(void **state)
{
    static const struct {
        const char *path, *type, *target, *smithy, *expected;
    } rows[] = {
        {"/service/Cbor_2020/operation/ListBoxes", "application/cbor", NULL, "rpc-v2-cbor",
         "cbor.ListBoxes /service/Cbor_2020/operation/ListBoxes"},
        {"/service/Cbor_2020/operation/Nope", "application/cbor", NULL, "rpc-v2-cbor",
         "400 InvalidAction"},
        {"/service/Cbor_2020/operation/ListBoxes", "application/cbor", "a.B", "rpc-v2-cbor",
         "400 InvalidAction"},
        {"/", "application/x-amz-json-1.1", "com.example.Cbor_2020.ListBoxes", NULL,
         "cbor.ListBoxes /"},
        {"/", "application/x-amz-json-1.1", "Cbor_2020.ListBoxes", NULL, "400 InvalidAction"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, "POST", rows[i].path, "localhost", "cbor");
        add_header(&f, "Content-Type", rows[i].type);
        add_header(&f, "X-Amz-Target", rows[i].target);
        add_header(&f, "smithy-protocol", rows[i].smithy);
        assert_text(&f, rows[i].expected);
        fixture_fini(&f);
    }
}

static struct str
response_header(const struct fixture *f, struct str name)
{
    for (size_t i = 0; i < f->response.header_count; i++)
        if (str_eq_nocase(f->response.headers[i].name, name))
            return f->response.headers[i].value;
    for (size_t i = 0; i < f->response.more_count; i++)
        if (str_eq_nocase(f->response.more[i].name, name))
            return f->response.more[i].value;
    return (struct str){0};
}

static void
route(struct fixture *f, const char *method, const char *path, const char *scope)
{
    fixture_init(f, method, path, "localhost", scope);
    assert_true(route_protocol(&f->request, &f->call.protocol));
    assert_int_equal(call_route(&f->call), OK);
}

static void
test_decode_by_host(void **state)
{
    struct fixture f;
    fixture_init(&f, "GET", "/a%20b/c", "box.localhost", "s3");
    assert_true(route_protocol(&f.request, &f.call.protocol));
    assert_int_equal(call_route(&f.call), OK);
    assert_int_equal(call_decode(&f.call), OK);
    const struct depot_thing_request *in = f.call.in;
    assert_true(str_eq(in->Box, STR("box")));
    assert_true(str_eq(in->Key, STR("a b/c")));
    fixture_fini(&f);
}

// The ids of S3's headers are those of the error's body; others have one, in a header.
static void
test_request_ids(void **state)
{
    struct fixture f;
    route(&f, "GET", "/box/a", "s3");
    assert_int_equal(fault(&f.call, FAULT_THROTTLED, "Slower."), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 503);
    struct str id = response_header(&f, STR("x-amz-request-id"));
    struct str host_id = response_header(&f, STR("x-amz-id-2"));
    assert_true(str_eq(id, STR("B25F48E884FD11E6")));
    assert_false(str_is_present(response_header(&f, STR("x-amzn-RequestId"))));
    struct str end =
        arena_print(&f.arena,
                    "<Code>SlowDown</Code><Message>Slower.</Message><RequestId>" STR_FMT
                    "</RequestId><HostId>" STR_FMT "</HostId></Error>",
                    STR_ARG(id), STR_ARG(host_id));
    assert_true(str_ends(f.response.body, end));
    fixture_fini(&f);

    route(&f, "GET", "/box/a", "depot");
    assert_int_equal(fault(&f.call, FAULT_THROTTLED, "Slower."), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 429);
    assert_true(str_eq(response_header(&f, STR("x-amzn-RequestId")),
                       STR("b25f48e8-84fd-11e6-80d9-574e0c4664cb")));
    assert_true(str_eq(response_header(&f, STR("x-amzn-ErrorType")), STR("ThrottlingException")));
    assert_true(str_eq(f.response.body, STR("{\"message\":\"Slower.\"}")));
    fixture_fini(&f);
}

static void
test_no_body_for_head(void **state)
{
    struct fixture f;
    route(&f, "HEAD", "/box/a", "s3");
    assert_int_equal(fault(&f.call, FAULT_ACCESS_DENIED, "No."), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 403);
    assert_int_equal(f.response.body.len, 0);
    fixture_fini(&f);

    struct depot_list_things_output out = {0};
    route(&f, "PUT", "/box/a", "s3");
    f.call.out = &out;
    call_encode(&f.call);
    assert_int_equal(f.response.status, 204);
    assert_int_equal(f.response.body.len, 0);
    fixture_fini(&f);
}

static void
test_errors_in_other_forms(void **state)
{
    struct fixture f;
    fixture_init(&f, "POST", "/", "localhost", "ec2");
    f.call.protocol = WIRE_EC2;
    f.call.service = service_registry[EC2];
    assert_int_equal(fault(&f.call, FAULT_ACCESS_DENIED, "No."), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 403);
    assert_true(str_find(f.response.body, STR("<Response><Errors><Error><Code>UnauthorizedOperation"
                                              "</Code><Message>No.</Message>")) > 0);
    assert_true(str_find(f.response.body, STR("<RequestID>b25f48e8-84fd-11e6-80d9-574e0c4664cb"
                                              "</RequestID>")) > 0);
    fixture_fini(&f);

    fixture_init(&f, "POST", "/", "localhost", "cbor");
    f.call.protocol = WIRE_RPC_V2_CBOR;
    f.call.service = service_registry[CBOR];
    assert_int_equal(fault(&f.call, FAULT_UNAVAILABLE, "Later."), E_FAULT);
    call_encode(&f.call);
    assert_int_equal(f.response.status, 503);
    assert_true(str_eq(response_header(&f, STR("smithy-protocol")), STR("rpc-v2-cbor")));
    assert_true(
        str_eq(response_header(&f, STR("x-amzn-query-error")), STR("ServiceUnavailable;Receiver")));
    assert_true(str_find(f.response.body, STR("Later.")) > 0);
    fixture_fini(&f);
}

// The services of this file are modelled and have no handlers.
static void
test_operations_that_are_not_built(void **state)
{
    static const char form[] = "application/x-www-form-urlencoded";
    static const struct {
        const char *method, *path, *type, *scope, *body;
        const char *begin, *end; // of the answer, around the sentence
    } rows[] = {
        {"GET", "/box/a", NULL, "s3", "",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NotImplemented</Code><Message>",
         "</HostId></Error>"},
        {"GET", "/box/a", NULL, "depot", "", "{\"message\":\"", "\"}"},
        {"POST", "/", form, "ec2", "Action=ListBoxes&Version=2016-11-15",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"
         "<Code>NotImplemented</Code><Message>",
         "</RequestID></Response>"},
        {"POST", "/", form, "elasticloadbalancing", "Action=ListBoxes&Version=2015-12-01",
         "<?xml version=\"1.0\"?><ErrorResponse xmlns=", "</RequestId></ErrorResponse>"},
        {"POST", "/service/Cbor_2020/operation/ListBoxes", "application/cbor", "cbor", "",
         "\xa2"
         "f__type"
         "nNotImplemented"
         "gmessage",
         "yet."},
        {"POST", "/", "application/x-amz-json-1.1", "cbor", "{}", "{\"__type\":\"", "\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, rows[i].method, rows[i].path, "localhost", rows[i].scope);
        add_header(&f, "Content-Type", rows[i].type);
        if (rows[i].path[1] == 's')
            add_header(&f, "smithy-protocol", "rpc-v2-cbor");
        if (rows[i].body[0] == '{')
            add_header(&f, "X-Amz-Target", "com.example.Cbor_2020.ListBoxes");
        f.request.body = str_of(rows[i].body);
        assert_true(route_protocol(&f.request, &f.call.protocol));
        assert_int_equal(call_route(&f.call), OK);
        assert_int_equal(call_require_handler(&f.call), E_FAULT);
        call_encode(&f.call);
        assert_int_equal(f.response.status, 501);
        struct str sentence =
            arena_print(&f.arena, "does not implement %s:%s yet.", f.call.service->wire->name,
                        wire_text(f.call.service->wire->model, f.call.operation->name));
        if (!str_starts(f.response.body, str_of(rows[i].begin)) ||
            !str_ends(f.response.body, str_of(rows[i].end)) ||
            str_find(f.response.body, sentence) < 0)
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(f.response.body));
        fixture_fini(&f);
    }
}

// EC2 does not tell a wrong key from a wrong secret.
static void
test_ec2_signatures(void **state)
{
    static const struct {
        enum sigv4_result result; // OK: the key is unknown
        int status;
        const char *error;
    } rows[] = {
        {SIGV4_OK, 401,
         "<Code>AuthFailure</Code><Message>AWS was not able to validate the provided access "
         "credentials</Message>"},
        {SIGV4_MISMATCH, 401,
         "<Code>AuthFailure</Code><Message>AWS was not able to validate the provided access "
         "credentials</Message>"},
        {SIGV4_SKEWED, 400, "<Code>RequestExpired</Code><Message>Request has expired.</Message>"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, "POST", "/", "localhost", "ec2");
        f.call.protocol = WIRE_EC2;
        f.call.service = service_registry[EC2];
        int code = rows[i].result == SIGV4_OK
                       ? unknown_key_fault(&f.call)
                       : signature_fault(&f.call, rows[i].result, &f.call.signature, STR("Why."));
        assert_int_equal(code, E_FAULT);
        call_encode(&f.call);
        assert_int_equal(f.response.status, rows[i].status);
        assert_true(str_find(f.response.body, str_of(rows[i].error)) > 0);
        fixture_fini(&f);
    }
}

#define EXPIRED                                                                                    \
    "Signature expired: 20150830T123600Z is now earlier than 20150830T123700Z (20150830T125200Z "  \
    "- 15 min.)"

// A clock that is wrong: each protocol's clients know another error, by which some of them mend it.
static void
test_clock_skew(void **state)
{
    static const struct {
        enum wire_protocol protocol;
        int service, status;
        const char *error;
    } rows[] = {
        {WIRE_JSON_1_0, CBOR, 400,
         "com.amazon.coral.service#InvalidSignatureException\",\"message\":\"" EXPIRED},
        {WIRE_JSON_1_1, CBOR, 400, "InvalidSignatureException\",\"message\":\"" EXPIRED},
        {WIRE_RPC_V2_CBOR, CBOR, 400, "InvalidSignatureExceptiongmessagex"},
        {WIRE_RPC_V2_CBOR, CBOR, 400, EXPIRED},
        {WIRE_QUERY, BALANCERS, 403,
         "<Code>SignatureDoesNotMatch</Code><Message>" EXPIRED "</Message>"},
        {WIRE_EC2, EC2, 400, "<Code>RequestExpired</Code><Message>Request has expired.</Message>"},
        {WIRE_REST_JSON, JSON_REST, 403, "{\"message\":\"" EXPIRED "\"}"},
        {WIRE_REST_XML, BUCKETS, 403,
         "<Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and "
         "the current time is too large.</Message><RequestTime>20150830T123600Z</RequestTime>"},
        {WIRE_REST_XML, BUCKETS, 403,
         "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct sigv4 sig;
        struct str reason;
        fixture_init(&f, "POST", "/", "localhost",
                     service_registry[rows[i].service]->wire->signing_name);
        f.call.protocol = rows[i].protocol;
        f.call.service = service_registry[rows[i].service];
        assert_int_equal(sigv4_parse(&f.request, &sig, &reason), SIGV4_OK);
        int64_t now_ms = sig.timestamp_ms + 16 * 60 * 1000;
        enum sigv4_result result = sigv4_verify_head(&f.request, &sig, 0xff, now_ms, &reason);
        assert_int_equal(result, SIGV4_SKEWED);
        assert_int_equal(signature_fault(&f.call, result, &sig, reason), E_FAULT);
        call_encode(&f.call);
        if (f.response.status != rows[i].status ||
            str_find(f.response.body, str_of(rows[i].error)) < 0)
            fail_msg("row %zu: %d " STR_FMT, i, f.response.status, STR_ARG(f.response.body));
        fixture_fini(&f);
    }
}

// A handler of an operation with a stream starts before the body was read.
static void
test_streams(void **state)
{
    static const struct {
        const char *method, *path, *scope, *type;
        bool is_wanted;
    } rows[] = {
        {"PUT", "/box/a", "s3", NULL, true},
        {"PUT", "/box/a", NULL, NULL, true},
        {"POST", "/box?delete", "s3", NULL, false},
        {"PATCH", "/box/a", "s3", NULL, false},
        {"POST", "/", "ec2", "application/x-www-form-urlencoded", false},
        {"POST", "/", "cbor", "application/x-amz-json-1.1", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f, rows[i].method, rows[i].path, "localhost", rows[i].scope);
        add_header(&f, "Content-Type", rows[i].type);
        f.request.body = (struct str){0};
        assert_int_equal(call_wants_stream(&f.cloud, &f.request), rows[i].is_wanted);
        fixture_fini(&f);
    }
}

static void
test_streams_in_and_out(void **state)
{
    struct fixture f;
    struct str_stream body;
    route(&f, "PUT", "/box/a", "s3");
    str_stream_init(&body, STR("bytes"));
    f.call.stream = &body.stream;
    assert_int_equal(call_decode(&f.call), OK);
    assert_ptr_equal(((const struct depot_put_thing_request *)f.call.in)->Body, &body.stream);
    fixture_fini(&f);

    struct depot_get_thing_output out = {.Body = &body.stream};
    route(&f, "GET", "/box/a", "s3");
    f.call.out = &out;
    call_encode(&f.call);
    assert_ptr_equal(f.response.stream, &body.stream);
    assert_true(str_eq(response_header(&f, STR("Content-Type")), STR("application/octet-stream")));
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_cbor_and_json),
        cmocka_unit_test(test_decode_by_host),
        cmocka_unit_test(test_request_ids),
        cmocka_unit_test(test_no_body_for_head),
        cmocka_unit_test(test_errors_in_other_forms),
        cmocka_unit_test(test_operations_that_are_not_built),
        cmocka_unit_test(test_ec2_signatures),
        cmocka_unit_test(test_clock_skew),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_streams_in_and_out),
    };
    return cmocka_run_group_tests(tests, init_services, NULL);
}
