// Paths against patterns, and which operation a request means.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/rest_path.h"
#include "src/wire/test_depot.h"

// The label's value; "(no match)" and "(absent)" where there is none.
static void
assert_label(const char *pattern, const char *path, const char *label, const char *want)
{
    struct str value;
    if (!rest_path_match(pattern, str_of(path), str_of(label), &value))
        value = STR("(no match)");
    else if (!str_is_present(value))
        value = STR("(absent)");
    if (!str_eq(value, str_of(want)))
        fail_msg("%s of %s: got " STR_FMT ", want %s", label, path, STR_ARG(value), want);
}

static void
test_labels(void **state)
{
    assert_label("/{Box}", "/b", "Box", "b");
    assert_label("/{Box}", "/b/", "Box", "b");
    assert_label("/{Box}?list-type=2", "/b", "Box", "b");
    assert_label("/{Box}", "/a%2Fb", "Box", "a%2Fb");
    assert_label("/{Box}", "/b", "Other", "(absent)");
    assert_label("/{Box}", "/b/c", "Box", "(no match)");
    assert_label("/{Box}", "/", "Box", "(no match)");
    assert_label("/{Box}", "//", "Box", "(no match)");
    assert_label("/{Box}", "", "Box", "(no match)");
    assert_label("/v1/things/", "/v1/things", "Box", "(absent)");
    assert_label("/v1/things/", "/v1/things/", "Box", "(absent)");
    assert_label("/v1/things/", "/v1/things//", "Box", "(no match)");
    assert_label("/v1/{A}/x/{B}", "/v1/1/x/2", "B", "2");
    assert_label("/v1/{A}/x/{B}", "/v1//x/2", "B", "(no match)");
}

static void
test_greedy_labels(void **state)
{
    assert_label("/{Box}/{Key+}", "/b/k", "Key", "k");
    assert_label("/{Box}/{Key+}", "/b/a/b/c", "Key", "a/b/c");
    assert_label("/{Box}/{Key+}", "/b/folder/", "Key", "folder/");
    assert_label("/{Box}/{Key+}", "/b//k", "Key", "/k");
    assert_label("/{Box}/{Key+}", "/b//", "Key", "/");
    assert_label("/{Box}/{Key+}", "/b/", "Key", "(no match)");
    assert_label("/{Box}/{Key+}", "/b", "Key", "(no match)");
    assert_label("/{Box}/{Key+}/tags/", "/b/a/b/tags", "Key", "a/b");
    assert_label("/{Box}/{Key+}/tags/", "/b/a/b/tags/", "Key", "a/b");
    assert_label("/{Box}/{Key+}/tags", "/b/tags", "Key", "(no match)");
    assert_label("/{Box}/{Key+}/tags", "/b/a/rags", "Key", "(no match)");
}

static void
test_literals_may_be_escaped(void **state)
{
    assert_label("/@box/{Id}", "/@box/1", "Id", "1");
    assert_label("/@box/{Id}", "/%40box/1", "Id", "1");
    assert_label("/@box/{Id}", "/%4/1", "Id", "(no match)");
    assert_label("/@box/{Id}", "/%/1", "Id", "(no match)");
    assert_label("/@box/{Id}", "/%zzbox/1", "Id", "(no match)");
    assert_label("/@box/{Id}", "/@bo/1", "Id", "(no match)");
    assert_label("/@box/{Id}", "/@boxx/1", "Id", "(no match)");
}

static void
assert_meant(const char *method, const char *path, const char *query, const char *header,
             const char *want)
{
    struct header headers[] = {{str_of(header), STR("x")}};
    struct wire_request request = {
        .method = str_of(method),
        .path = str_of(path),
        .query = str_of(query),
        .headers = headers,
        .header_count = header == NULL ? 0 : 1,
    };
    const struct wire_operation *op = wire_rest_match(depot, &request);
    assert_string_equal(op == NULL ? "(none)" : wire_text(depot->model, op->name), want);
}

static void
test_method_and_path(void **state)
{
    assert_meant("GET", "/", NULL, NULL, "ListBoxes");
    assert_meant("GET", "", NULL, NULL, "ListBoxes");
    assert_meant("GET", "/b", NULL, NULL, "ListThings");
    assert_meant("GET", "/b/", "", NULL, "ListThings");
    assert_meant("GET", "/b/k", NULL, NULL, "GetThing");
    assert_meant("HEAD", "/b/k", NULL, NULL, "HeadThing");
    assert_meant("PUT", "/b/k/tags", NULL, NULL, "TagThing");
    assert_meant("PATCH", "/b/k", NULL, NULL, "(none)");
    assert_meant("get", "/b/k", NULL, NULL, "(none)");
    assert_meant("POST", "/b", NULL, NULL, "(none)");
}

static void
test_constants_of_the_query_string(void **state)
{
    assert_meant("GET", "/b", "list-type=2", NULL, "ListThingsV2");
    assert_meant("GET", "/b", "prefix=a&list-type=2&max=1", NULL, "ListThingsV2");
    assert_meant("GET", "/b", "list-type=1", NULL, "ListThings");
    assert_meant("GET", "/b", "list-type", NULL, "ListThings");
    assert_meant("GET", "/b", "place", NULL, "GetPlace");
    assert_meant("GET", "/b", "place=", NULL, "GetPlace");
    assert_meant("GET", "/b", "places", NULL, "ListThings");
    assert_meant("POST", "/b", "a&delete&&b", NULL, "DeleteThings");
}

static void
test_twins_are_told_apart_by_what_they_require(void **state)
{
    assert_meant("PUT", "/b/k", NULL, NULL, "PutThing"); // not the deprecated one
    assert_meant("PUT", "/b/k", NULL, "X-Copy-Source", "CopyThing");
    assert_meant("PUT", "/b/k", "partNumber=1&uploadId=u", NULL, "PutPart");
    assert_meant("PUT", "/b/k", "uploadId=u", NULL, "PutThing");
    assert_meant("PUT", "/b/k", "uploadId=u", "x-copy-source", "CopyThing");
}

static void
test_a_service_without_routes(void **state)
{
    struct wire_service rpc = *depot;
    struct wire_request request = {.method = STR("GET"), .path = STR("/")};
    rpc.routes = NULL;
    assert_null(wire_rest_match(&rpc, &request));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_greedy_labels),
        cmocka_unit_test(test_literals_may_be_escaped),
        cmocka_unit_test(test_method_and_path),
        cmocka_unit_test(test_constants_of_the_query_string),
        cmocka_unit_test(test_twins_are_told_apart_by_what_they_require),
        cmocka_unit_test(test_a_service_without_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
