// restJson1 and restXml requests: every place of a member, and malformed ones.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/stream.h"
#include "src/wire/test_depot.h"
#include "src/wire/test_fixture.h"

static struct header headers[16];
static struct wire_request request;

static int
setup(void **state)
{
    arena_init(&arena);
    request = (struct wire_request){.headers = headers};
    return 0;
}

static void
add_header(const char *name, const char *value)
{
    headers[request.header_count++] = (struct header){str_of(name), str_of(value)};
}

static int
decode(enum wire_protocol protocol, const char *operation, const char *path, void *out)
{
    const struct wire_operation *op = wire_operation_find(depot, str_of(operation));
    memset(out, 0xff, depot->model->shapes[op->input].c_size); // decoders zero it
    request.path = str_of(path);
    return wire_rest_decode(depot, op, protocol, &request, &arena, out, &problem);
}

static void
assert_problem(int code, enum wire_problem_kind kind, const char *path)
{
    assert_int_equal(code, E_INVALID);
    assert_int_equal(problem.kind, kind);
    assert_str(problem.path, path);
}

static void
test_labels_and_payload(void **state)
{
    struct depot_put_thing_request in;
    char bytes[16];
    size_t got;
    request.body = STR("\x00\xff bytes");
    assert_int_equal(decode(WIRE_REST_XML, "PutThing", "/a%20b/x%2Fy/z+", &in), OK);
    assert_str(in.Box, "a b");
    assert_str(in.Key, "x/y/z+"); // a plus is a plus in a path
    assert_int_equal(in.Body->length, 8);
    assert_int_equal(stream_read_full(in.Body, bytes, sizeof(bytes), &got), OK);
    assert_true(str_eq((struct str){bytes, got}, request.body));
    assert_false(str_is_present(in.Type));
    assert_null(in.Metadata.items);
}

static void
test_streams_are_handed_on(void **state)
{
    struct depot_put_thing_request in;
    struct str_stream source;
    char byte;
    size_t got;
    assert_int_equal(decode(WIRE_REST_JSON, "PutThing", "/b/k", &in), OK);
    assert_int_equal(in.Body->length, 0); // of an empty body too
    assert_int_equal(stream_read(in.Body, &byte, 1, &got), OK);
    assert_int_equal(got, 0);
    str_stream_init(&source, STR("x"));
    request.stream = &source.stream;
    assert_int_equal(decode(WIRE_REST_XML, "PutThing", "/b/k", &in), OK);
    assert_ptr_equal(in.Body, &source.stream);
}

static void
test_headers(void **state)
{
    struct depot_put_thing_request in;
    add_header("content-type", "text/plain");
    add_header("EXPIRES", "Sun, 02 Jan 2000 20:34:56 GMT");
    add_header("X-Names", "a , \"b,c\", \"d\\\"e\"");
    add_header("x-names", "f");
    add_header("x-times", "Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:19 GMT");
    add_header("x-numbers", "1,2 ,3");
    add_header("x-locked", "true");
    add_header("X-Meta-Color", "red");
    add_header("x-meta-", "");
    assert_int_equal(decode(WIRE_REST_XML, "PutThing", "/b/k", &in), OK);
    assert_str(in.Type, "text/plain");
    assert_int_equal(in.Expires.value, 946845296000);
    assert_int_equal(in.Names.count, 4);
    assert_str(in.Names.items[1], "b,c");
    assert_str(in.Names.items[2], "d\"e");
    assert_str(in.Names.items[3], "f");
    assert_int_equal(in.Times.count, 2);
    assert_int_equal(in.Times.items[1].value, 1576540099000);
    assert_int_equal(in.Numbers.count, 3);
    assert_int_equal(in.Numbers.items[2].value, 3);
    assert_true(in.IsLocked.value);
    assert_int_equal(in.Metadata.count, 2);
    assert_str(in.Metadata.items[0].key, "Color");
    assert_str(in.Metadata.items[1].key, "");
    assert_true(str_is_present(in.Metadata.items[1].value));
}

