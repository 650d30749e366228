// Tests of hexadecimal, base64 and percent encodings.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int
setup(void **state)
{
    struct arena *a = malloc(sizeof(*a));
    arena_init(a);
    *state = a;
    return 0;
}

static int
teardown(void **state)
{
    arena_fini(*state);
    free(*state);
    return 0;
}

static void
assert_str(struct str got, struct str wanted)
{
    assert_true(str_is_present(got));
    assert_int_equal(got.len, wanted.len);
    assert_memory_equal(got.ptr, wanted.ptr, wanted.len);
}

typedef void encode_fn(struct str bytes, struct buf *out);
typedef int decode_fn(struct arena *a, struct str text, struct str *out);

static struct str
encoded(struct arena *a, encode_fn *encode, struct str bytes)
{
    struct buf b;
    buf_init(&b, a, 0);
    buf_put_char(&b, '<'); // what stands there already stays
    encode(bytes, &b);
    buf_put_char(&b, '>');
    struct str s = buf_str(&b);
    assert_int_equal(s.ptr[0], '<');
    assert_int_equal(s.ptr[s.len - 1], '>');
    return str_slice(s, 1, s.len - 1);
}

static void
hex_goes_both_ways(void **state)
{
    uint8_t bytes[256], back[256];
    char text[513] = {0};
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    hex_encode(bytes, sizeof(bytes), text);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        char wanted[3];
        snprintf(wanted, sizeof(wanted), "%02x", (unsigned)i);
        assert_memory_equal(text + 2 * i, wanted, 2);
    }
    assert_int_equal(hex_decode((struct str){text, 512}, back, 256), OK);
    assert_memory_equal(back, bytes, 256);
    assert_int_equal(hex_decode(STR("aBcDeF"), back, 3), OK);
    assert_memory_equal(back, "\xab\xcd\xef", 3);
    assert_int_equal(hex_decode((struct str){0}, back, 0), OK);
}

static void
hex_refuses_the_rest(void **state)
{
    uint8_t out[4];
    assert_int_equal(hex_decode(STR("abc"), out, 1), E_INVALID);
    assert_int_equal(hex_decode(STR("abcd"), out, 1), E_INVALID);
    assert_int_equal(hex_decode(STR("ab"), out, 2), E_INVALID);
    assert_int_equal(hex_decode(STR(""), out, 1), E_INVALID);
    assert_int_equal(hex_decode(STR(""), out, SIZE_MAX / 2 + 1), E_INVALID);
    for (int c = 0; c < 256; c++) {
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        char text[2] = {'0', (char)c};
        assert_int_equal(hex_decode((struct str){text, 2}, out, 1), is_digit ? OK : E_INVALID);
    }
}

// RFC 4648 section 10.
static void
base64_of_known_texts(void **state)
{
    const struct {
        struct str bytes, padded, unpadded;
    } rows[] = {
        {STR(""), STR(""), STR("")},
        {STR("f"), STR("Zg=="), STR("Zg")},
        {STR("fo"), STR("Zm8="), STR("Zm8")},
        {STR("foo"), STR("Zm9v"), STR("Zm9v")},
        {STR("foob"), STR("Zm9vYg=="), STR("Zm9vYg")},
        {STR("fooba"), STR("Zm9vYmE="), STR("Zm9vYmE")},
        {STR("foobar"), STR("Zm9vYmFy"), STR("Zm9vYmFy")},
        {STR("\xfb\xff\xbf"), STR("+/+/"), STR("-_-_")},
        {STR("\0\0"), STR("AAA="), STR("AAA")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str out;
        assert_str(encoded(*state, base64_encode, rows[i].bytes), rows[i].padded);
        assert_int_equal(base64_decode(*state, rows[i].padded, &out), OK);
        assert_str(out, rows[i].bytes);
        assert_str(encoded(*state, base64url_encode, rows[i].bytes), rows[i].unpadded);
        assert_int_equal(base64url_decode(*state, rows[i].unpadded, &out), OK);
        assert_str(out, rows[i].bytes);
    }
}

static void
assert_goes_both_ways(struct arena *a, encode_fn *encode, decode_fn *decode, struct str bytes)
{
    struct str text = encoded(a, encode, bytes);
    struct str back;
    assert_int_equal(decode(a, text, &back), OK);
    assert_str(back, bytes);
}

static void
base64_goes_both_ways(void **state)
{
    char bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 89 + i / 7);
    for (size_t from = 0; from < 20; from++) {
        for (size_t len = 0; from + len <= sizeof(bytes); len++) {
            struct str s = {bytes + from, len};
            assert_goes_both_ways(*state, base64_encode, base64_decode, s);
            assert_goes_both_ways(*state, base64url_encode, base64url_decode, s);
        }
        arena_reset(*state);
    }
}

