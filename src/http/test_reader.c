// Tests of reader.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Length: " length "\r\n\r\n"
#define FIVE "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
#define CHUNKED(path) "PUT " path " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

// Feeds bytes in pieces and writes down "METHOD path body-length:first-body-bytes" of each request.
static int
read_all(struct str bytes, size_t piece, struct buf *seen)
{
    struct http_reader r;
    http_reader_init(&r);
    enum http_parse result = HTTP_PARSE_MORE;
    for (size_t at = 0; at < bytes.len && result != HTTP_PARSE_BAD;) {
        size_t n;
        char *space = http_reader_space(&r, &n);
        n = n < piece ? n : piece;
        n = n < bytes.len - at ? n : bytes.len - at;
        memcpy(space, bytes.ptr + at, n);
        at += n;
        for (result = http_reader_add(&r, n); result == HTTP_PARSE_DONE;
             result = http_reader_next(&r)) {
            struct http_request *q = &r.head.request;
            buf_print(seen, STR_FMT " " STR_FMT " %zu:" STR_FMT "\n", STR_ARG(q->method),
                      STR_ARG(q->path), q->body.len, STR_ARG(str_slice(q->body, 0, 40)));
        }
    }
    int status = result == HTTP_PARSE_BAD ? r.head.error_status : 0;
    assert_true(status != 0 || !http_reader_has_input(&r));
    http_reader_fini(&r);
    return status;
}

static void
assert_reads(struct str bytes, int status, struct str wanted, size_t piece)
{
    struct arena arena;
    arena_init(&arena);
    struct buf seen;
    buf_init(&seen, &arena, 256);
    assert_int_equal(read_all(bytes, piece, &seen), status);
    if (!str_eq(buf_str(&seen), wanted))
        fail_msg("pieces of %zu gave:\n" STR_FMT, piece, STR_ARG(buf_str(&seen)));
    arena_fini(&arena);
}

static void
pipelined_requests_come_out_in_order_whatever_the_pieces(void **state)
{
    struct str bytes = STR(GET("/1") POST("/2", "5") "hello" GET("/3") CHUNKED("/4")
                               FIVE POST("/5", "0") CHUNKED("/6") "0\r\n\r\n" GET("/7"));
    struct str wanted = STR("GET /1 0:\nPOST /2 5:hello\nGET /3 0:\nPUT /4 5:abcde\n"
                            "POST /5 0:\nPUT /6 0:\nGET /7 0:\n");
    for (size_t piece = 1; piece <= bytes.len; piece++)
        assert_reads(bytes, 0, wanted, piece);
}

