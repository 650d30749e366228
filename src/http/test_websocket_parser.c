// Tests of websocket_parser.h: the examples of RFC 6455, fragments, and what must be refused.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/websocket_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BYTES(s) {s, sizeof(s) - 1}
#define MASK "\x00\x00\x00\x00"

enum { LIMIT = 1000 };

// Everything that comes out, as text: "t5:hello p0: c1000: e1002".
static void
parse_all(struct str bytes, size_t piece, char *out, size_t size)
{
    struct websocket_parser p;
    size_t len = 0;
    enum websocket_parse result = WEBSOCKET_PARSE_MORE;
    websocket_parser_init(&p, LIMIT);
    out[0] = 0;
    for (size_t at = 0, used; at < bytes.len && result != WEBSOCKET_PARSE_BAD; at += used) {
        result = websocket_parse(&p, str_slice(bytes, at, at + piece), &used);
        struct str text = result <= WEBSOCKET_PARSE_BINARY ? p.message : p.control;
        if (result == WEBSOCKET_PARSE_BAD)
            len += (size_t)snprintf(out + len, size - len, "e%d ", p.close_code);
        else if (result == WEBSOCKET_PARSE_CLOSE)
            len += (size_t)snprintf(out + len, size - len, "c%d:" STR_FMT " ", p.close_code,
                                    STR_ARG(text));
        else if (result != WEBSOCKET_PARSE_MORE)
            len += (size_t)snprintf(out + len, size - len, "%c%zu:" STR_FMT " ", "?tbpP"[result],
                                    text.len, STR_ARG(str_slice(text, 0, 10)));
        assert_true(used > 0);
    }
    websocket_parser_fini(&p);
}

struct example {
    struct str bytes;
    const char *wanted;
};

static const struct example examples[] = {
    // RFC 6455 section 5.7, as a client must send them.
    {BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "t5:Hello "},
    {BYTES("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "p5:Hello "},
    {BYTES("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "P5:Hello "},
    {BYTES("\x01\x83" MASK "Hel\x80\x82" MASK "lo"), "t5:Hello "},
    {BYTES("\x82\x80" MASK), "b0: "},
    {BYTES("\x81\x80" MASK "\x82\x81" MASK "a"), "t0: b1:a "},
    // Control frames between fragments.
    {BYTES("\x01\x81" MASK "a\x89\x81" MASK "x\x00\x81" MASK "b\x8a\x80" MASK "\x80\x80" MASK),
     "p1:x P0: t2:ab "},
    {BYTES("\x88\x80" MASK), "c1005: "},
    {BYTES("\x88\x82" MASK "\x03\xe8"), "c1000: "},
    {BYTES("\x88\x85" MASK "\x0f\xa0"
           "abc"),
     "c4000:abc "},
    // A character may be split between fragments.
    {BYTES("\x01\x81" MASK "\xc3\x80\x81" MASK "\xa4"), "t2:\xc3\xa4 "},
};

static const struct example refusals[] = {
    {BYTES("\x81\x05Hello"), "e1002 "},                 // not masked
    {BYTES("\xc1\x80" MASK), "e1002 "},                 // a reserved bit
    {BYTES("\x91\x80" MASK), "e1002 "},                 //
    {BYTES("\x83\x80" MASK), "e1002 "},                 // opcodes without a meaning
    {BYTES("\x8b\x80" MASK), "e1002 "},                 //
    {BYTES("\x8f\x80" MASK), "e1002 "},                 //
    {BYTES("\x80\x80" MASK), "e1002 "},                 // nothing to continue
    {BYTES("\x01\x80" MASK "\x81\x80" MASK), "e1002 "}, // a second beginning
    {BYTES("\x09\x80" MASK), "e1002 "},                 // a ping in fragments
    {BYTES("\x89\xfe\x00\x7e" MASK), "e1002 "},         // a ping of 126 bytes
    {BYTES("\x81\xfe\x00\x7d" MASK), "e1002 "},         // longer than needed
    {BYTES("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff" MASK), "e1002 "},
    {BYTES("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" MASK), "e1002 "},
    {BYTES("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK), "e1009 "}, // too large
    {BYTES("\x81\xfe\x03\xe9" MASK), "e1009 "},
    {BYTES("\x01\x81" MASK "a\x00\xfe\x03\xe8" MASK), "e1009 "},
    {BYTES("\x81\x81" MASK "\xff"), "e1007 "}, // no UTF-8
    {BYTES("\x81\x82" MASK "\xc3("), "e1007 "},
    {BYTES("\x81\x83" MASK "\xed\xa0\x80"), "e1007 "}, // a surrogate
    {BYTES("\x88\x81" MASK "a"), "e1002 "},            // half a code
    {BYTES("\x88\x82" MASK "\x03\xed"), "e1002 "},     // 1005 may not be sent
    {BYTES("\x88\x82" MASK "\x00\x00"), "e1002 "},
    {BYTES("\x88\x82" MASK "\x13\x88"), "e1002 "}, // 5000
    {BYTES("\x88\x83" MASK "\x03\xe8\xff"), "e1007 "},
};

static void
expect_all(const struct example *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t piece = 1; piece <= rows[i].bytes.len; piece++) {
            char got[200];
            parse_all(rows[i].bytes, piece, got, sizeof(got));
            if (strcmp(got, rows[i].wanted) != 0)
                fail_msg("row %zu in pieces of %zu gave '%s'", i, piece, got);
        }
    }
}

static void
messages_come_out_whatever_the_pieces(void **state)
{
    expect_all(examples, COUNT_OF(examples));
}

static void
what_breaks_the_protocol_is_refused(void **state)
{
    expect_all(refusals, COUNT_OF(refusals));
}

static void
largest_message_is_taken(void **state)
{
    static char bytes[8 + LIMIT] = "\x82\xfe\x03\xe8\x01\x02\x03\x04";
    char got[200];
    memset(bytes + 8, 'a', LIMIT);
    parse_all((struct str){bytes, sizeof(bytes)}, 7, got, sizeof(got));
    assert_memory_equal(got, "b1000:`cbe", 10); // unmasked
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_whatever_the_pieces),
        cmocka_unit_test(what_breaks_the_protocol_is_refused),
        cmocka_unit_test(largest_message_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
