// The client's side: requests byte for byte, responses and errors, well-formed and not.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/stream.h"
#include "src/wire/ec2.h"
#include "src/wire/rpc_cbor.h"
#include "src/wire/test_depot.h"
#include "src/wire/test_fixture.h"
#include "src/wire/test_rules.h"

static struct wire_request request;

static int
encode(enum wire_protocol protocol, const char *operation, const void *in)
{
    const struct wire_operation *op = wire_operation_find(depot, str_of(operation));
    return wire_client_encode(depot, op, protocol, in, &arena, &request);
}

static int
decode(enum wire_protocol protocol, const char *operation, struct wire_reply reply, void *out)
{
    const struct wire_operation *op = wire_operation_find(depot, str_of(operation));
    return wire_client_decode(depot, op, protocol, &reply, &arena, out, &problem);
}

static void
test_rest_request(void **state)
{
    struct depot_string_map_entry metadata[] = {{STR("a"), STR("1")}};
    struct str_stream body;
    struct depot_put_thing_request in = {.Box = STR("b/c"),
                                         .Key = STR("x y/\xc3\xbc"),
                                         .Body = &body.stream,
                                         .Type = STR("text/plain"),
                                         .Metadata = {metadata, 1}};
    str_stream_init(&body, STR("bytes"));
    assert_int_equal(encode(WIRE_REST_XML, "PutThing", &in), OK);
    assert_str(request.method, "PUT");
    assert_str(request.path, "/b%2Fc/x%20y/%C3%BC");
    assert_false(str_is_present(request.query));
    assert_str(wire_request_header(&request, STR("content-type")), "text/plain");
    assert_str(wire_request_header(&request, STR("x-meta-a")), "1");
    assert_ptr_equal(request.stream, &body.stream);
}

static void
test_query_string(void **state)
{
    struct str tags[] = {STR("x"), STR("&y")};
    struct str fixed[] = {STR("lost")}, free_[] = {STR("1"), STR("2")};
    struct depot_strings_map_entry all[] = {{STR("prefix"), {fixed, 1}}, {STR("n"), {free_, 2}}};
    struct depot_list_things_request in = {.Box = STR("b"),
                                           .Prefix = STR("p"),
                                           .Max = OPT_INT(0),
                                           .Tags = {tags, 2},
                                           .All = {all, 2},
                                           .Limit = OPT_INT(3)};
    assert_int_equal(encode(WIRE_REST_JSON, "ListThings", &in), OK);
    assert_str(request.query, "prefix=p&max=0&tag=x&tag=%26y&n=1&n=2");
    assert_str(request.body, "{\"limit\":3}");
    assert_int_equal(encode(WIRE_REST_XML, "GetPlace", &(struct depot_box_request){STR("b")}), OK);
    assert_str(request.query, "place");
}

// What would make another path of it.
static void
test_a_label_must_be_there(void **state)
{
    struct depot_thing_request in = {.Box = STR("b")};
    assert_int_equal(encode(WIRE_REST_XML, "GetThing", &in), E_INVALID);
    in.Key = STR("");
    assert_int_equal(encode(WIRE_REST_XML, "GetThing", &in), E_INVALID);
    in.Key = STR("../x");
    assert_int_equal(encode(WIRE_REST_XML, "GetThing", &in), OK);
    in.Box = STR("../x");
    assert_int_equal(encode(WIRE_REST_XML, "GetThing", &in), OK);
    assert_str(request.path, "/..%2Fx/../x");
}

static void
test_rpc_requests(void **state)
{
    struct wire_service rpc = *depot;
    const struct wire_operation *op = wire_operation_find(depot, STR("ListThings"));
    struct str tags[] = {STR("x"), STR("y")};
    struct str none;
    struct depot_list_things_request in = {.Tags = {tags, 2}};
    rpc.target_prefix = "Depot";
    rpc.api_version = "1";
    assert_int_equal(wire_client_encode(&rpc, op, WIRE_QUERY, &in, &arena, &request), OK);
    assert_str(request.method, "POST");
    assert_str(request.path, "/");
    assert_str(request.body, "Action=ListThings&Version=1&tag.member.1=x&tag.member.2=y");
    in.Tags.items = &none;
    in.Tags.count = 0;
    assert_int_equal(wire_client_encode(&rpc, op, WIRE_QUERY, &in, &arena, &request), OK);
    assert_str(request.body, "Action=ListThings&Version=1&tag=");
    op = wire_operation_find(depot, STR("ListBoxes"));
    assert_int_equal(wire_client_encode(&rpc, op, WIRE_JSON_1_1, NULL, &arena, &request), OK);
    assert_str(wire_request_header(&request, STR("X-Amz-Target")), "Depot.ListBoxes");
    assert_str(request.body, "{}");
}

