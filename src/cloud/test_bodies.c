// Bodies that are not what was promised, from the socket to the service's error.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/timestamp.h"
#include "src/cloud/test_exchange.h"
#include "src/cloud/test_things.h"

enum { ANSWER_BYTES_MAX = 16 * 1024, ANSWER_S_MAX = 60, SHORT_MS = 200 };

#define HELLO_HASH "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define SIGNATURE "0000000000000000000000000000000000000000000000000000000000000000"
#define TRAILER "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
#define CHUNKS "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#define HELLO "5\r\nhello\r\n0\r\n"
#define CRC "x-amz-checksum-crc32:NhCmhg==\r\n\r\n"

static struct fixture f;

struct body {
    const char *hash; // x-amz-content-sha256
    const char *sent;
    size_t missing; // bytes that Content-Length counts too
};

// -- the client

static void
add_headers(struct request *r, const struct body *b)
{
    request_add_header(r, STR("x-amz-content-sha256"), str_of(b->hash));
    request_add_header(r, STR("x-amz-decoded-content-length"), STR("5"));
    if (strcmp(b->hash, TRAILER) == 0)
        request_add_header(r, STR("x-amz-trailer"), STR("x-amz-checksum-crc32"));
}

// `service` NULL: nobody signs.
static struct str
request_for(const char *method, const char *path, const char *service, const struct body *b)
{
    struct request r;
    struct buf out;
    request_init(&f, &r, "text/plain", "", 0);
    add_headers(&r, b);
    r.http.method = str_of(method);
    struct str target = str_of(path);
    if (!str_cut(target, '?', &r.http.path, &r.http.query))
        r.http.query = (struct str){0};
    if (service != NULL)
        request_sign(&r, "test", "test", service);
    buf_init(&out, &f.arena, 1024);
    buf_print(&out, "%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n", method, path,
              strlen(b->sent) + b->missing);
    for (size_t i = 0; i < r.http.header_count; i++)
        buf_print(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(r.headers[i].name),
                  STR_ARG(r.headers[i].value));
    buf_print(&out, "\r\n%s", b->sent);
    return buf_str(&out);
}

static struct str
send_request(struct str request, bool shuts_down)
{
    const struct socket_address *to = &f.options.address;
    struct timeval patience = {.tv_sec = ANSWER_S_MAX};
    char *answer = arena_alloc_bytes(&f.arena, ANSWER_BYTES_MAX);
    size_t len = 0;
    ssize_t n;
    int fd = socket(((const struct sockaddr *)to->storage)->sa_family, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)to->storage, to->storage_len), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(send(fd, request.ptr, request.len, MSG_NOSIGNAL), request.len);
    if (shuts_down)
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while ((n = recv(fd, answer + len, ANSWER_BYTES_MAX - len, 0)) > 0)
        len += (size_t)n;
    close(fd);
    return (struct str){answer, len};
}

static void
expect(struct str answer, const char *status, const char *code, size_t row)
{
    struct str wanted = arena_print(&f.arena, "HTTP/1.1 %s ", status);
    if (!str_starts(answer, wanted) || str_find(answer, str_of(code)) < 0)
        fail_msg("row %zu: no %s with %s in\n" STR_FMT, row, status, code, STR_ARG(answer));
}

static void
start(int64_t timeout_ms)
{
    char problem[256] = "";
    f = (struct fixture){.options.request_timeout_ms = timeout_ms};
    assert_int_equal(fixture_start(&f, "127.0.0.1:0", problem, sizeof(problem)), OK);
}

static int
setup(void **state)
{
    start(0);
    return 0;
}

static int
teardown(void **state)
{
    fixture_fini(&f);
    return 0;
}

// -- what is wrong with a body

