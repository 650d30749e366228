// What clients are told of a signature that is not good: S3 in its words and with its fields,
// others in theirs. The messages are AWS's own, as reports of its users show them.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/signature_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/base/encoding.h"
#include "src/base/timestamp.h"
#include "src/cloud/test_exchange.h"
#include "src/cloud/test_things.h"

#define SECRET "test"
#define HELLO_HASH "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MISMATCH "The request signature we calculated does not match the signature you provided. "

// A GET of /box/5 as a client makes it, that is to be changed, signed and sent.
static void
get_thing(struct request *r, int64_t late_ms)
{
    request_init(&things_cloud, r, "text/plain", "", late_ms);
    r->http.method = STR("GET");
    r->http.path = STR("/box/5");
}

static struct str
send_to(struct request *r)
{
    return exchange(&things_cloud, request_text(r));
}

static struct str
signed_with(const char *service, const char *key, const char *secret, int64_t late_ms)
{
    struct request r;
    get_thing(&r, late_ms);
    request_sign(&r, key, secret, service);
    return send_to(&r);
}

static struct str
with_lines(struct str text)
{
    struct buf out;
    struct str escape = STR("&#xA;");
    buf_init(&out, &things_cloud.arena, text.len + 1);
    for (ptrdiff_t at; (at = str_find(text, escape)) >= 0;) {
        buf_put(&out, str_slice(text, 0, (size_t)at));
        buf_put_char(&out, '\n');
        text = str_slice(text, (size_t)at + escape.len, text.len);
    }
    buf_put(&out, text);
    return buf_str(&out);
}

// What stands between <name> and </name>.
static struct str
element(struct str answer, const char *name)
{
    struct str begin = arena_print(&things_cloud.arena, "<%s>", name);
    struct str end = arena_print(&things_cloud.arena, "</%s>", name);
    ptrdiff_t at = str_find(answer, begin);
    if (at < 0)
        fail_msg("no %s in " STR_FMT, name, STR_ARG(answer));
    struct str rest = str_slice(answer, (size_t)at + begin.len, answer.len);
    ptrdiff_t len = str_find(rest, end);
    assert_true(len >= 0);
    return with_lines(str_slice(rest, 0, (size_t)len));
}

static void
assert_element(struct str answer, const char *name, const char *expected)
{
    assert_string_equal(arena_copy_z(&things_cloud.arena, element(answer, name)), expected);
}

static void
assert_error(struct str answer, const char *status, const char *code, const char *message)
{
    struct str begin = arena_print(&things_cloud.arena, "HTTP/1.1 %s ", status);
    if (!str_starts(answer, begin))
        fail_msg("not %s: " STR_FMT, status, STR_ARG(answer));
    assert_element(answer, "Code", code);
    assert_element(answer, "Message", message);
    assert_true(element(answer, "RequestId").len > 0);
    assert_true(element(answer, "HostId").len > 0);
}

static void
s3_shows_what_it_signed(void **state)
{
    struct str answer = signed_with("s3", "test", "guess-of-a-secret", 0);
    assert_error(answer, "403", "SignatureDoesNotMatch",
                 MISMATCH "Check your key and signing method.");
    assert_element(answer, "AWSAccessKeyId", "test");
    assert_int_equal(element(answer, "SignatureProvided").len, 64);
    struct str to_sign = element(answer, "StringToSign");
    struct str canonical = element(answer, "CanonicalRequest");
    assert_true(str_starts(to_sign, STR("AWS4-HMAC-SHA256\n2")));
    assert_has(to_sign, "/eu-west-1/s3/aws4_request\n");
    assert_true(str_starts(canonical, STR("GET\n/box/5\n\ncontent-type:text/plain\nhost:")));
    assert_true(str_ends(canonical, STR("\n\ncontent-type;host;x-amz-date\n" EMPTY_HASH)));
    // The string to sign is of that canonical request.
    char hex[2 * SHA256_BYTES];
    struct sha256 hash = sha256_of(canonical);
    hex_encode(hash.bytes, SHA256_BYTES, hex);
    assert_true(str_ends(to_sign, (struct str){hex, sizeof(hex)}));
    struct str bytes = element(answer, "StringToSignBytes");
    assert_true(str_starts(bytes, STR("41 57 53 34 2d 48 4d 41 43 2d 53 48 41 32 35 36 0a 32")));
    assert_int_equal(bytes.len, 3 * to_sign.len - 1);
    bytes = element(answer, "CanonicalRequestBytes");
    assert_true(str_starts(bytes, STR("47 45 54 0a 2f 62 6f 78")));
    assert_int_equal(bytes.len, 3 * canonical.len - 1);
    assert_true(str_find(answer, STR("guess-of-a-secret")) < 0);
}

