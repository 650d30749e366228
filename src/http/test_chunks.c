// Tests of the chunked transfer coding in parser.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { BODY_MAX = 64 * 1024 };

struct result {
    enum http_parse parse;
    size_t consumed;
    size_t body_len;
    char body[BODY_MAX];
};

// Decodes bytes that come in pieces of that size.
static void
decode(struct str bytes, size_t piece, struct result *out)
{
    struct http_chunks c = {0};
    char buffer[BODY_MAX];
    *out = (struct result){.parse = HTTP_PARSE_MORE};
    while (out->parse == HTTP_PARSE_MORE && out->consumed < bytes.len) {
        struct str in = str_slice(bytes, out->consumed, out->consumed + piece);
        memcpy(buffer, in.ptr, in.len);
        size_t consumed, produced;
        out->parse = http_chunks_decode(&c, buffer, in.len, &consumed, &produced);
        assert_true(consumed == in.len || out->parse != HTTP_PARSE_MORE);
        memcpy(out->body + out->body_len, buffer, produced);
        out->body_len += produced;
        out->consumed += consumed;
    }
}

static void
assert_decodes(struct str bytes, struct str body, size_t rest)
{
    static struct result r;
    for (size_t piece = 1; piece <= bytes.len; piece++) {
        decode(bytes, piece, &r);
        assert_int_equal(r.parse, HTTP_PARSE_DONE);
        assert_int_equal(bytes.len - r.consumed, rest);
        assert_int_equal(r.body_len, body.len);
        assert_memory_equal(r.body, body.ptr, body.len);
    }
}

static void
assert_refused(struct str bytes)
{
    static struct result r;
    for (size_t piece = 1; piece <= bytes.len; piece++) {
        decode(bytes, piece, &r);
        if (r.parse != HTTP_PARSE_BAD)
            fail_msg("not refused in pieces of %zu: %.*s", piece, STR_ARG(bytes));
    }
}

static void
chunks_are_joined_whatever_the_pieces(void **state)
{
    assert_decodes(STR("0\r\n\r\n"), STR(""), 0);
    assert_decodes(STR("5\r\nhello\r\n0\r\n\r\n"), STR("hello"), 0);
    assert_decodes(STR("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"), STR("hello, world"), 0);
    assert_decodes(STR("a\r\n0123456789\r\n00C\r\n\r\n0\r\n\r\nabcde\r\n000\r\n\r\n"),
                   STR("0123456789\r\n0\r\n\r\nabcde"), 0);
}

static void
what_follows_is_not_consumed(void **state)
{
    assert_decodes(STR("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), STR("x"), 16);
}

static void
extensions_and_trailers_are_dropped(void **state)
{
    assert_decodes(STR("1;a=b;c=\"d\"\r\nx\r\n0;last\r\n\r\n"), STR("x"), 0);
    assert_decodes(STR("1\r\nx\r\n0\r\nX-Sum: abc\r\nEmpty:\r\n\r\n"), STR("x"), 0);
}

static void
broken_framing_is_refused(void **state)
{
    assert_refused(STR("\r\n"));
    assert_refused(STR("x\r\n"));
    assert_refused(STR("-1\r\n"));
    assert_refused(STR("0x5\r\nhello\r\n"));
    assert_refused(STR(" 5\r\nhello\r\n"));
    assert_refused(STR("5 \r\nhello\r\n"));
    assert_refused(STR("5\nhello\r\n"));
    assert_refused(STR("5\r\rhello\r\n"));
    assert_refused(STR("5;\nx\r\nhello\r\n"));
    assert_refused(STR("5;a\0b\r\nhello\r\n"));
    assert_refused(STR("5\r\nhello\n0\r\n\r\n"));
    assert_refused(STR("5\r\nhelloo\r\n0\r\n\r\n"));
    assert_refused(STR("5\r\nhello\r0\r\n\r\n"));
    assert_refused(STR("0\r\n\n"));
    assert_refused(STR("0\r\n\rx"));
    assert_refused(STR("0\r\n folded\r\n\r\n"));
    assert_refused(STR("0\r\nName : x\r\n\r\n"));
    assert_refused(STR("0\r\n: x\r\n\r\n"));
    assert_refused(STR("0\r\nA: x\n\r\n"));
    assert_refused(STR("0\r\nA: x\r\r\n"));
    assert_refused(STR("0\r\nA: \x01\r\n"));
}

static void
sizes_that_overflow_are_refused(void **state)
{
    assert_refused(STR("ffffffffffffffff\r\n"));
    assert_refused(STR("10000000000000000\r\n"));
    assert_refused(STR("0000000000000005\r\nhello\r\n"));
}

static void
assert_repeated_is_refused(struct str start, struct str repeated, size_t times)
{
    static struct result r;
    struct arena arena;
    arena_init(&arena);
    struct buf b;
    buf_init(&b, &arena, 1024);
    buf_put(&b, start);
    for (size_t i = 0; i < times; i++)
        buf_put(&b, repeated);
    decode(buf_str(&b), BODY_MAX, &r);
    assert_int_equal(r.parse, HTTP_PARSE_BAD);
    arena_fini(&arena);
}

static void
endless_lines_are_refused(void **state)
{
    assert_repeated_is_refused(STR("1;"), STR("a"), 300);
    assert_repeated_is_refused(STR("0\r\n"), STR("a"), 9000);
    assert_repeated_is_refused(STR("0\r\n"), STR("a: b\r\n"), 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_joined_whatever_the_pieces),
        cmocka_unit_test(what_follows_is_not_consumed),
        cmocka_unit_test(extensions_and_trailers_are_dropped),
        cmocka_unit_test(broken_framing_is_refused),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(endless_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
