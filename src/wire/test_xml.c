// XML text, and single UTF-8 characters.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/base/utf8.h"

#define REPLACED "\xef\xbf\xbd"

static void
assert_text(struct str text, const char *want)
{
    struct arena arena;
    struct buf b;
    arena_init(&arena);
    buf_init(&b, &arena, 0);
    xml_put_text(&b, text);
    if (!str_eq(buf_str(&b), str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(buf_str(&b)), want);
    arena_fini(&arena);
}

static void
test_text(void **state)
{
    assert_text(STR(""), "");
    assert_text((struct str){0}, "");
    assert_text(STR("plain"), "plain");
    assert_text(STR("<a b=\"c\">&'</a>"), "&lt;a b=&quot;c&quot;&gt;&amp;'&lt;/a&gt;");
    assert_text(STR("\t\r\n"), "&#x9;&#xD;&#xA;");
    assert_text(STR("h\xc3\xbc \xf0\x9d\x84\x9e"), "h\xc3\xbc \xf0\x9d\x84\x9e");
}

static void
test_what_xml_cannot_hold(void **state)
{
    assert_text(STR("a\0b\x01\x1f"), "a" REPLACED "b" REPLACED REPLACED);
    assert_text(STR("\xff\xc3"), REPLACED REPLACED);
    assert_text(STR("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbc"), REPLACED REPLACED "\xef\xbf\xbc");
    assert_text(STR("\xed\xa0\x80"), REPLACED REPLACED REPLACED);
}

static void
test_elements(void **state)
{
    struct arena arena;
    struct buf b;
    arena_init(&arena);
    buf_init(&b, &arena, 0);
    xml_put_open(&b, "Name");
    xml_put_close(&b, "Name");
    assert_true(str_eq(buf_str(&b), STR("<Name></Name>")));
    arena_fini(&arena);
}

// Words of eight bytes are looked at as one: a byte that is escaped is found in every place,
// whatever stands beside it, and none is taken for one.
static void
test_every_place_of_every_byte(void **state)
{
    enum { PLACES = 20 };
    struct arena arena;
    char text[PLACES], want[64];
    arena_init(&arena);
    for (size_t i = 0; i < (size_t)128 * PLACES * PLACES; i++) {
        char c = (char)(i % 128);
        size_t place = i / 128 % PLACES, len = i / 128 / PLACES + 1;
        struct buf one, all;
        if (place >= len)
            continue;
        memset(text, i % 2 == 0 ? '=' : '#', len); // beside < and >, and beside & and "
        text[place] = c;
        buf_init(&one, &arena, 0);
        buf_init(&all, &arena, 0);
        xml_put_text(&one, (struct str){&c, 1});
        xml_put_element(&all, "Name9", (struct str){text, len});
        int n = snprintf(want, sizeof(want), "<Name9>%.*s" STR_FMT "%.*s</Name9>", (int)place, text,
                         STR_ARG(buf_str(&one)), (int)(len - place - 1), text + place + 1);
        assert_true(str_eq(buf_str(&all), (struct str){want, (size_t)n}));
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

// One character is well-formed exactly where the whole-text check of src/base says so.
static void
test_characters(void **state)
{
    char bytes[3];
    for (unsigned i = 0; i < 1 << 24; i += i < 0x10000 ? 1 : 251) {
        bytes[0] = (char)(i & 0xff);
        bytes[1] = (char)(i >> 8 & 0xff);
        bytes[2] = (char)(i >> 16 & 0xff);
        size_t n = utf8_char_bytes((struct str){bytes, sizeof(bytes)});
        bool is_any = false;
        for (size_t len = 1; len <= sizeof(bytes) && !is_any; len++) {
            is_any = str_is_utf8((struct str){bytes, len});
            if (is_any)
                assert_int_equal(n, len);
        }
        if (!is_any)
            assert_int_equal(n, 0);
    }
    assert_int_equal(utf8_char_bytes(STR("\xf4\x8f\xbf\xbf")), 4);
    assert_int_equal(utf8_char_bytes(STR("\xf4\x90\x80\x80")), 0);
    assert_int_equal(utf8_char_bytes(STR("\xf0\x8f\xbf\xbf")), 0);
    assert_int_equal(utf8_char_bytes(STR("")), 0);
    assert_int_equal(utf8_length(STR("a\xc3\xbc\xf0\x9d\x84\x9e")), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),       cmocka_unit_test(test_what_xml_cannot_hold),
        cmocka_unit_test(test_elements),   cmocka_unit_test(test_every_place_of_every_byte),
        cmocka_unit_test(test_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