static void
s3_tells_the_key(void **state)
{
    struct str answer = signed_with("s3", "AKIANOBODY", SECRET, 0);
    assert_error(answer, "403", "InvalidAccessKeyId",
                 "The AWS Access Key Id you provided does not exist in our records.");
    assert_element(answer, "AWSAccessKeyId", "AKIANOBODY");
}

static void
s3_tells_the_time(void **state)
{
    struct str answer = signed_with("s3", "test", SECRET, SIGV4_SKEW_MS_MAX + 60 * 1000);
    int64_t sent_ms, server_ms, now_ms = clock_wall_ms(things_cloud.cloud->runtime);
    assert_error(answer, "403", "RequestTimeTooSkewed",
                 "The difference between the request time and the current time is too large.");
    assert_int_equal(timestamp_parse_basic(element(answer, "RequestTime"), &sent_ms), OK);
    assert_int_equal(timestamp_parse_iso(element(answer, "ServerTime"), &server_ms), OK);
    assert_int_equal(element(answer, "ServerTime").len, sizeof("2025-09-03T16:21:50Z") - 1);
    assert_true(now_ms - server_ms >= 0 && now_ms - server_ms < 60 * 1000);
    assert_true(server_ms - sent_ms > SIGV4_SKEW_MS_MAX);
    assert_element(answer, "MaxAllowedSkewMilliseconds", "900000");
}

static struct str
presigned(int64_t signed_ms, const char *expires)
{
    struct request r;
    get_thing(&r, 0);
    r.http.header_count = 1; // Host
    r.http.query = sigv4_presign(&r.http, STR("test"), STR(SECRET), STR("eu-west-1"), STR("s3"),
                                 signed_ms, 60);
    if (expires != NULL) {
        struct str name = STR("X-Amz-Expires="), query = r.http.query;
        size_t at = (size_t)str_find(query, name) + name.len;
        r.http.query =
            arena_print(&things_cloud.arena, STR_FMT "%s" STR_FMT, STR_ARG(str_slice(query, 0, at)),
                        expires, STR_ARG(str_slice(query, at + strlen("60"), query.len)));
    }
    return send_to(&r);
}

static void
s3_tells_when_a_url_ends(void **state)
{
    int64_t end_ms, server_ms, now_ms = clock_wall_ms(things_cloud.cloud->runtime);
    struct str answer = presigned(now_ms - 3600 * 1000, NULL);
    assert_error(answer, "403", "AccessDenied", "Request has expired");
    assert_element(answer, "X-Amz-Expires", "60");
    assert_int_equal(timestamp_parse_iso(element(answer, "Expires"), &end_ms), OK);
    assert_int_equal(timestamp_parse_iso(element(answer, "ServerTime"), &server_ms), OK);
    assert_int_equal(end_ms, (now_ms - 3600 * 1000) / 1000 * 1000 + 60 * 1000);
    assert_true(server_ms > end_ms);

    answer = presigned(now_ms + 3600 * 1000, NULL);
    assert_error(answer, "403", "AccessDenied", "Request is not yet valid");
    int64_t since_ms = (now_ms / 1000 + 3600) * 1000;
    struct str since = arena_print(&things_cloud.arena, "%lld", (long long)since_ms);
    assert_true(str_eq(element(answer, "X-Amz-Date"), since));
    assert_true(element(answer, "Expires").len > 0 && element(answer, "ServerTime").len > 0);

    assert_error(presigned(now_ms, "x"), "400", "AuthorizationQueryParametersError",
                 "X-Amz-Expires should be a number");
}

static void
s3_tells_what_is_malformed(void **state)
{
    struct request r;
    get_thing(&r, 0);
    request_add_header(&r, STR("Authorization"), STR("AWS4-HMAC-SHA256 Credential=a/b"));
    struct str answer = send_to(&r);
    assert_true(str_starts(answer, STR("HTTP/1.1 400 ")));
    assert_element(answer, "Code", "AuthorizationHeaderMalformed");
    assert_true(
        str_starts(element(answer, "Message"), STR("The authorization header is malformed; ")));

    get_thing(&r, 0);
    request_sign(&r, "test", SECRET, "s3");
    request_add_header(&r, STR("x-amz-acl"), STR("private"));
    request_add_header(&r, STR("x-amz-tagging"), STR("a=b"));
    answer = send_to(&r);
    assert_error(answer, "403", "AccessDenied",
                 "There were headers present in the request which were not signed");
    assert_element(answer, "HeadersNotSigned", "x-amz-acl, x-amz-tagging");
}

