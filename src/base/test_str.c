// Tests of runs of bytes.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct str absent = {0};

static void
assert_str(struct str got, const char *wanted)
{
    assert_true(str_is_present(got));
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.ptr, wanted, got.len);
}

static void
compares_in_byte_order(void **state)
{
    const struct str in_order[] = {STR(""),     STR("\0"),      STR("\0\0"), STR("a"),
                                   STR("a\0"),  STR("a\0\xff"), STR("aa"),   STR("b"),
                                   STR("\x7f"), STR("\x80"),    STR("\xff")};
    for (size_t i = 0; i < COUNT_OF(in_order); i++) {
        for (size_t k = 0; k < COUNT_OF(in_order); k++) {
            int order = str_cmp(in_order[i], in_order[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
            assert_int_equal(str_eq(in_order[i], in_order[k]), i == k);
            assert_int_equal(str_eq_constant_time(in_order[i], in_order[k]), i == k);
        }
    }
    assert_int_equal(str_cmp(absent, STR("")), 0);
    assert_true(str_cmp(absent, STR("a")) < 0);
    assert_true(str_eq_constant_time(absent, STR("")));
}

static void
ignores_case_of_ascii_only(void **state)
{
    assert_true(str_eq_nocase(STR("Content-Type"), STR("cONTENT-tYPE")));
    assert_true(str_eq_nocase(STR(""), absent));
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
    assert_false(str_eq_nocase(STR("\xc3\xa4"), STR("\xc3\x84")));
}

static void
finds_starts_and_ends(void **state)
{
    struct str s = STR("AWS4-HMAC");
    assert_true(str_starts(s, STR("AWS4")));
    assert_true(str_starts(s, s));
    assert_true(str_starts(s, STR("")));
    assert_true(str_starts(absent, STR("")));
    assert_false(str_starts(s, STR("aws4")));
    assert_false(str_starts(STR("AW"), STR("AWS4")));
    assert_true(str_ends(s, STR("HMAC")));
    assert_true(str_ends(s, s));
    assert_true(str_ends(s, STR("")));
    assert_false(str_ends(s, STR("HMA")));
    assert_false(str_ends(STR("AC"), STR("HMAC")));
    assert_false(str_ends(absent, STR("C")));
}

static void
finds_what_is_inside(void **state)
{
    struct str s = STR("aab\0aac");
    assert_int_equal(str_find_char(s, 'a'), 0);
    assert_int_equal(str_find_char(s, '\0'), 3);
    assert_int_equal(str_find_char(s, 'c'), 6);
    assert_int_equal(str_find_char(s, 'd'), -1);
    assert_int_equal(str_find_char(absent, 'd'), -1);
    assert_int_equal(str_find(s, STR("aac")), 4);
    assert_int_equal(str_find(s, STR("ab")), 1);
    assert_int_equal(str_find(s, s), 0);
    assert_int_equal(str_find(s, STR("")), 0);
    assert_int_equal(str_find(s, STR("ac\0")), -1);
    assert_int_equal(str_find(STR("a"), STR("ab")), -1);
    assert_int_equal(str_find(absent, STR("a")), -1);
    assert_int_equal(str_find(absent, STR("")), 0);
}

static void
slices_within_the_length(void **state)
{
    struct str s = STR("hello");
    assert_str(str_slice(s, 1, 3), "el");
    assert_str(str_slice(s, 0, SIZE_MAX), "hello");
    assert_str(str_slice(s, 3, 2), "");
    assert_str(str_slice(s, 9, 12), "");
    assert_ptr_equal(str_slice(s, SIZE_MAX, SIZE_MAX).ptr, s.ptr + 5);
    assert_false(str_is_present(str_slice(absent, 1, 2)));
}

static void
trims_blanks(void **state)
{
    assert_str(str_trim(STR(" \t a b\t ")), "a b");
    assert_str(str_trim(STR("a")), "a");
    assert_str(str_trim(STR(" \t ")), "");
    assert_str(str_trim(STR("")), "");
    assert_str(str_trim(STR("\na\r")), "\na\r");
    assert_false(str_is_present(str_trim(absent)));
}

static void
cuts_at_the_first_separator(void **state)
{
    struct str head, rest;
    assert_true(str_cut(STR("a=b=c"), '=', &head, &rest));
    assert_str(head, "a");
    assert_str(rest, "b=c");
    assert_true(str_cut(STR("="), '=', &head, &rest));
    assert_str(head, "");
    assert_str(rest, "");
    assert_false(str_cut(STR("abc"), '=', &head, &rest));
    assert_str(head, "abc");
    assert_false(str_is_present(rest));
    assert_false(str_cut(absent, '=', &head, &rest));
    assert_false(str_is_present(head));

    // Going through a list by its own rest.
    struct str list = STR("x,y,,z");
    const char *wanted[] = {"x", "y", "", "z"};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        bool has_more = str_cut(list, ',', &head, &list);
        assert_str(head, wanted[i]);
        assert_int_equal(has_more, i + 1 < COUNT_OF(wanted));
    }
}

static void
reads_whole_decimal_numbers(void **state)
{
    const struct {
        const char *text;
        int code;
        int64_t value;
    } rows[] = {
        {"0", OK, 0},
        {"-0", OK, 0},
        {"007", OK, 7},
        {"-42", OK, -42},
        {"9223372036854775807", OK, INT64_MAX},
        {"-9223372036854775808", OK, INT64_MIN},
        {"00000000000000000000000000001", OK, 1},
        {"9223372036854775808", E_LIMIT, 0},
        {"-9223372036854775809", E_LIMIT, 0},
        {"99999999999999999999999999", E_LIMIT, 0},
        {"-99999999999999999999999999", E_LIMIT, 0},
        {"99999999999999999999999999x", E_INVALID, 0},
        {"", E_INVALID, 0},
        {"-", E_INVALID, 0},
        {"--1", E_INVALID, 0},
        {"+1", E_INVALID, 0},
        {" 1", E_INVALID, 0},
        {"1 ", E_INVALID, 0},
        {"1.0", E_INVALID, 0},
        {"0x10", E_INVALID, 0},
        {"\xd9\xa1", E_INVALID, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t value = 77;
        assert_int_equal(str_to_int64(str_of(rows[i].text), &value), rows[i].code);
        assert_int_equal(value, rows[i].code == OK ? rows[i].value : 77);
    }
    int64_t value = 77;
    assert_int_equal(str_to_int64(absent, &value), E_INVALID);
    assert_int_equal(str_to_int64(STR("1\0"), &value), E_INVALID);
}

// UTF-8 by decoding, bit by bit: slow, and unlike the table.
static bool
is_utf8_slowly(const uint8_t *p, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < len;) {
        size_t n = p[i] < 0x80             ? 1
                   : (p[i] & 0xe0) == 0xc0 ? 2
                   : (p[i] & 0xf0) == 0xe0 ? 3
                   : (p[i] & 0xf8) == 0xf0 ? 4
                                           : 0;
        if (n == 0 || n > len - i)
            return false;
        uint32_t value = n == 1 ? p[i] : p[i] & (0xffu >> (n + 1));
        for (size_t k = 1; k < n; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
            value = value << 6 | (p[i + k] & 0x3f);
        }
        if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
            return false;
        i += n;
    }
    return true;
}

static void
assert_utf8_like_the_slow_one(const uint8_t *p, size_t len)
{
    assert_int_equal(str_is_utf8((struct str){(const char *)p, len}), is_utf8_slowly(p, len));
}

static void
judges_utf8_of_all_short_texts(void **state)
{
    uint8_t p[4];
    for (uint32_t bits = 0; bits < 1 << 16; bits++) {
        p[0] = (uint8_t)(bits >> 8);
        p[1] = (uint8_t)bits;
        assert_utf8_like_the_slow_one(p, 1);
        assert_utf8_like_the_slow_one(p, 2);
        // Third and fourth bytes at the borders of the ranges.
        for (size_t i = 0; p[0] >= 0xdf && i < 9; i++) {
            static const uint8_t borders[] = {0x00, 0x7f, 0x80, 0x81, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
            p[2] = borders[i];
            p[3] = borders[(i + p[1]) % 9];
            assert_utf8_like_the_slow_one(p, 3);
            assert_utf8_like_the_slow_one(p, 4);
        }
    }
}

static void
judges_utf8_at_every_offset(void **state)
{
    const struct str pieces[] = {STR("\xc3\xa4"),     STR("\xe2\x82\xac"), STR("\xf0\x9f\x98\x80"),
                                 STR("\xed\xa0\x80"), STR("\xc0\x80"),     STR("\xf4\x90\x80\x80"),
                                 STR("\x80"),         STR("\xe2\x82")};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        for (size_t before = 0; before < 20; before++) {
            for (size_t after = 0; after < 20; after++) {
                // A heap block of the exact size, so that reading past it is found.
                size_t len = before + pieces[i].len + after;
                uint8_t *p = malloc(len);
                memset(p, 'a', len);
                memcpy(p + before, pieces[i].ptr, pieces[i].len);
                assert_utf8_like_the_slow_one(p, len);
                free(p);
            }
        }
    }
    assert_true(str_is_utf8(absent));
    assert_true(str_is_utf8(STR("a\0b")));
}

static void
prints_absent_as_empty(void **state)
{
    char text[20];
    snprintf(text, sizeof(text), "<" STR_FMT "|" STR_FMT ">", STR_ARG(absent), STR_ARG(STR("ab")));
    assert_string_equal(text, "<|ab>");
    assert_false(str_is_present(str_of(NULL)));
    assert_true(str_is_present(str_of("")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_in_byte_order),
        cmocka_unit_test(ignores_case_of_ascii_only),
        cmocka_unit_test(finds_starts_and_ends),
        cmocka_unit_test(finds_what_is_inside),
        cmocka_unit_test(slices_within_the_length),
        cmocka_unit_test(trims_blanks),
        cmocka_unit_test(cuts_at_the_first_separator),
        cmocka_unit_test(reads_whole_decimal_numbers),
        cmocka_unit_test(judges_utf8_of_all_short_texts),
        cmocka_unit_test(judges_utf8_at_every_offset),
        cmocka_unit_test(prints_absent_as_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
