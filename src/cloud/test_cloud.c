// Whole clouds in this process, asked over real sockets with real signatures.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/test_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/cloud/test_fake.h"

enum { LOG_BYTES_MAX = 64 * 1024 };

static void
test_two_clouds(void **state)
{
    struct fixture a, b;
    fixture_init(&a);
    fixture_init(&b);
    assert_int_equal(fake_running(), 2);
    assert_true(a.options.address.port != b.options.address.port);
    assert_has(call_json(&a, "Echo", ECHO), "\r\n\r\n" ECHO);
    assert_has(call_json(&b, "Echo", ECHO), "\r\n\r\n" ECHO);
    fixture_fini(&a);
    assert_int_equal(fake_running(), 1);
    assert_has(call_json(&b, "Echo", ECHO), "\r\n\r\n" ECHO);
    fixture_fini(&b);
    assert_int_equal(fake_running(), 0);
}

static void
test_both_protocols(void **state)
{
    struct fixture f;
    fixture_init(&f);
    struct str response = call_json(&f, "Echo", ECHO);
    assert_status(response, "200");
    assert_has(response, "Content-Type: application/x-amz-json-1.0\r\n");
    assert_has(response, "x-amzn-RequestId: ");
    response = call_query(&f, "Action=Echo&Version=2020-01-01&Text=a+b&Count=2");
    assert_status(response, "200");
    assert_has(response, "Content-Type: text/xml\r\n");
    assert_has(response, "<EchoResult><Text>a b</Text><Count>2</Count></EchoResult>");
    assert_has(call_json(&f, "Nothing", "{}"), "\r\n\r\n{}");
    fixture_fini(&f);
}

// Hashed in the pool; members that the model does not know are left out.
static void
test_large_body(void **state)
{
    enum { PADDING_BYTES = 2 * 1024 * 1024 };
    struct fixture f;
    struct buf body;
    fixture_init(&f);
    buf_init(&body, &f.arena, PADDING_BYTES + 64);
    buf_put(&body, STR("{\"Text\":\"hi\",\"Count\":1,\"Padding\":\""));
    memset(buf_reserve(&body, PADDING_BYTES), 'x', PADDING_BYTES);
    body.len += PADDING_BYTES;
    buf_put(&body, STR("\"}"));
    assert_has(call_json(&f, "Echo", arena_copy_z(&f.arena, buf_str(&body))), "\r\n\r\n" ECHO);
    fixture_fini(&f);
}

static void
test_faults(void **state)
{
    struct fixture f;
    fixture_init(&f);
    struct str response = call_json(&f, "Fail", "{}");
    assert_status(response, "409");
    assert_has(response, "{\"__type\":\"com.amazonaws.fake#FakeBroken\",");
    assert_has(response, "x-amzn-query-error: AWS_Fake_Broken;Sender\r\n");
    response = call_query(&f, "Action=Fail&Version=2020-01-01");
    assert_status(response, "409");
    assert_has(response, "<Message>It is &lt;broken&gt; in eu-west-1.</Message>");
    assert_status(call_json(&f, "Fail", "{\"Code\":-7}"), "503"); // E_FULL
    assert_status(call_json(&f, "Fail", "{\"Code\":-8}"), "500"); // E_IO
    assert_status(call_json(&f, "Fail", "{\"Code\":-4}"), "503"); // E_CONFLICT
    response = call_json(&f, "Unbuilt", "{}");
    assert_status(response, "501");
    assert_has(response, "{\"__type\":\"NotImplemented\",\"message\":\"c10m does not implement "
                         "fake:Unbuilt yet.\"}");
    assert_has(call_json(&f, "Nope", "{}"), "com.amazon.coral.service#UnknownOperationException");
    fixture_fini(&f);
}

// What is wrong with the signature, and how each protocol says it.
static void
test_refusals(void **state)
{
    static const struct {
        const char *key, *secret, *service; // key NULL: unsigned
        int64_t late_ms;
        const char *json_type, *query_code, *text;
    } rows[] = {
        {"test", "wrong", "fake", 0, "InvalidSignatureException", "SignatureDoesNotMatch",
         "The request signature we calculated does not match the signature you provided."},
        {"AKIA", "test", "fake", 0, "UnrecognizedClientException", "InvalidClientTokenId",
         "The security token included in the request is invalid."},
        {NULL, NULL, NULL, 0, "MissingAuthenticationTokenException", "MissingAuthenticationToken",
         "Request is missing Authentication Token"},
        {"test", "test", "fake", 3600 * 1000, "InvalidSignatureException", "SignatureDoesNotMatch",
         "Signature expired: "},
        {"test", "test", "fake", -3600 * 1000, "InvalidSignatureException", "SignatureDoesNotMatch",
         "Signature not yet current: "},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows) * 2; i++) {
        bool is_json = i % 2;
        struct request r;
        request_init(&f, &r,
                     is_json ? "application/x-amz-json-1.0" : "application/x-www-form-urlencoded",
                     is_json ? ECHO : "Action=Unbuilt&Version=2020-01-01", rows[i / 2].late_ms);
        if (is_json)
            request_add_header(&r, STR("X-Amz-Target"), STR("AmazonFake.Unbuilt"));
        if (rows[i / 2].key != NULL)
            request_sign(&r, rows[i / 2].key, rows[i / 2].secret, rows[i / 2].service);
        struct str response = exchange(&f, request_text(&r));
        assert_true(str_starts(response, is_json ? STR("HTTP/1.1 400") : STR("HTTP/1.1 403")));
        assert_true(str_find(response, str_of(rows[i / 2].text)) > 0);
        const char *code = is_json ? rows[i / 2].json_type : rows[i / 2].query_code;
        struct str wanted =
            is_json ? arena_print(&f.arena, "{\"__type\":\"com.amazon.coral.service#%s\",", code)
                    : arena_print(&f.arena, "<Error><Type>Sender</Type><Code>%s</Code>", code);
        assert_true(str_find(response, wanted) > 0);
    }
    fixture_fini(&f);
}