static void
s3_tells_both_hashes(void **state)
{
    struct request r;
    request_init(&things_cloud, &r, "text/plain", "hello", 0);
    r.http.method = STR("PUT");
    r.http.path = STR("/box/a");
    request_add_header(&r, STR("x-amz-content-sha256"), STR(EMPTY_HASH));
    request_sign(&r, "test", SECRET, "s3");
    struct str answer = send_to(&r);
    assert_error(answer, "400", "XAmzContentSHA256Mismatch",
                 "The provided 'x-amz-content-sha256' header does not match what was computed.");
    assert_element(answer, "ClientComputedContentSHA256", EMPTY_HASH);
    assert_element(answer, "S3ComputedContentSHA256", HELLO_HASH);
}

// A body that is only hashed as it passes shows in the canonical request that was wanted.
static void
s3_shows_a_body_that_was_read(void **state)
{
    struct request r;
    request_init(&things_cloud, &r, "text/plain", "other", 0);
    r.http.method = STR("PUT");
    r.http.path = STR("/box/a");
    request_sign(&r, "test", SECRET, "s3");
    r.http.body = STR("hello");
    struct str answer = send_to(&r);
    assert_error(answer, "403", "SignatureDoesNotMatch",
                 MISMATCH "Check your key and signing method.");
    assert_true(str_ends(element(answer, "CanonicalRequest"), STR("\n" HELLO_HASH)));
}

// The host of another region: S3 says which one is right, in the header's words and the URL's.
static void
s3_tells_the_region(void **state)
{
    struct request r;
    get_thing(&r, 0);
    r.headers[0].value = STR("s3.us-west-2.localhost:4566");
    request_sign(&r, "test", SECRET, "s3");
    struct str answer = send_to(&r);
    assert_error(answer, "400", "AuthorizationHeaderMalformed",
                 "The authorization header is malformed; the region 'eu-west-1' is wrong; "
                 "expecting 'us-west-2'");
    assert_element(answer, "Region", "us-west-2");

    get_thing(&r, 0);
    r.headers[0].value = STR("s3.us-west-2.localhost.localstack.cloud:4566");
    r.http.header_count = 1;
    r.http.query = sigv4_presign(&r.http, STR("test"), STR(SECRET), STR("eu-west-1"), STR("s3"),
                                 clock_wall_ms(things_cloud.cloud->runtime), 60);
    answer = send_to(&r);
    assert_error(answer, "400", "AuthorizationQueryParametersError",
                 "Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; "
                 "expecting 'us-west-2'");
    assert_element(answer, "Region", "us-west-2");
}

static void
others_have_it_in_the_message(void **state)
{
    struct str answer = signed_with("depot", "test", "guess-of-a-secret", 0);
    assert_status(answer, "403");
    assert_has(answer, "x-amzn-ErrorType: InvalidSignatureException");
    assert_has(answer, "\"message\":\"" MISMATCH "Check your AWS Secret Access Key and signing "
                       "method. Consult the service documentation for details.\\n\\nThe Canonical "
                       "String for this request should have been\\n'GET\\n/box/5\\n\\n");
    assert_has(answer, "'\\n\\nThe String-to-Sign should have been\\n'AWS4-HMAC-SHA256\\n");
    assert_true(str_find(answer, STR("guess-of-a-secret")) < 0);

    answer = signed_with("depot", "AKIANOBODY", SECRET, 0);
    assert_status(answer, "403");
    assert_has(answer, "x-amzn-ErrorType: UnrecognizedClientException");
    assert_has(answer, "The security token included in the request is invalid.");
    answer = signed_with("depot", "test", SECRET, SIGV4_SKEW_MS_MAX + 60 * 1000);
    assert_has(answer, "\"message\":\"Signature expired: 2");
    assert_has(answer, "Z is now earlier than 2");
    assert_has(answer, "Z - 15 min.)\"");
    answer = signed_with("depot", "test", SECRET, -SIGV4_SKEW_MS_MAX - 60 * 1000);
    assert_has(answer, "\"message\":\"Signature not yet current: 2");
    assert_has(answer, "Z + 15 min.)\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_shows_what_it_signed),
        cmocka_unit_test(s3_tells_the_key),
        cmocka_unit_test(s3_tells_the_time),
        cmocka_unit_test(s3_tells_when_a_url_ends),
        cmocka_unit_test(s3_tells_what_is_malformed),
        cmocka_unit_test(s3_tells_both_hashes),
        cmocka_unit_test(s3_shows_a_body_that_was_read),
        cmocka_unit_test(s3_tells_the_region),
        cmocka_unit_test(others_have_it_in_the_message),
    };
    return cmocka_run_group_tests(tests, things_cloud_setup, things_cloud_teardown);
}
