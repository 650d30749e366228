// Digests in headers: which are none, and that the last read tells a wrong one however it is read.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/header_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BODY "hello"
#define MD5 "XUFAKrxLKna5cZ2REBfFkg=="
#define OTHER_MD5 "AUFAKrxLKna5cZ2REBfFkg=="
#define CRC32 "NhCmhg=="
#define OTHER_CRC32 "AhCmhg=="
#define SHA1 "qvTGHdzF6KLavt4PO0gs2a6pQ00="

static const struct row {
    const char *headers[4]; // name, value
    enum header_digest_result result, result_at_end;
} rows[] = {
    {{"x-amz-checksum-mode", "ENABLED"}, HEADER_DIGEST_NONE, HEADER_DIGEST_NONE},
    {{"Content-MD5", MD5}, HEADER_DIGEST_OK, HEADER_DIGEST_OK},
    {{"content-md5", OTHER_MD5}, HEADER_DIGEST_OK, HEADER_DIGEST_WRONG},
    {{"Content-MD5", "hello"}, HEADER_DIGEST_INVALID, HEADER_DIGEST_INVALID},
    {{"Content-MD5", CRC32}, HEADER_DIGEST_INVALID, HEADER_DIGEST_INVALID},
    {{"Content-MD5", ""}, HEADER_DIGEST_INVALID, HEADER_DIGEST_INVALID},
    {{"x-amz-checksum-crc32", CRC32}, HEADER_DIGEST_OK, HEADER_DIGEST_OK},
    {{"X-Amz-Checksum-Crc32", OTHER_CRC32}, HEADER_DIGEST_OK, HEADER_DIGEST_WRONG},
    {{"x-amz-checksum-crc32", MD5}, HEADER_DIGEST_INVALID, HEADER_DIGEST_INVALID},
    {{"x-amz-checksum-sha1", SHA1}, HEADER_DIGEST_OK, HEADER_DIGEST_OK},
    {{"x-amz-checksum-sha1", SHA1, "x-amz-checksum-crc32", CRC32},
     HEADER_DIGEST_INVALID,
     HEADER_DIGEST_INVALID},
    {{"Content-MD5", MD5, "x-amz-checksum-crc32", CRC32}, HEADER_DIGEST_OK, HEADER_DIGEST_OK},
    {{"Content-MD5", MD5, "x-amz-checksum-crc32", OTHER_CRC32},
     HEADER_DIGEST_OK,
     HEADER_DIGEST_WRONG},
    {{"Content-MD5", OTHER_MD5, "x-amz-checksum-crc32", CRC32},
     HEADER_DIGEST_OK,
     HEADER_DIGEST_WRONG},
};

struct fixture {
    struct arena arena;
    struct header headers[2];
    struct http_request request;
    struct header_digest digest;
};

static enum header_digest_result
init(struct fixture *f, const struct row *row)
{
    arena_init(&f->arena);
    f->request = (struct http_request){.headers = f->headers, .arena = &f->arena};
    for (size_t i = 0; i < 4 && row->headers[i] != NULL; i += 2)
        f->headers[f->request.header_count++] =
            (struct header){str_of(row->headers[i]), str_of(row->headers[i + 1])};
    return header_digest_init(&f->digest, &f->request);
}

static void
test_in_memory(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f = {0};
        assert_int_equal(init(&f, &rows[i]), rows[i].result);
        if (rows[i].result == HEADER_DIGEST_OK)
            assert_int_equal(header_digest_check(&f.digest, STR(BODY)), rows[i].result_at_end);
        arena_fini(&f.arena);
    }
}

// In pieces of any size, with and without a length: the piece that ends a wrong body is not given.
static void
test_streams(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t size = 1; size <= sizeof(BODY); size++)
            for (int has_length = 0; has_length < 2; has_length++) {
                struct fixture f = {0};
                struct str_stream body;
                char out[sizeof(BODY)];
                size_t n = 1, got = 0;
                int code = OK;
                if (init(&f, &rows[i]) == HEADER_DIGEST_OK) {
                    bool is_wrong = rows[i].result_at_end == HEADER_DIGEST_WRONG;
                    str_stream_init(&body, STR(BODY));
                    if (!has_length)
                        body.stream.length = STREAM_LENGTH_UNKNOWN;
                    header_digest_open(&f.digest, &body.stream);
                    while (n > 0 && code == OK) {
                        code = stream_read(&f.digest.stream, out, size, &n);
                        got += n;
                    }
                    assert_int_equal(code, is_wrong ? E_INVALID : OK);
                    assert_int_equal(f.digest.result, rows[i].result_at_end);
                    assert_true(!is_wrong || !has_length || got < strlen(BODY));
                    assert_true(is_wrong || got == strlen(BODY));
                }
                arena_fini(&f.arena);
            }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