// Requests around bodies of `size` bytes, plain and chunked.
static struct str
large_bodies(struct arena *arena, size_t size)
{
    struct buf b;
    buf_init(&b, arena, 2 * size + 1024);
    buf_print(&b, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", size);
    memset(buf_reserve(&b, size), 'a', size);
    b.len += size;
    buf_put(&b, STR(CHUNKED("/b")));
    buf_print(&b, "%zx\r\n", size);
    memset(buf_reserve(&b, size), 'b', size);
    b.len += size;
    buf_put(&b, STR("\r\n0\r\n\r\n" GET("/c") GET("/d")));
    return buf_str(&b);
}

static void
bodies_of_any_size_are_collected(void **state)
{
    static const size_t sizes[] = {1,     16000, 16 * 1024 - 51, 16 * 1024, 16 * 1024 + 1,
                                   65535, 65536, 65537,          200000,    HTTP_BODY_BYTES_MAX};
    static const size_t pieces[] = {999, 16 * 1024, SIZE_MAX};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct str bytes = large_bodies(&arena, sizes[i]);
        int shown = sizes[i] < 40 ? (int)sizes[i] : 40;
        struct str wanted =
            arena_print(&arena, "POST /a %zu:%.*s\nPUT /b %zu:%.*s\nGET /c 0:\nGET /d 0:\n",
                        sizes[i], shown, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", sizes[i],
                        shown, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
        for (size_t k = 0; k < COUNT_OF(pieces); k++)
            assert_reads(bytes, 0, wanted, pieces[k]);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void
too_large_a_chunked_body_is_refused(void **state)
{
    struct str bytes = STR(CHUNKED("/a") "1000001\r\nx");
    assert_reads(bytes, 413, STR(""), 1);
    assert_reads(bytes, 413, STR(""), SIZE_MAX);
    assert_reads(STR(CHUNKED("/a") "1\r\nx\r\n1000000\r\nx"), 413, STR(""), SIZE_MAX);
}

static void
requests_before_a_bad_one_are_served(void **state)
{
    assert_reads(STR(GET("/a") "GET /b HTTP/1.1\r\n\r\n"), 400, STR("GET /a 0:\n"), SIZE_MAX);
    assert_reads(STR(CHUNKED("/a") "1\r\nx\r\n0\r\n\r\n\x16"), 400, STR("PUT /a 1:x\n"), SIZE_MAX);
    assert_reads(STR(GET("/a") CHUNKED("/b") "1\nx"), 400, STR("GET /a 0:\n"), 3);
}

static void
large_heads_are_collected(void **state)
{
    struct arena arena;
    arena_init(&arena);
    struct buf b;
    buf_init(&b, &arena, 1024);
    for (int i = 0; i < 3; i++) {
        buf_put(&b, STR("GET /a HTTP/1.1\r\nHost: h\r\nA: "));
        memset(buf_reserve(&b, 60000), 'a', 60000);
        b.len += 60000;
        buf_put(&b, STR("\r\n\r\n"));
    }
    static const size_t pieces[] = {1000, 16384, 30000, SIZE_MAX};
    for (size_t k = 0; k < COUNT_OF(pieces); k++)
        assert_reads(buf_str(&b), 0, STR("GET /a 0:\nGET /a 0:\nGET /a 0:\n"), pieces[k]);
    arena_fini(&arena);
}

static void
reset_reader_serves_another_connection(void **state)
{
    struct http_reader r;
    http_reader_init(&r);
    size_t size;
    struct str bytes = STR(POST("/a", "100000") "x");
    memcpy(http_reader_space(&r, &size), bytes.ptr, bytes.len);
    assert_int_equal(http_reader_add(&r, bytes.len), HTTP_PARSE_MORE);
    assert_true(http_reader_has_input(&r));
    for (int i = 0; i < 3; i++)
        assert_int_equal(http_reader_add(&r, (http_reader_space(&r, &size), size)),
                         i < 2 ? HTTP_PARSE_MORE : HTTP_PARSE_DONE);
    http_reader_reset(&r);
    assert_false(http_reader_has_input(&r));
    bytes = STR(GET("/b"));
    memcpy(http_reader_space(&r, &size), bytes.ptr, bytes.len);
    assert_int_equal(size, HTTP_READER_BYTES);
    assert_int_equal(http_reader_add(&r, bytes.len), HTTP_PARSE_DONE);
    assert_true(str_eq(r.head.request.path, STR("/b")));
    http_reader_fini(&r);
}

static void
announced_length_takes_no_memory_ahead(void **state)
{
    struct http_reader r;
    http_reader_init(&r);
    size_t size;
    struct str bytes = STR(POST("/a", "16777216"));
    memcpy(http_reader_space(&r, &size), bytes.ptr, bytes.len);
    assert_int_equal(http_reader_add(&r, bytes.len), HTTP_PARSE_MORE);
    http_reader_space(&r, &size);
    assert_true(size <= HTTP_READER_BYTES);
    assert_null(r.large);
    http_reader_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_requests_come_out_in_order_whatever_the_pieces),
        cmocka_unit_test(bodies_of_any_size_are_collected),
        cmocka_unit_test(too_large_a_chunked_body_is_refused),
        cmocka_unit_test(requests_before_a_bad_one_are_served),
        cmocka_unit_test(large_heads_are_collected),
        cmocka_unit_test(reset_reader_serves_another_connection),
        cmocka_unit_test(announced_length_takes_no_memory_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
