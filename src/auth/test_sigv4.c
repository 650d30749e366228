// AWS's own signing vectors both ways, and requests that must not pass.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/sigv4.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define VECTOR_TIME_MS 1440938160000 // 2015-08-30T12:36:00Z
#define assert_str(actual, expected) assert_str_at((actual), (expected), __LINE__)

enum { VECTORS_BYTES_MAX = 64 * 1024, VECTOR_COUNT = 37 };

static void
assert_str_at(struct str actual, struct str expected, int line)
{
    if (!str_eq(actual, expected))
        fail_msg("line %d:\n" STR_FMT "\nis not\n" STR_FMT, line, STR_ARG(actual),
                 STR_ARG(expected));
}

static struct str
read_vectors(struct arena *arena)
{
    char *bytes = arena_alloc_bytes(arena, VECTORS_BYTES_MAX);
    int fd = open(TESTDATA "/header.txt", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, bytes, VECTORS_BYTES_MAX);
    close(fd);
    assert_in_range(len, 1, VECTORS_BYTES_MAX - 1);
    return (struct str){bytes, (size_t)len};
}

// What stands between two markers.
static struct str
between(struct str text, const char *from, const char *to)
{
    ptrdiff_t start = str_find(text, str_of(from));
    assert_true(start >= 0);
    struct str rest = str_slice(text, (size_t)start + strlen(from), text.len);
    ptrdiff_t end = str_find(rest, str_of(to));
    assert_true(end >= 0);
    return str_slice(rest, 0, (size_t)end);
}

static void
read_target(struct str line, struct http_request *out)
{
    struct str rest;
    str_cut(line, ' ', &out->method, &rest);
    assert_true(str_ends(rest, STR(" HTTP/1.1")));
    out->target = str_slice(rest, 0, rest.len - strlen(" HTTP/1.1"));
    str_cut(out->target, '?', &out->path, &out->query);
}

// Not src/http's parser: some vectors have bytes in their target that it must refuse.
static struct http_request *
read_request(struct arena *arena, struct str text)
{
    struct http_request *r = ARENA_NEW(arena, struct http_request);
    struct str line;
    r->arena = arena;
    r->headers = ARENA_ARRAY(arena, HTTP_HEADERS_MAX, struct http_header);
    str_cut(text, '\n', &line, &text);
    read_target(line, r);
    while (str_cut(text, '\n', &line, &text) || line.len > 0) {
        if (line.len == 0)
            break;
        struct http_header *h = &r->headers[r->header_count++];
        str_cut(line, ':', &h->name, &h->value);
        h->value = str_trim(h->value);
        if (!str_is_present(text))
            break;
    }
    r->body = str_is_present(text) ? text : STR("");
    return r;
}

static struct str
canonical(struct http_request *r, const struct sigv4_header *h)
{
    struct buf out;
    buf_init(&out, r->arena, 0);
    sigv4_canonical_request(r, h, &out);
    return buf_str(&out);
}

static enum sigv4_result
verify(struct http_request *r, const char *secret, int64_t now_ms, struct str *reason)
{
    struct sigv4_header h;
    enum sigv4_result result = sigv4_parse(r, &h, reason);
    if (result != SIGV4_OK)
        return result;
    struct sha256 key = sigv4_signing_key(str_of(secret), h.date, h.region, h.service);
    return sigv4_verify(r, &h, &key, now_ms, reason);
}

static void
check_signature(struct http_request *r, const struct sigv4_header *h)
{
    struct str reason = {0};
    if (verify(r, SECRET, VECTOR_TIME_MS, &reason) != SIGV4_OK)
        fail_msg(STR_FMT, STR_ARG(reason));
    assert_str(sigv4_authorization(r, h->access_key, STR(SECRET), h->region, h->service),
               http_request_header(r, STR("authorization")));
}