static void
test_wrong_scope(void **state)
{
    struct fixture f;
    struct request r;
    fixture_init(&f);
    request_init(&f, &r, "application/x-amz-json-1.0", ECHO, 0);
    request_add_header(&r, STR("X-Amz-Target"), STR("AmazonFake.Echo"));
    request_sign(&r, "test", "test", "sqs");
    assert_has(exchange(&f, request_text(&r)),
               "\"Credential should be scoped to correct service: 'fake'. \"");
    request_init(&f, &r, "application/x-amz-json-1.0", ECHO, 0);
    request_add_header(&r, STR("X-Amz-Target"), STR("AmazonFake.Echo"));
    request_add_header(&r, STR("X-Amz-Security-Token"), STR("token"));
    request_sign(&r, "test", "test", "fake");
    assert_has(exchange(&f, request_text(&r)), "#UnrecognizedClientException");
    fixture_fini(&f);
}

// A body in chunks, with its checksum behind it: only a service that allows it gets it.
static void
test_chunked_bodies(void **state)
{
    static const struct {
        const char *payload, *body, *answer;
    } rows[] = {
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
         "d\r\n{\"Text\":\"hi\"}\r\n0\r\nx-amz-checksum-crc32:TNtLDw==\r\n\r\n",
         "\r\n\r\n{\"Text\":\"hi\"}"},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
         "d\r\n{\"Text\":\"ho\"}\r\n0\r\nx-amz-checksum-crc32:TNtLDw==\r\n\r\n",
         "InvalidParameterValueException\",\"message\":\"The Content-MD5 or checksum value that "
         "you specified did not match what the server received.\""},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
         "d\r\n{\"Text\":\"hi\"}\r\n0\r\nx-amz-checksum-crc32:TNtLDw==\r\n\r\nmore",
         "\"The chunked body goes on after its end.\""},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "d\r\n{\"Text\":\"hi\"}",
         "\"The chunked body ended too early.\""},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", "InvalidSignatureException"},
        {"UNSIGNED-PAYLOAD", "{\"Text\":\"hi\"}", "InvalidSignatureException"},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct request r;
        request_init(&f, &r, "application/x-amz-json-1.0", rows[i].body, 0);
        request_add_header(&r, STR("X-Amz-Target"), STR("AmazonFake.Echo"));
        request_add_header(&r, STR("X-Amz-Content-Sha256"), str_of(rows[i].payload));
        request_add_header(&r, STR("X-Amz-Decoded-Content-Length"), STR("13"));
        request_add_header(&r, STR("X-Amz-Trailer"), STR("x-amz-checksum-crc32"));
        request_sign(&r, "test", "test", "fake");
        assert_has_at(exchange(&f, request_text(&r)), str_of(rows[i].answer), __LINE__);
    }
    fixture_fini(&f);
}

static struct str
get_presigned(struct fixture *f, const char *secret, const char *service, int64_t late_ms)
{
    struct header host = {STR("Host"), str_of(f->options.address.text)};
    struct http_request r = {.method = STR("GET"),
                             .path = STR("/"),
                             .query = STR("Action=Echo&Version=2020-01-01&Text=hi"),
                             .headers = &host,
                             .header_count = 1,
                             .arena = &f->arena};
    struct str query =
        sigv4_presign(&r, STR("test"), str_of(secret), STR("eu-west-1"), str_of(service),
                      clock_wall_ms(f->cloud->runtime) - late_ms, 60);
    struct str path = arena_print(&f->arena, "/?" STR_FMT, STR_ARG(query));
    return get(f, arena_copy_z(&f->arena, path), "");
}

static void
test_presigned(void **state)
{
    struct fixture f;
    fixture_init(&f);
    struct str response = get_presigned(&f, "test", "fake", 0);
    assert_status(response, "200");
    assert_has(response, "<EchoResult><Text>hi</Text></EchoResult>");
    response = get_presigned(&f, "tesT", "fake", 0);
    assert_status(response, "403");
    assert_has(response, "<Code>SignatureDoesNotMatch</Code>");
    response = get_presigned(&f, "test", "fake", 16 * 60 * 1000);
    assert_status(response, "403");
    assert_has(response, "<Message>Signature expired: ");
    fixture_fini(&f);
}