static struct str
stream_text(struct stream *s)
{
    char *bytes = arena_alloc_bytes(&arena, 64);
    size_t got;
    assert_int_equal(stream_read_full(s, bytes, 64, &got), OK);
    return (struct str){bytes, got};
}

static void
test_responses(void **state)
{
    struct header headers[] = {{STR("X-Size"), STR("5")}, {STR("x-meta-a"), STR("1")}};
    struct depot_get_thing_output out;
    struct depot_get_place_output place;
    struct wire_reply reply = {206, headers, 2, STR("bytes")};
    assert_int_equal(decode(WIRE_REST_XML, "GetThing", reply, &out), OK);
    assert_int_equal(out.Status.value, 206);
    assert_int_equal(out.Size.value, 5);
    assert_str(stream_text(out.Body), "bytes");
    assert_int_equal(out.Metadata.count, 1);
    reply.body = STR("<Place>here</Place>");
    assert_int_equal(decode(WIRE_REST_XML, "GetPlace", reply, &place), OK);
    assert_str(place.Place, "here");
    assert_int_equal(decode(WIRE_REST_XML, "ListBoxes", reply, NULL), OK);
}

static void
test_malformed_responses(void **state)
{
    struct header headers[] = {{STR("x-size"), STR("many")}};
    struct depot_get_thing_output out;
    struct depot_list_things_output list;
    struct wire_reply reply = {200, headers, 1, STR("<a")};
    assert_int_equal(decode(WIRE_REST_XML, "GetThing", reply, &out), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_TYPE);
    assert_int_equal(decode(WIRE_REST_XML, "ListThings", reply, &list), E_INVALID);
    assert_str(problem.message, "The response is malformed");
}

static void
assert_error(enum wire_protocol protocol, const char *header, const char *body, const char *code,
             const char *message)
{
    struct header headers[] = {{STR("X-Amzn-Errortype"), str_of(header)}};
    struct wire_reply reply = {400, headers, header != NULL, str_of(body)};
    struct wire_error_text e;
    wire_client_decode_error(protocol, &reply, &arena, &e);
    assert_str(e.name, code);
    assert_str(e.query_code, code);
    assert_str(str_is_present(e.message) ? e.message : STR("(none)"), message);
    assert_true(e.is_sender);
}

static void
test_errors(void **state)
{
    assert_error(WIRE_JSON_1_0, NULL, "{\"__type\":\"a.b#C\",\"message\":\"m\"}", "C", "m");
    assert_error(WIRE_REST_JSON, "C:http://x/", "{\"Message\":\"m\"}", "C", "m");
    assert_error(WIRE_REST_JSON, "C", "", "C", "(none)");
    assert_error(WIRE_REST_JSON, NULL, "{\"code\":1,\"message\":{}}", "", "(none)");
    assert_error(WIRE_REST_JSON, NULL, "<html>", "", "(none)");
    assert_error(WIRE_REST_XML, NULL, "<Error><Code>C</Code><Message>m</Message></Error>", "C",
                 "m");
    assert_error(WIRE_QUERY, NULL, "<ErrorResponse><Error><Code>C</Code></Error></ErrorResponse>",
                 "C", "(none)");
    assert_error(WIRE_QUERY, NULL, "{}", "", "(none)");
}

static struct str
as_json(const struct rules_input *in)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_json_encode(rules->model, rules->operations[0].input, in, &b);
    return buf_str(&b);
}

// A service of that protocol whose only operation answers what it is asked.
static struct wire_service
echo_service(struct wire_operation *op)
{
    struct wire_service s = *rules;
    *op = s.operations[0];
    op->output = op->input;
    s.target_prefix = "com.example.Rules";
    s.protocols = 1u << WIRE_EC2 | 1u << WIRE_RPC_V2_CBOR;
    s.operations = op;
    return s;
}

