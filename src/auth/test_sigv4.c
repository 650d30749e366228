// AWS's own signing vectors both ways, and requests that must not pass.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/test_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECRET VECTOR_SECRET

static enum sigv4_result
verify(struct http_request *r, const char *secret, int64_t now_ms, struct str *reason)
{
    unsigned payloads = 1u << SIGV4_PAYLOAD_CHUNKS_TRAILER;
    struct sigv4 h;
    enum sigv4_result result = sigv4_parse(r, &h, reason);
    if (result != SIGV4_OK)
        return result;
    struct sha256 key = sigv4_signing_key(str_of(secret), h.date, h.region, h.service);
    return sigv4_verify(r, &h, &key, payloads, now_ms, reason);
}

static void
check_signature(struct http_request *r, const struct sigv4 *sig)
{
    struct str reason = {0};
    if (verify(r, SECRET, VECTOR_TIME_MS, &reason) != SIGV4_OK)
        fail_msg(STR_FMT, STR_ARG(reason));
    assert_str(sigv4_authorization(r, sig->access_key, STR(SECRET), sig->region, sig->service),
               http_request_header(r, STR("authorization")));
}

static void
check_vector(struct arena *arena, struct str vector)
{
    bool is_s3 = str_find(vector, STR("@s3 ")) >= 0;
    struct http_request *r =
        vector_request(arena, vector_part(vector, "@request\n", "\n@canonical"));
    struct sigv4 h;
    struct str reason;
    assert_int_equal(sigv4_parse(r, &h, &reason), SIGV4_OK);
    if (is_s3)
        h.service = STR("s3");
    assert_str(vector_canonical(r, &h), vector_part(vector, "@canonical\n", "\n@end"));
    if (str_find(vector, STR("@case ")) >= 0)
        check_signature(r, &h);
    else if (!is_s3)
        assert_int_equal(verify(r, SECRET, VECTOR_TIME_MS, &reason),
                         sigv4_headers_not_signed(r, &h).len > 0 ? SIGV4_NOT_SIGNED
                                                                 : SIGV4_MISMATCH);
}

static void
test_vectors(void **state)
{
    struct arena arena;
    arena_init(&arena);
    vectors_run(&arena, TESTDATA "/header.txt", VECTOR_COUNT, check_vector);
    arena_fini(&arena);
}

// A request as a client would send it, signed; what is changed after that is the test's.
struct fixture {
    struct arena arena;
    struct http_request request;
    struct header headers[8];
};

static void
add_header(struct fixture *f, const char *name, const char *value)
{
    f->headers[f->request.header_count++] = (struct header){str_of(name), str_of(value)};
}

static void
sign(struct fixture *f)
{
    struct str value =
        sigv4_authorization(&f->request, STR("test"), STR("test"), STR("eu-west-1"), STR("sqs"));
    f->headers[f->request.header_count++] = (struct header){STR("Authorization"), value};
}

static void
fixture_init(struct fixture *f)
{
    *f = (struct fixture){0};
    arena_init(&f->arena);
    f->request = (struct http_request){
        .method = STR("POST"),
        .path = STR("/"),
        .headers = f->headers,
        .body = STR("{}"),
        .arena = &f->arena,
    };
    add_header(f, "Host", "127.0.0.1:4566");
    add_header(f, "X-Amz-Date", "20150830T123600Z");
    add_header(f, "X-Amz-Target", "AmazonSQS.ListQueues");
}

static enum sigv4_result
verify_fixture(struct fixture *f, struct str *reason)
{
    return verify(&f->request, "test", VECTOR_TIME_MS, reason);
}

static void
test_changes_are_found(void **state)
{
    for (int change = 0; change < 6; change++) {
        struct fixture f;
        struct str reason;
        fixture_init(&f);
        sign(&f);
        assert_int_equal(verify_fixture(&f, &reason), SIGV4_OK);
        if (change == 0)
            f.request.body = STR("{ }");
        else if (change == 1)
            f.request.method = STR("GET");
        else if (change == 2)
            f.request.path = STR("/queue");
        else if (change == 3)
            f.request.query = STR("a=b");
        else if (change == 4)
            f.headers[2].value = STR("AmazonSQS.DeleteQueue");
        else
            add_header(&f, "x-amz-target", "AmazonSQS.DeleteQueue");
        assert_int_equal(verify_fixture(&f, &reason), SIGV4_MISMATCH);
        arena_fini(&f.arena);
    }
}

static void
test_wrong_secret_explains(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f);
    sign(&f);
    assert_int_equal(verify(&f.request, "tesT", VECTOR_TIME_MS, &reason), SIGV4_MISMATCH);
    assert_true(str_starts(reason, STR("The request signature we calculated does not match")));
    assert_true(str_find(reason, STR("should have been\n'POST\n/\n\nhost:127.0.0.1:4566\n")) > 0);
    assert_true(str_find(reason, STR("\n20150830/eu-west-1/sqs/aws4_request\n")) > 0);
    arena_fini(&f.arena);
}

