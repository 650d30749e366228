// AWS's own vectors of presigned URLs, and URLs that must not pass.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/test_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SCOPE "Credential=test%2F20150830%2Feu-west-1%2Fsqs%2Faws4_request"
#define DATE "&X-Amz-Date=20150830T123600Z"
#define GOOD "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-" SCOPE DATE "&X-Amz-SignedHeaders=host"

static enum sigv4_result
verify(struct http_request *r, const char *secret, int64_t now_ms, struct str *reason)
{
    struct sigv4 sig;
    enum sigv4_result result = sigv4_parse(r, &sig, reason);
    if (result != SIGV4_OK)
        return result;
    struct sha256 key = sigv4_signing_key(str_of(secret), sig.date, sig.region, sig.service);
    return sigv4_verify(r, &sig, &key, 0, now_ms, reason);
}

static void
check_vector(struct arena *arena, struct str vector)
{
    bool is_s3 = str_find(vector, STR("@s3 ")) >= 0, is_case = str_find(vector, STR("@case ")) >= 0;
    struct http_request *r =
        vector_request(arena, vector_part(vector, "@request\n", "\n@canonical"));
    struct sigv4 sig;
    struct str reason = {0};
    assert_int_equal(sigv4_parse(r, &sig, &reason), SIGV4_OK);
    assert_true(sig.is_in_query);
    if (is_s3)
        sig.service = STR("s3");
    if (is_s3 || is_case)
        assert_str(vector_canonical(r, &sig), vector_part(vector, "@canonical\n", "\n@end"));
    if (!is_s3 &&
        verify(r, VECTOR_SECRET, VECTOR_TIME_MS, &reason) != (is_case ? SIGV4_OK : SIGV4_MISMATCH))
        fail_msg(STR_FMT, STR_ARG(reason));
}

static void
test_vectors(void **state)
{
    struct arena arena;
    arena_init(&arena);
    vectors_run(&arena, TESTDATA "/query.txt", VECTOR_COUNT, check_vector);
    arena_fini(&arena);
}

struct fixture {
    struct arena arena;
    struct http_request request;
    struct header headers[4];
};

static void
fixture_init(struct fixture *f, const char *query)
{
    *f = (struct fixture){.headers[0] = {STR("Host"), STR("127.0.0.1:4566")}};
    arena_init(&f->arena);
    f->request = (struct http_request){
        .method = STR("GET"),
        .path = STR("/000000000000/jobs"),
        .query = str_of(query),
        .headers = f->headers,
        .header_count = 1,
        .body = STR(""),
        .arena = &f->arena,
    };
}

static void
presign(struct fixture *f, const char *service, int64_t expires_s)
{
    f->request.query = sigv4_presign(&f->request, STR("test"), STR("test"), STR("eu-west-1"),
                                     str_of(service), VECTOR_TIME_MS, expires_s);
}

static void
test_changes_are_found(void **state)
{
    for (int change = 0; change < 6; change++) {
        struct fixture f;
        struct str reason;
        fixture_init(&f, "Action=ReceiveMessage&Version=2012-11-05");
        presign(&f, "sqs", 60);
        assert_int_equal(verify(&f.request, "test", VECTOR_TIME_MS, &reason), SIGV4_OK);
        if (change == 0)
            f.request.body = STR("{ }");
        else if (change == 1)
            f.request.method = STR("POST");
        else if (change == 2)
            f.request.path = STR("/000000000000/job");
        else if (change == 3)
            f.request.query = arena_print(&f.arena, "a=b&" STR_FMT, STR_ARG(f.request.query));
        else if (change == 4)
            f.headers[0].value = STR("127.0.0.1:4567");
        else
            f.headers[f.request.header_count++] =
                (struct header){STR("X-Amz-Target"), STR("AmazonSQS.DeleteQueue")};
        assert_int_equal(verify(&f.request, "test", VECTOR_TIME_MS, &reason),
                         change == 5 ? SIGV4_NOT_SIGNED : SIGV4_MISMATCH);
        arena_fini(&f.arena);
    }
}