static void
check_vector(struct arena *arena, struct str vector)
{
    bool is_s3 = str_find(vector, STR("@s3 ")) >= 0;
    struct http_request *r = read_request(arena, between(vector, "@request\n", "\n@canonical"));
    struct sigv4_header h;
    struct str reason;
    assert_int_equal(sigv4_parse(r, &h, &reason), SIGV4_OK);
    if (is_s3)
        h.service = STR("s3");
    assert_str(canonical(r, &h), between(vector, "@canonical\n", "\n@end"));
    if (str_find(vector, STR("@case ")) >= 0)
        check_signature(r, &h);
    else if (!is_s3)
        assert_int_equal(verify(r, SECRET, VECTOR_TIME_MS, &reason), SIGV4_MISMATCH);
}

static void
test_vectors(void **state)
{
    struct arena arena;
    arena_init(&arena);
    struct str text = read_vectors(&arena);
    int count = 0;
    for (ptrdiff_t at; (at = str_find(text, STR("\n@end\n"))) >= 0; count++) {
        struct str vector = str_slice(text, 0, (size_t)at + strlen("\n@end\n"));
        vector = str_slice(vector, (size_t)str_find(vector, STR("\n@")), vector.len);
        check_vector(&arena, vector);
        text = str_slice(text, (size_t)at + strlen("\n@end"), text.len);
    }
    assert_int_equal(count, VECTOR_COUNT);
    arena_fini(&arena);
}

// A request as a client would send it, signed; what is changed after that is the test's.
struct fixture {
    struct arena arena;
    struct http_request request;
    struct http_header headers[8];
};

static void
add_header(struct fixture *f, const char *name, const char *value)
{
    f->headers[f->request.header_count++] = (struct http_header){str_of(name), str_of(value)};
}

static void
sign(struct fixture *f)
{
    struct str value =
        sigv4_authorization(&f->request, STR("test"), STR("test"), STR("eu-west-1"), STR("sqs"));
    f->headers[f->request.header_count++] = (struct http_header){STR("Authorization"), value};
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
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_MISMATCH);
    assert_str(reason, STR("'X-AMZ-Extra' must be a 'SignedHeader' in the AWS Authorization."));
    arena_fini(&f.arena);

    fixture_init(&f);
    f.headers[0].name = STR("X-Host");
    sign(&f);
    add_header(&f, "Host", "127.0.0.1:4566");
    assert_int_equal(verify_fixture(&f, &reason), SIGV4_MISMATCH);
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
    struct sigv4_header h;
    struct str reason;
    fixture_init(&f);
    f.headers[1] = (struct http_header){STR("Date"), STR("Sun, 30 Aug 2015 12:36:00 GMT")};
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
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", SIGV4_MISMATCH,
         SIGV4_PAYLOAD_HASHED},
        {"UNSIGNED-PAYLOAD", SIGV4_MISMATCH, SIGV4_PAYLOAD_UNSIGNED},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIGV4_MISMATCH, SIGV4_PAYLOAD_STREAMED},
        {"", SIGV4_MISMATCH, SIGV4_PAYLOAD_HASHED},
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
#define NO_HEADERS "Authorization header requires 'SignedHeaders' parameter. "

static void
test_incomplete(void **state)
{
    static const struct {
        const char *authorization;
        const char *reason;
    } rows[] = {
        {"Basic dGVzdDp0ZXN0",
         NO_CREDENTIAL NO_SIGNATURE NO_HEADERS "Authorization=Basic dGVzdDp0ZXN0"},
        {"", NO_CREDENTIAL NO_SIGNATURE NO_HEADERS "Authorization="},
        {"AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host",
         NO_SIGNATURE "Authorization=AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host"},
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
                                       "'X-Amz-Date' or a 'Date' header. Authorization=AWS4")));
    f.headers[1] = (struct http_header){STR("X-Amz-Date"), STR("today")};
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
    struct sigv4_header h = {.service = STR("sqs"), .signed_headers = STR("host")};
    fixture_init(&f);
    f.request.path = STR("/a%20b/%zz");
    f.request.query = STR("&b=x+y&b=%7e&&a&c=%");
    struct str text = canonical(&f.request, &h);
    assert_true(str_starts(text, STR("POST\n/a%2520b/%25zz\na=&b=x%2By&b=~&c=%25\nhost:")));
    h.service = STR("s3");
    f.request.path = STR("/a%20b//!");
    text = canonical(&f.request, &h);
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