static void
test_unsigned_headers_are_refused(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f);
    sign(&f);
    add_header(&f, "X-AMZ-Extra", "1");
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_NOT_SIGNED);
    struct sigv4 sig;
    assert_int_equal(sigv4_parse(&f.request, &sig, &reason), SIGV4_OK);
    assert_str(sigv4_headers_not_signed(&f.request, &sig), STR("X-AMZ-Extra"));
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_NOT_SIGNED);
    assert_str(reason, STR("'X-AMZ-Extra' must be a 'SignedHeader' in the AWS Authorization."));
    arena_fini(&f.arena);

    fixture_init(&f);
    f.headers[0].name = STR("X-Host");
    sign(&f);
    add_header(&f, "Host", "127.0.0.1:4566");
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_NOT_SIGNED);
    assert_str(reason,
               STR("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    arena_fini(&f.arena);
}

static void
test_signed_header_must_be_sent(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f);
    add_header(&f, "Zeta", "");
    sign(&f);
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_OK);
    f.headers[3].name = STR("Other");
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_MISMATCH);
    assert_str(reason, STR("The signed header 'zeta' is not in the request."));
    arena_fini(&f.arena);
}

static void
test_time_limits(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f);
    sign(&f);
    int64_t late = VECTOR_TIME_MS + SIGV4_SKEW_MS_MAX, early = VECTOR_TIME_MS - SIGV4_SKEW_MS_MAX;
    assert_int_equal(verify(&f.request, "test", late, &reason), SIGV4_OK);
    assert_int_equal(verify(&f.request, "test", early, &reason), SIGV4_OK);
    assert_int_equal(verify(&f.request, "test", late + 1000, &reason), SIGV4_SKEWED);
    assert_str(reason, STR("Signature expired: 20150830T123600Z is now earlier than "
                           "20150830T123601Z (20150830T125101Z - 15 min.)"));
    assert_int_equal(verify(&f.request, "test", early - 1000, &reason), SIGV4_SKEWED);
    assert_str(reason, STR("Signature not yet current: 20150830T123600Z is still later than "
                           "20150830T123559Z (20150830T122059Z + 15 min.)"));
    arena_fini(&f.arena);
}

static void
test_http_date(void **state)
{
    struct fixture f;
    struct sigv4 h;
    struct str reason;
    fixture_init(&f);
    f.headers[1] = (struct header){STR("Date"), STR("Sun, 30 Aug 2015 12:36:00 GMT")};
    add_header(&f, "Authorization",
               "AWS4-HMAC-SHA256 Credential=test/20150830/us-east-1/sqs/aws4_request,"
               "SignedHeaders=date;host,Signature=00");
    assert_int_equal(sigv4_parse(&f.request, &h, &reason), SIGV4_OK);
    assert_str(h.timestamp, STR("20150830T123600Z"));
    assert_int_equal(h.timestamp_ms, VECTOR_TIME_MS);
    arena_fini(&f.arena);
}

static void
test_scope_date_must_match(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f);
    add_header(&f, "Authorization",
               "AWS4-HMAC-SHA256 Credential=test/20150829/us-east-1/sqs/aws4_request, "
               "SignedHeaders=host;x-amz-date;x-amz-target, Signature=00");
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_SCOPE);
    assert_str(reason, STR("Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                           "of date from HTTP: '20150829' != '20150830', from "
                           "'20150830T123600Z'."));
    arena_fini(&f.arena);
}

static void
test_payload_hash(void **state)
{
    static const struct {
        const char *hash;
        enum sigv4_result result;
        enum sigv4_payload payload;
    } rows[] = {
        {"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", SIGV4_OK,
         SIGV4_PAYLOAD_HASHED},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", SIGV4_BODY_HASH,
         SIGV4_PAYLOAD_HASHED},
        {"UNSIGNED-PAYLOAD", SIGV4_MISMATCH, SIGV4_PAYLOAD_UNSIGNED},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIGV4_MISMATCH, SIGV4_PAYLOAD_CHUNKS},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SIGV4_OK, SIGV4_PAYLOAD_CHUNKS_TRAILER},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", SIGV4_MISMATCH, SIGV4_PAYLOAD_UNSIGNED_TRAILER},
        {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", SIGV4_MISMATCH, SIGV4_PAYLOAD_UNKNOWN},
        {"", SIGV4_BODY_HASH, SIGV4_PAYLOAD_HASHED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct str reason;
        fixture_init(&f);
        add_header(&f, "X-Amz-Content-Sha256", rows[i].hash);
        sign(&f);
        assert_int_equal(verify_fixture(&f, &reason), rows[i].result);
        assert_int_equal(sigv4_payload_of(&f.request), rows[i].payload);
        arena_fini(&f.arena);
    }
}