static void
test_malformed_headers(void **state)
{
    static const struct header wrong[] = {
        {{"Expires", 7}, {"yesterday", 9}},  {{"x-numbers", 9}, {"1,x", 3}},
        {{"x-numbers", 9}, {",", 1}},        {{"x-locked", 8}, {"maybe", 5}},
        {{"Content-Type", 12}, {"\xff", 1}}, {{"x-times", 7}, {"Mon, 16 Dec 2019", 16}},
    };
    static const char *const paths[] = {"expires",  "numbers", "numbers",
                                        "isLocked", "type",    "times"};
    struct depot_put_thing_request in;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        headers[0] = wrong[i];
        request.header_count = 1;
        assert_problem(decode(WIRE_REST_XML, "PutThing", "/b/k", &in), WIRE_PROBLEM_TYPE, paths[i]);
    }
}

static void
test_query_string(void **state)
{
    struct depot_list_things_request in;
    request.query = STR("prefix=a%20b+c&max=7&tag=x&tag=&after=2019-12-16T23:48:18Z&odd&tag=y");
    assert_int_equal(decode(WIRE_REST_XML, "ListThings", "/b", &in), OK);
    assert_str(in.Prefix, "a b c");
    assert_int_equal(in.Max.value, 7);
    assert_int_equal(in.Tags.count, 3);
    assert_str(in.Tags.items[1], "");
    assert_int_equal(in.After.value, 1576540098000);
    assert_int_equal(in.All.count, 5); // all names once
    for (size_t i = 0; i < in.All.count; i++) {
        if (str_eq(in.All.items[i].key, STR("tag")))
            assert_int_equal(in.All.items[i].value.count, 3);
    }
}

static void
test_malformed_query_strings(void **state)
{
    struct depot_list_things_request in;
    request.query = STR("max=x");
    assert_problem(decode(WIRE_REST_XML, "ListThings", "/b", &in), WIRE_PROBLEM_TYPE, "max");
    request.query = STR("max=");
    assert_problem(decode(WIRE_REST_XML, "ListThings", "/b", &in), WIRE_PROBLEM_TYPE, "max");
    request.query = STR("prefix=%ff");
    assert_problem(decode(WIRE_REST_XML, "ListThings", "/b", &in), WIRE_PROBLEM_TYPE, "prefix");
    request.query = STR("prefix=%");
    assert_problem(decode(WIRE_REST_XML, "ListThings", "/b", &in), WIRE_PROBLEM_SYNTAX, "");
    request.query = (struct str){0};
    assert_problem(decode(WIRE_REST_XML, "ListThings", "/%ff", &in), WIRE_PROBLEM_TYPE, "box");
}

// What has its place in the URI cannot come by the body too.
static void
test_body_members(void **state)
{
    struct depot_list_things_request in;
    request.body = STR("{\"limit\": 3, \"Box\": \"other\", \"prefix\": \"p\", \"more\": [{}]}");
    assert_int_equal(decode(WIRE_REST_JSON, "ListThings", "/b", &in), OK);
    assert_int_equal(in.Limit.value, 3);
    assert_str(in.Box, "b");
    assert_false(str_is_present(in.Prefix));
    request.body = STR("<Any><limit> 4 </limit><Box>other</Box><hidden/><more><x/></more></Any>");
    assert_int_equal(decode(WIRE_REST_XML, "ListThings", "/b", &in), OK);
    assert_int_equal(in.Limit.value, 4);
    assert_str(in.Box, "b");
    assert_true(str_is_present(in.Hidden));
    request.body = (struct str){0};
    assert_int_equal(decode(WIRE_REST_JSON, "ListThings", "/b", &in), OK);
    assert_false(in.Limit.is_present);
}

