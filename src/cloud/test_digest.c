// Content-MD5 and x-amz-checksum-* from the socket to S3's errors.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/cloud/test_exchange.h"
#include "src/cloud/test_things.h"

#define MD5 "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n"
#define OTHER_MD5 "Content-MD5: AUFAKrxLKna5cZ2REBfFkg==\r\n"
#define CRC32 "x-amz-checksum-crc32: NhCmhg==\r\n"
#define OTHER_CRC32 "x-amz-checksum-crc32: AhCmhg==\r\n"
#define WRONG                                                                                      \
    "<Code>BadDigest</Code><Message>The Content-MD5 or checksum value that you specified did not " \
    "match what the server received.</Message>"
#define BOTH_DIGESTS                                                                               \
    "<ExpectedDigest>AUFAKrxLKna5cZ2REBfFkg==</ExpectedDigest><CalculatedDigest>XUFAKrxLKna5cZ2RE" \
    "BfFkg==</CalculatedDigest>"
#define INVALID                                                                                    \
    "<Code>InvalidDigest</Code><Message>The Content-MD5 or checksum value that you specified is "  \
    "not valid.</Message>"
#define PUT "PUT /box/a"
#define DELETE "POST /box?delete"
#define LENGTH "Content-Length: 5\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

// The body of DELETE is read before its handler starts, and no document: an error of the decoder
// shows that its digest was right.
static void
test_digests(void **state)
{
    static const struct {
        const char *line, *headers, *status, *error;
        size_t taken;
    } rows[] = {
        {PUT, LENGTH, "204", "", 5},
        {PUT, LENGTH MD5, "204", "", 5},
        {PUT, LENGTH MD5 CRC32, "204", "", 5},
        {PUT, CHUNKED MD5, "204", "", 5},
        {PUT, LENGTH OTHER_MD5, "400", WRONG BOTH_DIGESTS, 0},
        {PUT, CHUNKED OTHER_MD5, "400", WRONG BOTH_DIGESTS, 0},
        {PUT, LENGTH OTHER_CRC32, "400", WRONG "<RequestId>", 0},
        {PUT, LENGTH "Content-MD5: hello\r\n", "400", INVALID, 0},
        {PUT, LENGTH CRC32 "x-amz-checksum-sha1: qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n", "400", INVALID,
         0},
        {DELETE, LENGTH, "400",
         "<Code>InvalidRequest</Code><Message>Missing required header for this request: "
         "Content-MD5 OR x-amz-checksum-*</Message>",
         0},
        {DELETE, LENGTH MD5, "400", "<Code>MalformedXML</Code>", 0},
        {DELETE, LENGTH CRC32, "400", "<Code>MalformedXML</Code>", 0},
        {DELETE, LENGTH OTHER_MD5, "400", WRONG BOTH_DIGESTS, 0},
        {DELETE, LENGTH OTHER_CRC32, "400", WRONG, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool is_chunked = strstr(rows[i].headers, CHUNKED) != NULL;
        struct str request = arena_print(
            &things_cloud.arena, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n%s",
            rows[i].line, rows[i].headers, is_chunked ? "5\r\nhello\r\n0\r\n\r\n" : "hello");
        things_taken();
        struct str answer = exchange(&things_cloud, request);
        struct str status = arena_print(&things_cloud.arena, "HTTP/1.1 %s ", rows[i].status);
        if (!str_starts(answer, status) || str_find(answer, str_of(rows[i].error)) < 0)
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(answer));
        assert_int_equal(things_taken(), rows[i].taken);
    }
}

// Services that do not say so take such headers as any others.
static void
test_services_without(void **state)
{
    struct request r;
    request_init(&things_cloud, &r, "text/plain", "hello", 0);
    r.http.method = STR("PUT");
    r.http.path = STR("/box/a");
    request_add_header(&r, STR("Content-MD5"), STR("hello"));
    request_sign(&r, "test", "test", things_depot->wire->signing_name);
    assert_status(exchange(&things_cloud, request_text(&r)), "204");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_services_without),
    };
    return cmocka_run_group_tests(tests, things_cloud_setup, things_cloud_teardown);
}