#define SCOPE "Credential=test/20150830/us-east-1/sqs/aws4_request"
#define NO_CREDENTIAL "Authorization header requires 'Credential' parameter. "
#define NO_SIGNATURE "Authorization header requires 'Signature' parameter. "
#define HASHED "(Hashed with SHA-256 and encoded with Base64) Authorization="
#define NO_HEADERS "Authorization header requires 'SignedHeaders' parameter. "

static void
test_incomplete(void **state)
{
    static const struct {
        const char *authorization;
        const char *reason;
    } rows[] = {
        {"Basic dGVzdDp0ZXN0", NO_CREDENTIAL NO_SIGNATURE NO_HEADERS HASHED
         "ftHj2XEdJa2J+fnNIV9+OgM0nK+fO/OaP4bL/bc4KVg="},
        {"", NO_CREDENTIAL NO_SIGNATURE NO_HEADERS HASHED
         "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
        {"AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host",
         NO_SIGNATURE HASHED "/DudKYYvj5KLsPjHdhvPkkn4G0cVtabQ2sfqwDPT124="},
        {"AWS4-HMAC-SHA256 Credential=test/20150830/us-east-1/sqs, SignedHeaders=host, Signature=0",
         "Credential must have exactly 5 slash-delimited elements, e.g. "
         "keyid/date/region/service/term, got 'test/20150830/us-east-1/sqs'"},
        {"AWS4-HMAC-SHA256 Credential=test/1/2/3//, SignedHeaders=host, Signature=0",
         "Credential must have exactly 5 slash-delimited elements, e.g. "
         "keyid/date/region/service/term, got 'test/1/2/3//'"},
        {"AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host;host, Signature=0",
         "SignedHeaders must be lower case names in order, each once."},
        {"AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=Host, Signature=0",
         "SignedHeaders must be lower case names in order, each once."},
        {"AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host;, Signature=0",
         "SignedHeaders must be lower case names in order, each once."},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct str reason;
        fixture_init(&f);
        add_header(&f, "authorization", rows[i].authorization);
        assert_int_equal(verify_fixture(&f, &reason), SIGV4_INCOMPLETE);
        assert_str(reason, str_of(rows[i].reason));
        arena_fini(&f.arena);
    }
}

static void
test_missing(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f);
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_MISSING);
    sign(&f);
    f.headers[1].name = STR("X-Amz-When");
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_INCOMPLETE);
    assert_true(str_starts(reason, STR("Authorization header requires existence of either a "
                                       "'X-Amz-Date' or a 'Date' header. " HASHED)));
    f.headers[1] = (struct header){STR("X-Amz-Date"), STR("today")};
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_INCOMPLETE);
    assert_true(str_starts(reason, STR("Date must be in ISO-8601 'basic format'. Got 'today'.")));
    arena_fini(&f.arena);
}

static void
test_wrong_terminator(void **state)
{
    struct fixture f;
    struct str reason;
    fixture_init(&f);
    add_header(&f, "Authorization",
               "AWS4-HMAC-SHA256 Credential=test/20150830/us-east-1/sqs/aws5_request, "
               "SignedHeaders=host, Signature=00");
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_SCOPE);
    arena_fini(&f.arena);
}

// Escapes of a path are encoded again, but for S3; query values are brought to one form.
static void
test_escapes(void **state)
{
    struct fixture f;
    struct sigv4 h = {.service = STR("sqs"), .signed_headers = STR("host")};
    fixture_init(&f);
    f.request.path = STR("/a%20b/%zz");
    f.request.query = STR("&b=x+y&b=%7e&&a&c=%");
    struct str text = vector_canonical(&f.request, &h);
    assert_true(str_starts(text, STR("POST\n/a%2520b/%25zz\na=&b=x%2By&b=~&c=%25\nhost:")));
    h.service = STR("s3");
    f.request.path = STR("/a%20b//!");
    text = vector_canonical(&f.request, &h);
    assert_true(str_starts(text, STR("POST\n/a%20b//%21\n")));
    arena_fini(&f.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_changes_are_found),
        cmocka_unit_test(test_wrong_secret_explains),
        cmocka_unit_test(test_unsigned_headers_are_refused),
        cmocka_unit_test(test_signed_header_must_be_sent),
        cmocka_unit_test(test_time_limits),
        cmocka_unit_test(test_http_date),
        cmocka_unit_test(test_scope_date_must_match),
        cmocka_unit_test(test_payload_hash),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_wrong_terminator),
        cmocka_unit_test(test_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