// The server's side reads what the client's side wrote, and the other way round.
static void
test_round_trips_in_ec2_and_cbor(void **state)
{
    static const enum wire_protocol protocols[] = {WIRE_EC2, WIRE_RPC_V2_CBOR};
    struct str ids[] = {STR("i-1"), STR("a&b=c")};
    struct rules_element elements[] = {{.AttributeName = STR("pk"), .KeyType = STR("HASH")},
                                       {.AttributeName = STR(""), .Range = OPT_INT(-7)}};
    struct rules_free inner = {.Text = STR("<\xc3\xbc>")}, outer = {.Of = &inner};
    struct rules_input in = {.TableName = STR("music"),
                             .Percent = OPT_INT(5),
                             .Fraction = OPT_DOUBLE(0.1),
                             .Bytes = STR("\xff\x00z"),
                             .Ids = {ids, 2},
                             .KeySchema = {elements, 2},
                             .Free = &outer};
    struct wire_operation op;
    struct wire_service s = echo_service(&op);
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        bool is_ec2 = protocols[i] == WIRE_EC2;
        struct rules_input at_server, at_client;
        struct buf body;
        struct str service, operation;
        assert_int_equal(wire_client_encode(&s, &op, protocols[i], &in, &arena, &request), OK);
        if (is_ec2) {
            assert_str(wire_form_get(request.body, STR("Action"), &arena), "Check");
            assert_int_equal(
                wire_ec2_decode(s.model, op.input, request.body, &arena, &at_server, &problem), OK);
        } else {
            assert_true(wire_rpc_cbor_parse_path(request.path, &service, &operation));
            assert_str(request.path, "/service/Rules/operation/Check");
            assert_true(wire_rpc_cbor_is_named(&s, service));
            assert_str(wire_request_header(&request, STR("smithy-protocol")), "rpc-v2-cbor");
            assert_int_equal(
                wire_rpc_cbor_decode(s.model, op.input, request.body, &arena, &at_server, &problem),
                OK);
        }
        assert_true(str_eq(as_json(&at_server), as_json(&in)));
        buf_init(&body, &arena, 0);
        if (is_ec2)
            wire_ec2_encode(&s, &op, &in, STR("r-1"), &body);
        else
            wire_rpc_cbor_encode(s.model, op.output, &in, &body);
        struct wire_reply reply = {.status = 200, .body = buf_str(&body)};
        assert_int_equal(
            wire_client_decode(&s, &op, protocols[i], &reply, &arena, &at_client, &problem), OK);
        assert_true(str_eq(as_json(&at_client), as_json(&in)));
    }
}

static void
test_errors_in_ec2_and_cbor(void **state)
{
    static const enum wire_protocol protocols[] = {WIRE_EC2, WIRE_RPC_V2_CBOR};
    struct wire_error_text e = {.name = STR("NoSuch"),
                                .namespace_ = STR("com.example"),
                                .query_code = STR("NoSuch"),
                                .message = STR("It's <gone>"),
                                .is_sender = true,
                                .fields = (struct wire_error_field[]){{"Key", STR("k")}},
                                .field_count = 1};
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct wire_error_text got;
        struct buf body;
        buf_init(&body, &arena, 0);
        if (protocols[i] == WIRE_EC2)
            wire_ec2_encode_error(&e, STR("r-1"), &body);
        else
            wire_rpc_cbor_encode_error(&e, &body);
        struct wire_reply reply = {.status = 400, .body = buf_str(&body)};
        wire_client_decode_error(protocols[i], &reply, &arena, &got);
        assert_str(got.name, "NoSuch");
        assert_str(got.message, "It's <gone>");
        assert_true(got.is_sender);
    }
    assert_error(WIRE_RPC_V2_CBOR, NULL, "{}", "", "(none)");
    assert_error(WIRE_EC2, NULL, "<Response><Errors/></Response>", "", "(none)");
}

static void
test_tokens(void **state)
{
    const struct wire_operation *op = wire_operation_find(depot, STR("CopyThing"));
    struct depot_copy_thing_request in = {0};
    wire_client_fill_tokens(depot->model, op->input, &in, STR("t"));
    assert_str(in.Token, "t");
    assert_false(str_is_present(in.Source));
    in.Token = STR("mine");
    wire_client_fill_tokens(depot->model, op->input, &in, STR("t"));
    assert_str(in.Token, "mine");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_rest_request),
        UNIT(test_query_string),
        UNIT(test_a_label_must_be_there),
        UNIT(test_rpc_requests),
        UNIT(test_responses),
        UNIT(test_malformed_responses),
        UNIT(test_errors),
        UNIT(test_round_trips_in_ec2_and_cbor),
        UNIT(test_errors_in_ec2_and_cbor),
        UNIT(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