// S3 keeps to what the URL says, within a week; all others take what is 15 minutes old.
static void
test_times(void **state)
{
    static const struct {
        const char *service;
        int64_t expires_s, after_s;
        enum sigv4_result result;
        const char *reason;
    } rows[] = {
        {"s3", 1, 0, SIGV4_OK, NULL},
        {"s3", 1, 1, SIGV4_OK, NULL},
        {"s3", 1, 2, SIGV4_EXPIRED, "Request has expired"},
        {"s3", 604800, 604800, SIGV4_OK, NULL},
        {"s3", 604800, 604801, SIGV4_EXPIRED, "Request has expired"},
        {"s3", 60, -900, SIGV4_OK, NULL},
        {"s3", 60, -901, SIGV4_EXPIRED, "Request is not yet valid"},
        {"s3", 604801, 0, SIGV4_INCOMPLETE,
         "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
         "must be less than 604800 seconds"},
        {"sqs", 604801, 0, SIGV4_INCOMPLETE,
         "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
         "must be less than 604800 seconds"},
        {"s3", 0, 0, SIGV4_INCOMPLETE, "X-Amz-Expires must be positive"},
        {"sqs", 1, 900, SIGV4_OK, NULL},
        {"sqs", 3600, 901, SIGV4_SKEWED,
         "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z "
         "(20150830T125101Z - 15 min.)"},
        {"sqs", 1, -901, SIGV4_SKEWED,
         "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
         "(20150830T122059Z + 15 min.)"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct str reason = {0};
        fixture_init(&f, "");
        presign(&f, rows[i].service, rows[i].expires_s);
        int64_t now_ms = VECTOR_TIME_MS + rows[i].after_s * 1000;
        assert_int_equal(verify(&f.request, "test", now_ms, &reason), rows[i].result);
        assert_str(reason, str_of(rows[i].reason));
        arena_fini(&f.arena);
    }
}

// S3's URLs are signed before the body is known.
static void
test_body_is_left_out_for_s3(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f, "");
    presign(&f, "s3", 60);
    f.request.body = STR("anything");
    assert_int_equal(verify(&f.request, "test", VECTOR_TIME_MS, &reason), SIGV4_OK);
    f.headers[f.request.header_count++] =
        (struct header){STR("X-Amz-Content-Sha256"), STR("UNSIGNED-PAYLOAD")};
    assert_int_equal(verify(&f.request, "test", VECTOR_TIME_MS, &reason), SIGV4_NOT_SIGNED);
    arena_fini(&f.arena);
}

static void
test_malformed(void **state)
{
    static const struct {
        const char *query;
        enum sigv4_result result;
        const char *reason;
    } rows[] = {
        {"Action=ListQueues", SIGV4_MISSING, NULL},
        {"X-Amz-Target=x&X-Amz-Date=y", SIGV4_MISSING, NULL},
        {"X-Amz-Signature=00", SIGV4_INCOMPLETE,
         "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters "
         "must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Date'. "
         "AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the "
         "query-string parameters."},
        {GOOD, SIGV4_INCOMPLETE,
         "AWS query-string parameters must include 'X-Amz-Signature'. Re-examine the query-string "
         "parameters."},
        {GOOD "&X-Amz-Signature=0&X-Amz-Signature=1", SIGV4_INCOMPLETE,
         "Every X-Amz- query-string parameter of a signature must be encoded correctly and stand "
         "once."},
        {GOOD "&X-Amz-Signature=%zz", SIGV4_INCOMPLETE,
         "Every X-Amz- query-string parameter of a signature must be encoded correctly and stand "
         "once."},
        {GOOD "&X-Amz-Signature=0&X-Amz-Expires=1h", SIGV4_INCOMPLETE,
         "X-Amz-Expires should be a number"},
        {GOOD "&X-Amz-Signature=0&X-Amz-Expires=99999999999999999999", SIGV4_INCOMPLETE,
         "X-Amz-Expires should be a number"},
        {GOOD ";Host&X-Amz-Signature=0", SIGV4_INCOMPLETE,
         "SignedHeaders must be lower case names in order, each once."},
        {"X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-" SCOPE DATE
         "&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
         SIGV4_INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."},
        {"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test" DATE
         "&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
         SIGV4_INCOMPLETE,
         "Credential must have exactly 5 slash-delimited elements, e.g. "
         "keyid/date/region/service/term, got 'test'"},
        {"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-" SCOPE
         "&X-Amz-Date=today&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
         SIGV4_INCOMPLETE,
         "Date must be in ISO-8601 'basic format'. Got 'today'. See "
         "http://en.wikipedia.org/wiki/ISO_8601"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct str reason = {0};
        fixture_init(&f, rows[i].query);
        assert_int_equal(verify(&f.request, "test", VECTOR_TIME_MS, &reason), rows[i].result);
        assert_str(reason, str_of(rows[i].reason));
        arena_fini(&f.arena);
    }
}

static void
test_only_one_signature(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f, "");
    presign(&f, "sqs", 60);
    f.headers[f.request.header_count++] =
        (struct header){STR("Authorization"), STR("AWS4-HMAC-SHA256 Credential=x")};
    assert_int_equal(verify(&f.request, "test", VECTOR_TIME_MS, &reason), SIGV4_INCOMPLETE);
    assert_true(str_starts(reason, STR("Only one auth mechanism allowed; ")));
    arena_fini(&f.arena);
}

// A client may escape what it need not, also in names.
static void
test_escapes(void **state)
{
    struct fixture f;
    struct sigv4 sig;
    struct str reason;
    fixture_init(&f, GOOD "&X-Amz-S%69gnature=ab%63&X-Amz-Security-Token=a%2Bb%3D+");
    assert_int_equal(sigv4_parse(&f.request, &sig, &reason), SIGV4_OK);
    assert_str(sig.signature, STR("abc"));
    assert_str(sig.security_token, STR("a+b=+"));
    assert_str(sig.region, STR("eu-west-1"));
    arena_fini(&f.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_changes_are_found),
        cmocka_unit_test(test_times),     cmocka_unit_test(test_body_is_left_out_for_s3),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_only_one_signature),
        cmocka_unit_test(test_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