static const struct row {
    struct body body;
    const char *s3_status, *s3_code, *json_status, *json_name;
} rows[] = {
    {{TRAILER, HELLO CRC}, "204", "", "204", ""},
    {{"UNSIGNED-PAYLOAD", "hello"}, "204", "", "204", ""},
    {{HELLO_HASH, "hello"}, "204", "", "204", ""},
    // Chunks that are none, too few bytes, too many, and no end.
    {{TRAILER, "zz\r\nhello\r\n0\r\n" CRC},
     "400",
     "<Code>IncompleteBody</Code><Message>The body is not correctly aws-chunked.</Message>",
     "400",
     "SerializationException"},
    {{TRAILER, "5\nhello\n0\n\n"}, "400", "<Code>IncompleteBody<", "400", "SerializationException"},
    {{TRAILER, "4\r\nhell\r\n0\r\n" CRC},
     "400",
     "<Message>The body is not as long as x-amz-decoded-content-length says.</Message>",
     "400",
     "SerializationException"},
    {{TRAILER, "6\r\nhello!\r\n0\r\n" CRC},
     "400",
     "<Code>IncompleteBody<",
     "400",
     "SerializationException"},
    {{TRAILER, HELLO}, "400", "<Code>IncompleteBody<", "400", "SerializationException"},
    {{TRAILER, HELLO CRC "more"}, "400", "<Code>IncompleteBody<", "400", "SerializationException"},
    {{TRAILER, HELLO "x-amz-checksum-crc32:AAAAAA==\r\n\r\n"},
     "400",
     "<Code>BadDigest</Code><Message>The Content-MD5 or checksum value that you specified did not "
     "match what the server received.</Message>",
     "400",
     "InvalidParameterValueException"},
    {{HELLO_HASH, "hellp"},
     "400",
     "<Code>XAmzContentSHA256Mismatch</Code><Message>The provided 'x-amz-content-sha256' header "
     "does not match what was computed.</Message>",
     "403",
     "InvalidSignatureException"},
    {{CHUNKS,
      "5;chunk-signature=" SIGNATURE "\r\nhello\r\n0;chunk-signature=" SIGNATURE "\r\n\r\n"},
     "403",
     "<Code>SignatureDoesNotMatch<",
     "403",
     "InvalidSignatureException"},
};

static void
wrong_streams_get_the_errors_of_their_service(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        things_taken();
        struct str answer = send_request(request_for("PUT", "/box/a", "s3", &r->body), false);
        expect(answer, r->s3_status, r->s3_code, i);
        assert_int_equal(things_taken(), strcmp(r->s3_status, "204") == 0 ? 5 : 0);
        answer = send_request(request_for("PUT", "/box/a", "depot", &r->body), false);
        expect(answer, r->json_status, r->json_name, i);
        assert_int_equal(things_taken(), strcmp(r->json_status, "204") == 0 ? 5 : 0);
    }
}

// Where the body was read before the call.
static void
wrong_bodies_get_them_too(void **state)
{
    for (size_t i = 3; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        struct str answer = send_request(request_for("POST", "/box?delete", "s3", &r->body), false);
        expect(answer, r->s3_status, r->s3_code, i);
    }
}

// -- bodies that do not come

static const struct body missing[] = {{"UNSIGNED-PAYLOAD", "hello", 5}, {TRAILER, HELLO, 40}};

static void
slow_bodies_time_out(void **state)
{
    start(SHORT_MS);
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        struct str answer = send_request(request_for("PUT", "/box/a", "s3", &missing[i]), false);
        expect(answer, "400",
               "<Code>RequestTimeout</Code><Message>Your socket connection to the server was not "
               "read from or written to within the timeout period.</Message>",
               i);
        assert_has(answer, "\r\nConnection: close\r\n");
        answer = send_request(request_for("PUT", "/box/a", "depot", &missing[i]), false);
        expect(answer, "408", "RequestTimeoutException", i);
    }
}

static void
bodies_that_end_early_are_incomplete(void **state)
{
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        struct str answer = send_request(request_for("PUT", "/box/a", "s3", &missing[i]), true);
        expect(answer, "400",
               "<Code>IncompleteBody</Code><Message>You did not provide the number of bytes "
               "specified by the Content-Length HTTP header.</Message>",
               i);
    }
}

// -- nobody's

static void
anonymous_bodies_are_unframed_too(void **state)
{
    static const struct body chunks = {CHUNKS, HELLO "\r\n", 0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        bool is_taken = strcmp(r->s3_status, "204") == 0;
        if (strcmp(r->body.hash, TRAILER) != 0)
            continue;
        things_taken();
        struct str answer = send_request(request_for("PUT", "/box/a", NULL, &r->body), false);
        expect(answer, r->s3_status, r->s3_code, i);
        assert_int_equal(things_taken(), is_taken ? 5 : 0);
    }
    struct str answer = send_request(request_for("PUT", "/box/a", NULL, &chunks), false);
    expect(answer, "400", "<Code>AuthorizationHeaderMalformed<", COUNT_OF(rows));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(wrong_streams_get_the_errors_of_their_service),
        TEST(wrong_bodies_get_them_too),
        TEST(bodies_that_end_early_are_incomplete),
        TEST(anonymous_bodies_are_unframed_too),
        cmocka_unit_test_teardown(slow_bodies_time_out, teardown),
    };
    return cmocka_run_group_tests(tests, things_setup, NULL);
}
