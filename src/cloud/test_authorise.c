// The stage authorise, who may come as far as it, and what it says of the call.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/cloud/conditions.h"
#include "src/cloud/test_fake.h"

struct fixture {
    struct arena arena;
    struct cloud cloud;
    struct http_request request;
    struct http_response response;
    struct call call;
};

// Without a connection and without a signature.
static void
init_call(struct fixture *f, size_t operation)
{
    *f = (struct fixture){0};
    arena_init(&f->arena);
    f->request = (struct http_request){
        .method = STR("POST"), .path = STR("/"), .peer = "127.0.0.1:1234", .arena = &f->arena};
    f->call = (struct call){
        .cloud = &f->cloud,
        .arena = &f->arena,
        .http = &f->request,
        .response = &f->response,
        .protocol = WIRE_QUERY,
        .service = service_registry[0],
        .operation = &service_registry[0]->wire->operations[operation],
    };
}

static void
fixture_fini(struct fixture *f)
{
    arena_fini(&f->arena);
}

static void
assert_str(struct str actual, const char *expected)
{
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arena_copy_z(&arena, actual), expected);
    arena_fini(&arena);
}

static void
test_authorise(void **state)
{
    struct fixture f;
    init_call(&f, 0);
    assert_int_equal(call_authorise(&f.call), E_FAULT);
    assert_str(f.call.fault.query_code, "AccessDenied");
    fixture_fini(&f);
    init_call(&f, 0);
    f.call.principal.kind = PRINCIPAL_ROOT;
    assert_int_equal(call_authorise(&f.call), OK);
    assert_int_equal(f.call.access_count, 1);
    assert_str(f.call.accesses[0].action, "fake:Echo");
    fixture_fini(&f);
}

static int
authorise_fail(struct fixture *f, enum principal_kind kind, int32_t code)
{
    struct fake_fail in = {.Code = OPT_INT(code)};
    init_call(f, 1);
    f->call.operation_name = STR("Fail");
    f->call.principal = (struct principal){.kind = kind, .account = STR("000000000000")};
    f->call.in = &in;
    return call_authorise(&f->call);
}

// Fail asks for two actions; the second one must say what it is about.
static void
test_authorise_several(void **state)
{
    struct fixture f;
    assert_int_equal(authorise_fail(&f, PRINCIPAL_ROOT, 0), OK);
    assert_int_equal(f.call.access_count, 2);
    assert_str(f.call.accesses[1].action, "fake:Fail");
    assert_str(STAILQ_FIRST(&f.call.accesses[1].resources)->arn,
               "arn:aws:fake:eu-west-1:123:thing");
    fixture_fini(&f);
    assert_int_equal(authorise_fail(&f, PRINCIPAL_ROOT, 1), E_FAULT);
    assert_str(f.call.fault.query_code, "AccessDenied");
    fixture_fini(&f);
    assert_int_equal(authorise_fail(&f, PRINCIPAL_ROOT, 2), E_FAULT);
    assert_str(f.call.fault.query_code, "InternalFailure");
    fixture_fini(&f);
    assert_int_equal(authorise_fail(&f, PRINCIPAL_USER, 0), E_FAULT);
    assert_int_equal(f.call.access_count, 1);
    fixture_fini(&f);
    assert_int_equal(authorise_fail(&f, PRINCIPAL_ANONYMOUS, 3), OK);
    fixture_fini(&f);
}

// What asks for nothing is for whoever has signed.
static void
test_authorise_nothing(void **state)
{
    struct fixture f;
    init_call(&f, 2);
    assert_int_equal(call_authorise(&f.call), E_FAULT);
    assert_str(f.call.fault.query_code, "MissingAuthenticationToken");
    f.call.principal.kind = PRINCIPAL_USER;
    assert_int_equal(call_authorise(&f.call), OK);
    fixture_fini(&f);
    init_call(&f, 3);
    assert_int_equal(call_authorise(&f.call), OK);
    fixture_fini(&f);
}

// Unsigned calls come in where the model has no authentication, or the service admits some.
static void
test_anonymous(void **state)
{
    static const struct {
        size_t operation;
        bool admits, is_in;
    } rows[] = {{0, false, false}, {0, true, true}, {3, false, true}, {3, true, true}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct service service = *service_registry[0];
        service.admits_anonymous = rows[i].admits;
        init_call(&f, rows[i].operation);
        f.call.service = &service;
        f.call.signature_result = SIGV4_MISSING;
        assert_int_equal(call_authenticate(&f.call), rows[i].is_in ? OK : E_FAULT);
        assert_int_equal(f.call.principal.kind, PRINCIPAL_ANONYMOUS);
        if (!rows[i].is_in)
            assert_str(f.call.fault.query_code, "MissingAuthenticationToken");
        fixture_fini(&f);
    }
}

static void
test_conditions(void **state)
{
    static const struct principal_tag tags[] = {{{"team", 4}, {"blue", 4}}};
    static const struct {
        const char *key, *value;
    } rows[] = {
        {"aws:PrincipalType", "AssumedRole"},
        {"AWS:principaltag/TEAM", "blue"},
        {"aws:PrincipalTag/other", NULL},
        {"aws:PrincipalArn", "arn:aws:iam::000000000000:role/r"},
        {"aws:SecureTransport", "false"},
        {"aws:RequestedRegion", "eu-west-1"},
        {"aws:TokenIssueTime", "2015-08-30T12:36:00Z"},
        {"aws:username", NULL},
        {"aws:ViaAWSService", "false"},
        {"sqs:Whatever", NULL},
    };
    struct fixture f;
    init_call(&f, 0);
    f.call.region = STR("eu-west-1");
    f.call.principal = (struct principal){
        .kind = PRINCIPAL_ROLE_SESSION,
        .issuer_arn = STR("arn:aws:iam::000000000000:role/r"),
        .issued_ms = INT64_C(1440938160000),
        .tags = tags,
        .tag_count = COUNT_OF(tags),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str value = call_condition(&f.call, str_of(rows[i].key));
        assert_int_equal(str_is_present(value), rows[i].value != NULL);
        if (rows[i].value != NULL)
            assert_str(value, rows[i].value);
    }
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorise),         cmocka_unit_test(test_authorise_several),
        cmocka_unit_test(test_authorise_nothing), cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