static void
base64_refuses_the_rest(void **state)
{
    const char *bad[] = {"Z",        "Zg",      "Zg=",    "Zm8",      "=",     "==",
                         "===",      "====",    "Z===",   "Zg==\n",   " Zg==", "Zm9v\r\n",
                         "Zm 9v",    "Zm9v=",   "Zm9v==", "Zg==Zg==", "Zm9-",  "Zm9_",
                         "Zm9vZh==", "Zm9=",    "Zh==",   "Z=g=",     "=Zg=",  "\xc3\xa4\xc3\xa4",
                         "Zm9v====", "Zm9vZm9*"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct str out = STR("untouched");
        assert_int_equal(base64_decode(*state, str_of(bad[i]), &out), E_INVALID);
        assert_str(out, STR("untouched"));
    }
    const char *bad_url[] = {"Z", "Zg==", "Zm9vZ", "Zm+v", "Zm/v", "Zh", "Zm9", "Zg\n", "Zm9v="};
    for (size_t i = 0; i < COUNT_OF(bad_url); i++) {
        struct str out = STR("untouched");
        assert_int_equal(base64url_decode(*state, str_of(bad_url[i]), &out), E_INVALID);
        assert_str(out, STR("untouched"));
    }
    struct str out;
    assert_int_equal(base64_decode(*state, STR("AA\0A"), &out), E_INVALID);
}

static void
base64_knows_64_characters(void **state)
{
    size_t known = 0, known_url = 0;
    for (int c = 0; c < 256; c++) {
        // In each place of a group of four.
        for (size_t place = 0; place < 4; place++) {
            char text[4] = {'A', 'A', 'A', 'A'};
            struct str out;
            text[place] = (char)c;
            known += base64_decode(*state, (struct str){text, 4}, &out) == OK;
            known_url += base64url_decode(*state, (struct str){text, 4}, &out) == OK;
        }
    }
    assert_int_equal(known, 4 * 64 + 1); // and "AAA="
    assert_int_equal(known_url, 4 * 64);
}

static struct str
percent_encoded(struct arena *a, struct str s, bool keep_slash)
{
    struct buf b;
    buf_init(&b, a, 0);
    percent_encode(s, keep_slash, &b);
    return buf_str(&b);
}

static void
percent_encodes_as_aws_does(void **state)
{
    struct arena *a = *state;
    struct str plain = STR("ABCXYZabcxyz0189-._~");
    assert_str(percent_encoded(a, plain, false), plain);
    assert_str(percent_encoded(a, STR("a b+c/d"), true), STR("a%20b%2Bc/d"));
    assert_str(percent_encoded(a, STR("a b+c/d"), false), STR("a%20b%2Bc%2Fd"));
    assert_str(percent_encoded(a, STR("\xe1\x88\xb4\0%"), false), STR("%E1%88%B4%00%25"));
    assert_str(percent_encoded(a, (struct str){0}, false), STR(""));
    size_t plain_count = 0;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        plain_count += percent_encoded(a, (struct str){&byte, 1}, false).len == 1;
    }
    assert_int_equal(plain_count, 26 + 26 + 10 + 4);
}

static void
percent_decodes(void **state)
{
    struct str out;
    assert_int_equal(percent_decode(*state, STR("a%20b%2fc+d"), false, &out), OK);
    assert_str(out, STR("a b/c+d"));
    assert_int_equal(percent_decode(*state, STR("a%20b%2Fc+d"), true, &out), OK);
    assert_str(out, STR("a b/c d"));
    assert_int_equal(percent_decode(*state, STR("%00%ff%25"), false, &out), OK);
    assert_str(out, STR("\0\xff%"));
    assert_int_equal(percent_decode(*state, STR("+"), true, &out), OK);
    assert_str(out, STR(" "));
}

static void
percent_decodes_plain_text_without_a_copy(void **state)
{
    struct str plain = STR("plain+text");
    struct str out;
    assert_int_equal(percent_decode(*state, plain, false, &out), OK);
    assert_ptr_equal(out.ptr, plain.ptr);
    assert_int_equal(out.len, plain.len);
    assert_int_equal(percent_decode(*state, (struct str){0}, true, &out), OK);
    assert_false(str_is_present(out));
    assert_int_equal(((struct arena *)*state)->used_bytes, 0);
}

static void
percent_refuses_broken_escapes(void **state)
{
    const char *bad[] = {"%", "a%", "%4", "a%4", "%4g", "%g4", "%%41", "%-1", "%+1", "% 1", "%41%"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        // A heap block of the exact size, so that reading past it is found.
        char *text = malloc(strlen(bad[i]));
        memcpy(text, bad[i], strlen(bad[i]));
        struct str out = STR("untouched");
        assert_int_equal(percent_decode(*state, (struct str){text, strlen(bad[i])}, true, &out),
                         E_INVALID);
        assert_str(out, STR("untouched"));
        free(text);
    }
}

static void
percent_goes_both_ways(void **state)
{
    char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    struct str all = {bytes, sizeof(bytes)};
    for (int plus_is_space = 0; plus_is_space < 2; plus_is_space++) {
        struct str out;
        struct str text = percent_encoded(*state, all, plus_is_space);
        assert_int_equal(percent_decode(*state, text, plus_is_space, &out), OK);
        assert_str(out, all);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hex_goes_both_ways),
        TEST(hex_refuses_the_rest),
        TEST(base64_of_known_texts),
        TEST(base64_goes_both_ways),
        TEST(base64_refuses_the_rest),
        TEST(base64_knows_64_characters),
        TEST(percent_encodes_as_aws_does),
        TEST(percent_decodes),
        TEST(percent_decodes_plain_text_without_a_copy),
        TEST(percent_refuses_broken_escapes),
        TEST(percent_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