static void
test_xml_payload(void **state)
{
    struct depot_delete_things_request in;
    request.body =
        STR("<Delete xmlns=\"http://depot.example/doc/\"><Thing xmlns:xsi='u' "
            "xsi:type='Big'><Key>a&amp;b</Key></Thing><Quiet>true</Quiet>"
            "<Thing><Size>9</Size><Made>2000-01-02T20:34:56.123Z</Made><Inner><Key/>"
            "</Inner></Thing><Labels><entry><key>k</key><value>1</value></entry>"
            "<entry><key>k</key><value>2</value></entry></Labels><Ratio>-Infinity</Ratio>"
            "</Delete>");
    assert_int_equal(decode(WIRE_REST_XML, "DeleteThings", "/b", &in), OK);
    assert_int_equal(in.Delete->Things.count, 2); // with another element between them
    assert_str(in.Delete->Things.items[0].Kind, "Big");
    assert_str(in.Delete->Things.items[0].Key, "a&b");
    assert_int_equal(in.Delete->Things.items[1].Size.value, 9);
    assert_int_equal(in.Delete->Things.items[1].Made.value, 946845296123);
    assert_true(str_is_present(in.Delete->Things.items[1].Inner->Key));
    assert_true(in.Delete->IsQuiet.value);
    assert_int_equal(in.Delete->Labels.count, 1);
    assert_str(in.Delete->Labels.items[0].value, "2"); // the last one counts
    assert_true(in.Delete->Ratio.value < 0);
}

static void
test_payload_structures_and_documents(void **state)
{
    struct depot_delete_things_request in;
    struct depot_tag_thing_request tag;
    assert_int_equal(decode(WIRE_REST_XML, "DeleteThings", "/b", &in), OK);
    assert_null(in.Delete);
    request.body = STR("{\"Thing\": [{\"Key\": \"k\"}], \"Quiet\": false}");
    assert_int_equal(decode(WIRE_REST_JSON, "DeleteThings", "/b", &in), OK);
    assert_str(in.Delete->Things.items[0].Key, "k");
    request.body = STR(" {\"any\": [1, null, \"x\"]} ");
    assert_int_equal(decode(WIRE_REST_JSON, "TagThing", "/b/a/b/tags", &tag), OK);
    assert_str(tag.Key, "a/b");
    assert_str(tag.Tags, "{\"any\": [1, null, \"x\"]}");
    request.body = STR("{\"any\": [1, null, \"x\"}");
    assert_problem(decode(WIRE_REST_JSON, "TagThing", "/b/k/tags", &tag), WIRE_PROBLEM_SYNTAX, "");
}

static void
test_malformed_bodies(void **state)
{
    struct depot_delete_things_request in;
    request.body = STR("<Delete><Thing><Size>x</Size></Thing></Delete>");
    assert_problem(decode(WIRE_REST_XML, "DeleteThings", "/b", &in), WIRE_PROBLEM_TYPE,
                   "delete.things.1.member.size");
    request.body = STR("<Delete><Labels><entry><key>k</key></entry></Labels></Delete>");
    assert_problem(decode(WIRE_REST_XML, "DeleteThings", "/b", &in), WIRE_PROBLEM_MISSING,
                   "delete.labels.1.member");
    request.body = STR("<Delete><Thing></Delete>");
    assert_problem(decode(WIRE_REST_XML, "DeleteThings", "/b", &in), WIRE_PROBLEM_SYNTAX, "");
    request.body = STR("[]");
    assert_problem(decode(WIRE_REST_JSON, "DeleteThings", "/b", &in), WIRE_PROBLEM_TYPE, "delete");
    request.body = STR("{\"Thing\": {}}");
    assert_problem(decode(WIRE_REST_JSON, "DeleteThings", "/b", &in), WIRE_PROBLEM_TYPE,
                   "delete.things");
}

static void
test_a_body_nested_too_deep(void **state)
{
    struct depot_delete_things_request in;
    struct buf b;
    buf_init(&b, &arena, 0);
    buf_put(&b, STR("<Delete><Thing>"));
    for (size_t i = 0; i < WIRE_DEPTH_MAX; i++)
        buf_put(&b, STR("<Inner>"));
    request.body = buf_str(&b);
    assert_problem(decode(WIRE_REST_XML, "DeleteThings", "/b", &in), WIRE_PROBLEM_DEPTH, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_labels_and_payload, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_streams_are_handed_on, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_headers, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_malformed_headers, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_query_string, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_malformed_query_strings, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_body_members, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_xml_payload, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_payload_structures_and_documents, setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(test_malformed_bodies, setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_a_body_nested_too_deep, setup, arena_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
