// restJson1 and restXml responses and errors, byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/stream.h"
#include "src/wire/test_depot.h"
#include "src/wire/test_fixture.h"

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://depot.example/doc/\""

static struct wire_response response;

static int
setup(void **state)
{
    arena_init(&arena);
    wire_response_init(&response, &arena, false);
    return 0;
}

static void
encode(enum wire_protocol protocol, const char *operation, const void *out)
{
    const struct wire_operation *op = wire_operation_find(depot, str_of(operation));
    wire_response_init(&response, &arena, response.is_head);
    wire_rest_encode(depot, op, protocol, out, &response);
}

// Absent: NULL.
static void
assert_header(const char *name, const char *want)
{
    struct str got = {0};
    size_t n = 0;
    for (size_t i = 0; i < response.header_count; i++) {
        if (str_eq(response.headers[i].name, str_of(name))) {
            got = response.headers[i].value;
            n++;
        }
    }
    assert_int_equal(n, want == NULL ? 0 : 1);
    if (!str_eq(got, str_of(want)))
        fail_msg("%s: got " STR_FMT ", want %s", name, STR_ARG(got), want);
}

static void
assert_body(const char *want)
{
    struct str got = buf_str(&response.body);
    if (!str_eq(got, str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(got), want);
}

static struct str_stream body;
static int closed;

static void
count_close(struct stream *s)
{
    closed++;
}

static struct depot_get_thing_output
some_thing(void)
{
    static struct str names[] = {{"plain", 5}, {"a,b", 3}, {"q\"", 2}};
    static struct depot_string_map_entry metadata[] = {
        {{"color", 5}, {"red", 3}}, {{"evil\r\nx", 7}, {"a\r\nSet-Cookie: b", 16}}};
    str_stream_init(&body, STR("bytes"));
    body.stream.close = count_close;
    closed = 0;
    return (struct depot_get_thing_output){
        .Body = &body.stream,
        .Size = OPT_LONG(5),
        .Names = {names, 3},
        .Modified = OPT_TIME(946845296123),
        .Metadata = {metadata, 2},
    };
}

static void
test_headers_and_payload(void **state)
{
    struct depot_get_thing_output out = some_thing();
    encode(WIRE_REST_XML, "GetThing", &out);
    assert_int_equal(response.status, 200);
    assert_header("x-size", "5");
    assert_header("x-names", "plain, \"a,b\", \"q\\\"\"");
    assert_header("Last-Modified", "Sun, 02 Jan 2000 20:34:56 GMT");
    assert_header("x-meta-color", "red");
    assert_header("x-meta-evil--x", "a  Set-Cookie: b"); // no value ends a header
    assert_header("Content-Type", "application/octet-stream");
    assert_ptr_equal(response.stream, &body.stream); // for the caller to send and to close
    assert_int_equal(closed, 0);
}

static void
test_absent_members_are_absent(void **state)
{
    struct depot_get_thing_output out = {.Status = OPT_INT(206)};
    struct str none;
    out.Names.items = &none; // an empty list has no header
    encode(WIRE_REST_JSON, "GetThing", &out);
    assert_int_equal(response.status, 206);
    assert_int_equal(response.header_count, 0);
    assert_body("");
}

static void
test_head_and_204_and_304_have_no_body(void **state)
{
    struct depot_get_thing_output out = some_thing();
    struct depot_list_things_output listed = {.Name = STR("n")};
    response.is_head = true;
    encode(WIRE_REST_XML, "HeadThing", &out);
    assert_null(response.stream);
    assert_int_equal(closed, 1);
    assert_header("x-size", "5");
    assert_body("");
    response.is_head = false;
    encode(WIRE_REST_XML, "PutThing", &listed);
    assert_int_equal(response.status, 204);
    assert_body("");
    out.Status = OPT_INT(304);
    encode(WIRE_REST_XML, "GetThing", &out);
    assert_body("");
}

static void
test_members(void **state)
{
    struct depot_thing inner = {.Key = STR("i")};
    struct depot_thing things[] = {{.Kind = STR("a\"b"), .Key = STR("<k>"), .Size = OPT_LONG(0)},
                                   {.Made = OPT_TIME(946845296123), .Inner = &inner}};
    struct str prefixes[] = {STR("p")};
    struct depot_list_things_output out = {.Things = {things, 2}, .Prefixes = {prefixes, 1}};
    encode(WIRE_REST_XML, "ListThings", &out);
    assert_header("Content-Type", "application/xml");
    assert_body(XML "<ListBoxResult" NS "><Contents xsi:type=\"a&quot;b\"><Key>&lt;k&gt;</Key>"
                    "<Size>0</Size></Contents><Contents><Made>2000-01-02T20:34:56.123Z</Made>"
                    "<Inner xmlns:xsi=\"http://xsi.example/\"><Key>i</Key></Inner></Contents>"
                    "<Prefixes><member>p</member></Prefixes></ListBoxResult>");
    encode(WIRE_REST_JSON, "ListThings", &out);
    assert_header("Content-Type", "application/json");
    assert_body("{\"Contents\":[{\"xsi:type\":\"a\\\"b\",\"Key\":\"<k>\",\"Size\":0},"
                "{\"Made\":946845296.123,\"Inner\":{\"Key\":\"i\"}}],\"Prefixes\":[\"p\"]}");
}

static void
test_without_members(void **state)
{
    struct depot_list_things_output out = {0};
    encode(WIRE_REST_XML, "ListThings", &out);
    assert_body(XML "<ListBoxResult" NS "></ListBoxResult>");
    encode(WIRE_REST_JSON, "ListThings", &out);
    assert_body("{}");
    encode(WIRE_REST_JSON, "ListBoxes", NULL);
    assert_body("");
}

static void
test_a_root_that_is_the_value(void **state)
{
    struct depot_get_place_output out = {.Place = STR("here & there")};
    encode(WIRE_REST_XML, "GetPlace", &out);
    assert_body(XML "<Place" NS ">here &amp; there</Place>");
    encode(WIRE_REST_XML, "GetPlace", &(struct depot_get_place_output){0});
    assert_body(XML "<Place" NS "></Place>");
}

static struct wire_error_text
no_such_thing(const struct depot_no_such_thing *context)
{
    const struct wire_error *e = &depot->errors[DEPOT_NO_SUCH_THING];
    return (struct wire_error_text){
        .name = str_of(wire_text(depot->model, e->name)),
        .query_code = str_of(wire_text(depot->model, e->query_code)),
        .message = STR("It's <gone>"),
        .message_name = str_of(wire_text(depot->model, e->message_name)),
        .is_sender = true,
        .m = depot->model,
        .shape = e->shape,
        .context = context,
    };
}

static void
test_errors_in_json(void **state)
{
    struct depot_no_such_thing context = {.Key = STR("k"), .RetryAfter = OPT_INT(3)};
    struct wire_error_text e = no_such_thing(&context);
    wire_rest_encode_error(depot, WIRE_REST_JSON, &e, STR("id-1"), &response);
    assert_header("x-amzn-ErrorType", "NoSuchThing");
    assert_header("Retry-After", "3");
    assert_body("{\"Message\":\"It's <gone>\",\"Key\":\"k\"}");
}

// A field needs no comma in front where neither a message nor a member stands there.
static void
test_error_fields(void **state)
{
    struct depot_no_such_thing context = {.RetryAfter = OPT_INT(3)}; // a header
    struct wire_error_text e = no_such_thing(&context);
    e.fields = (struct wire_error_field[]){{"BucketName", STR("a&b")}, {"Key", STR("k")}};
    e.field_count = 2;
    e.message = (struct str){0};
    wire_rest_encode_error(depot, WIRE_REST_JSON, &e, STR("id-1"), &response);
    assert_body("{\"BucketName\":\"a&b\",\"Key\":\"k\"}");
    wire_response_init(&response, &arena, false);
    wire_rest_encode_error(depot, WIRE_REST_XML, &e, STR("id-1"), &response);
    assert_body(XML "<Error><Code>NoSuchThing</Code><BucketName>a&amp;b</BucketName><Key>k</Key>"
                    "<RequestId>id-1</RequestId></Error>");
}

static void
test_errors_in_xml(void **state)
{
    struct depot_no_such_thing context = {.Key = STR("k")};
    struct wire_error_text e = no_such_thing(&context);
    struct wire_service wrapped = *depot;
    e.host_id = STR("host-1");
    wire_rest_encode_error(depot, WIRE_REST_XML, &e, STR("id-1"), &response);
    assert_body(XML
                "<Error><Code>NoSuchThing</Code><Message>It's &lt;gone&gt;</Message><Key>k</Key>"
                "<RequestId>id-1</RequestId><HostId>host-1</HostId></Error>");
    wrapped.has_bare_errors = false;
    e.context = NULL;
    e.host_id = (struct str){0};
    wire_response_init(&response, &arena, false);
    wire_rest_encode_error(&wrapped, WIRE_REST_XML, &e, STR("id-1"), &response);
    assert_body(XML "<ErrorResponse" NS "><Error><Type>Sender</Type><Code>NoSuchThing</Code>"
                    "<Message>It's &lt;gone&gt;</Message></Error><RequestId>id-1</RequestId>"
                    "</ErrorResponse>");
}

static void
test_an_error_for_head(void **state)
{
    struct wire_error_text e = no_such_thing(NULL);
    wire_response_init(&response, &arena, true);
    wire_rest_encode_error(depot, WIRE_REST_XML, &e, STR("id-1"), &response);
    assert_body("");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_headers_and_payload, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_absent_members_are_absent, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_head_and_204_and_304_have_no_body, setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(test_members, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_without_members, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_a_root_that_is_the_value, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_errors_in_json, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_error_fields, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_errors_in_xml, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_an_error_for_head, setup, arena_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