#define TOKEN "Authorization: Bearer xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"

static void
test_pages(void **state)
{
    struct fixture f;
    fixture_init(&f);
    memset(f.cloud->admin_token, 'x', ADMIN_TOKEN_BYTES_MIN);
    call_json(&f, "Echo", ECHO);
    call_json(&f, "Echo", "{}");
    struct str response = get(&f, "/_c10m/health", "");
    assert_status(response, "200");
    assert_has(response, "{\"status\":\"ok\",");
    assert_has(response, "\"services\":{\"fake\":{\"operations\":4,\"modelled\":5},"
                         "\"guest\":{\"operations\":1,\"modelled\":1}}}");
    response = get(&f, "/_c10m/metrics", TOKEN);
    assert_status(response, "200");
    assert_has(response,
               "c10m_requests_total{service=\"fake\",operation=\"Echo\",status=\"2xx\"} 1\n");
    assert_has(response,
               "c10m_requests_total{service=\"fake\",operation=\"Echo\",status=\"4xx\"} 1\n");
    assert_has(response, "c10m_request_seconds_count{service=\"fake\",operation=\"Echo\"} 2\n");
    assert_has(response, "c10m_kv_commits_total ");
    assert_has(response, "process_resident_memory_bytes ");
    assert_true(str_find(response, STR("operation=\"Fail\"")) < 0);
    assert_has(get(&f, "/_c10m/tasks", TOKEN), "\"live\":");
    assert_status(get(&f, "/_c10m/nope", ""), "404");
    assert_status(get(&f, "/", ""), "400");
    assert_status(get(&f, "/favicon.ico", ""), "404");
    fixture_fini(&f);
}

static void
test_foreign_pages_are_refused(void **state)
{
    struct fixture f;
    fixture_init(&f);
    assert_status(get(&f, "/_c10m/health", "Origin: http://evil.example\r\n"), "403");
    assert_status(get(&f, "/", "Sec-Fetch-Site: cross-site\r\n"), "403");
    fixture_fini(&f);
}

static void
test_bad_starts(void **state)
{
    struct fixture first, second = {0};
    char problem[256];
    fixture_init(&first);
    assert_int_equal(fixture_start(&second, first.options.address.text, problem, sizeof(problem)),
                     E_EXISTS);
    struct str wanted = arena_print(&first.arena,
                                    "cannot listen on %s: the address is in use; stop the other "
                                    "program or choose --listen ADDR:PORT",
                                    first.options.address.text);
    assert_true(str_eq(str_of(problem), wanted));
    arena_fini(&second.arena);
    assert_int_equal(fake_running(), 1);
    second.options.development_keys = DEVELOPMENT_KEYS_ON;
    assert_int_equal(fixture_start(&second, "0.0.0.0:0", problem, sizeof(problem)), E_INVALID);
    assert_has(str_of(problem), "refusing to listen on 0.0.0.0:0 with --development-keys: ");
    arena_fini(&second.arena);
    fixture_fini(&first);
    cloud_free(NULL);
}

static struct str
read_log(struct fixture *f, int fd)
{
    char *text = arena_alloc_bytes(&f->arena, LOG_BYTES_MAX);
    ssize_t len = pread(fd, text, LOG_BYTES_MAX, 0);
    assert_true(len >= 0);
    return (struct str){text, (size_t)len};
}

// What was asked and what came of it, but nothing that was said.
static void
test_log(void **state)
{
    struct fixture f;
    int fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(fd >= 0);
    fixture_init(&f);
    f.cloud->log.fd = fd;
    f.cloud->log.level_min = LOG_DEBUG;
    call_json(&f, "Fail", "{\"Code\":-8,\"More\":\"quince\"}");
    call_json(&f, "Echo", ECHO);
    call_json(&f, "Not one=", "{}");
    cloud_free(f.cloud);
    struct str log = read_log(&f, fd);
    assert_has(log, "level=warn event=request ");
    assert_has(log, "service=fake operation=Fail status=500 fault=InternalFailure ");
    assert_has(log, "level=debug event=request ");
    assert_has(log, "service=fake operation=Echo status=200 fault=- ");
    assert_has(log, "operation=\"Not one=\" status=400 ");
    assert_true(str_find(log, STR("quince")) < 0);
    assert_true(str_find(log, STR("Signature=")) < 0);
    arena_fini(&f.arena);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_clouds), cmocka_unit_test(test_both_protocols),
        cmocka_unit_test(test_large_body), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_wrong_scope),
        cmocka_unit_test(test_presigned),  cmocka_unit_test(test_chunked_bodies),
        cmocka_unit_test(test_pages),      cmocka_unit_test(test_foreign_pages_are_refused),
        cmocka_unit_test(test_bad_starts), cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
