// Patterns of models: the fast way and the slow one give Java's answers.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/pattern.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/pattern_plain.h"
#include "src/wire/pattern_syntax.h"
#include "src/wire/test_fixture.h"

static struct wire_patterns patterns;

static int
setup(void **state)
{
    arena_init(&arena);
    wire_patterns_init(&patterns);
    return 0;
}

static int
teardown(void **state)
{
    wire_patterns_fini(&patterns);
    arena_fini(&arena);
    return 0;
}

// A model whose text is that one pattern; texts live until the cache is gone.
static int
check(struct wire_patterns *p, const char *pattern, struct str s)
{
    struct buf text;
    buf_init(&text, &arena, 0);
    buf_put_char(&text, '\0');
    buf_put(&text, str_of(pattern));
    buf_put_char(&text, '\0');
    struct wire_model m = {.text = text.ptr};
    struct wire_constraint c = {.pattern = 1};
    return wire_pattern_check(p, &m, &c, s);
}

static bool
is_plain(const char *pattern)
{
    struct plain_pattern out;
    return plain_parse(str_of(pattern), &out);
}

// One of each kind in the models, the answers are those of Java 17. `no` never matches.
static const struct {
    const char *pattern;
    const char *yes, *no;
    bool is_plain;
} cases[] = {
    {"^[a-zA-Z0-9_-]+$", "a-Z_9", "a b", true},
    {"^[a-zA-Z0-9_-]+$", "a", "a\n", true},
    {"[\\w]{1,80}", "w", "", true},
    {"[\\w+=,.@-]+", "a+=,.@-", "a/b", true},
    {"[a-zA-Z][a-zA-Z0-9-]*", "a-1", "1a", true},
    {"vpc-[0-9a-f]{8,17}", "vpc-0123abcd", "vpc-0123abc", true},
    {"[^:].*", "a:", ":a", true},
    {"\\S+", "a\xc3\xa9", "a b", true},
    {"\\d{12}", "012345678901", "01234567890x", true},
    {".*", "\xe6\xb0\xb4\x0b", "a\nb", true},
    {".*", "", "a\xe2\x80\xa8", true}, // U+2028 ends a line
    {".{0,2}", "\xf0\x9f\x98\x80x", "abc", true},
    {"[\\u0020-\\u00FF]+", "\xc3\xbf", "\xc4\x80", true},
    {"[\\x20-\\x7E]*", "~ ", "\x7f", true},
    {"\\p{Print}+", " ~", "\xc3\xa9", true},
    {"[\\p{Print}]+", " ~", "\t", true},
    {"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", "\xc3\xa9 1@", "\xe2\x82\xac", true},
    {"[\\p{P}\\p{S}]*", "$%\xe2\x82\xac", "a", true},
    {"[\\w-_]*", "a-_", "+", true},
    {"[.a.]+", "a.", "b", true},
    {"[a-zA-Z\\d-_/]+", "a-_/1", ".", true},
    {"^.{1,100000}$", "\xc3\xa9", "", true},
    {"AWS|ThirdParty", "ThirdParty", "AWSThirdParty", false},
    {"^(a|b)|c$", "c", "ab", false},
    {"(?i)all|[0-9]{12}", "ALL", "al", false},
    {"(?s).*", "a\n\xe2\x80\xa8", "\xff", false},
    {"(?!aws:).+", "a", "aws:a", false},
    {"a.+(?<!-)", "a-b", "ab-", false},
    {"a+?b*", "aab", "ba", false},
    {"[a-z]*[a-z0-9]", "a1", "a-", false},
    {"(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", "/a/", "/a", false},
    {"[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*",
     "a\n\xf0\x9f\x98\x80", "\x0b", false},
    {"(a.)+", "a\xf0\x9f\x98\x80", "a\r", false},
    {"([\\w-/]){1,3}", "a-/", "a-/b", false},
};

static void
test_answers(void **state)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (check(&patterns, cases[i].pattern, str_of(cases[i].yes)) != OK ||
            check(&patterns, cases[i].pattern, str_of(cases[i].no)) != E_INVALID)
            fail_msg("%s", cases[i].pattern);
        if (is_plain(cases[i].pattern) != cases[i].is_plain &&
            strstr(cases[i].pattern, "\\uD800") == NULL)
            fail_msg("plain: %s", cases[i].pattern);
    }
}

// A group around it keeps a pattern from being plain.
static void
test_plain_is_the_same_as_slow(void **state)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "a-b",
                                        "vpc-0123abcd",
                                        "1a",
                                        ":a",
                                        "012345678901",
                                        " ",
                                        "a\nb",
                                        "\n",
                                        "a\r\n",
                                        "~",
                                        "\t",
                                        "\x0b",
                                        "_",
                                        "a@b=c",
                                        "]",
                                        "\xc3\xa9",
                                        "\xe2\x80\xa8",
                                        "\xff"};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str slow = arena_print(&arena, "(?:%s)", cases[i].pattern);
        if (!cases[i].is_plain)
            continue;
        for (size_t k = 0; k < COUNT_OF(texts); k++) {
            int fast_code = check(&patterns, cases[i].pattern, str_of(texts[k]));
            int slow_code = check(&patterns, arena_copy_z(&arena, slow), str_of(texts[k]));
            if (fast_code != slow_code)
                fail_msg("%s: %s", cases[i].pattern, texts[k]);
        }
    }
}

// Where a match would have to choose, or Java reads another language.
static void
test_what_is_not_plain(void **state)
{
    static const char *const not_plain[] = {
        "[a-z]*[a-z]", "a*b?a", "[^a]*[^b]+", "[a[b]]",  "[a&&b]",   "a|b",   "(a)",
        "a*?",         "a*+",   "a{2",        "a{2,1}",  "[a",       "[z-a]", "\\bfoo",
        "a^b",         "a$b",   "\\",         "\\p{Lu}", "\\P{L}",   "[]",    "\xc3\xa9",
        "a{,2}",       "\\x4",  "*a",         "a}",      "\\x4\x17", "\\u12"};
    for (size_t i = 0; i < COUNT_OF(not_plain); i++) {
        if (is_plain(not_plain[i]))
            fail_msg("%s", not_plain[i]);
    }
    assert_true(is_plain("[a-y]*z?[0-9]"));
    assert_false(is_plain("[a-y]*z?[a-f]"));
    assert_true(is_plain(""));
    assert_true(is_plain("[]-]"));
}

static void
test_translation(void **state)
{
    static const struct {
        const char *java, *pcre;
    } pairs[] = {
        {"a\\u0041", "a\\x{41}"},
        {"[\\uD800\\uDC00-\\uDBFF\\uDFFF]", "[\\x{10000}-\\x{10ffff}]"},
        {"\\uD800", "\\x{d800}"},
        {"\\p{Print}[\\p{Print}]", "[ -~][ -~]"},
        {"[\\w-_]\\w-", "[\\w\\-_]\\w-"},
        {"[\\w-]", "[\\w-]"},
        {"[.]\\.", "[\\.]\\."},
        {"[.a.][:a:]", "[\\.a.][\\:a:]"},
        {"(?s).", "(?s)."},
        {".", "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"},
        {"a{1,65535}", "a{1,65535}"},
        {"a{1,65536}", "a{1,}"},
        {"[{1,65536}]", "[{1,65536}]"},
        {"[]{1,65536}]", "[]{1,65536}]"},
        {"a\\", "a\\"},
        {"\\\\u0041", "\\\\u0041"},
        {"{", "{"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct buf b;
        buf_init(&b, &arena, 0);
        pattern_translate(str_of(pairs[i].java), &b);
        buf_put_char(&b, '\0');
        assert_string_equal(b.ptr, pairs[i].pcre);
    }
}

static struct str
repeated(const char *text, size_t times, const char *tail)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_of(text));
    buf_put(&b, str_of(tail));
    return buf_str(&b);
}

// The patterns are of models, and take other engines centuries.
static void
test_hostile_strings(void **state)
{
    assert_int_equal(check(&patterns, "[a-zA-Z](?:-?[a-zA-Z0-9]+)*", repeated("a", 5000, "!")),
                     E_LIMIT);
    assert_int_equal(check(&patterns, "^[ \\t]*[\\x20-\\x7E]+([ \\t]+[\\x20-\\x7E]+)*[ \\t]*$",
                           repeated(" ", 5000, "\n")),
                     E_LIMIT);
    assert_int_equal(check(&patterns, "[a-zA-Z](?:-?[a-zA-Z0-9]+)*", repeated("a-b", 5000, "")),
                     OK);
    assert_int_equal(check(&patterns, "(ab|cd)*", repeated("abcd", 50000, "")), OK);
}

static void
test_large_strings(void **state)
{
    assert_int_equal(check(&patterns, "^.{1,100000}$", repeated("a", 100000, "")), OK);
    assert_int_equal(check(&patterns, "^.{1,100000}$", repeated("a", 100001, "")), E_INVALID);
    assert_int_equal(
        check(&patterns, "-{5}([A-Z]{64}\\u000D?\\u000A)*-{5}", repeated("-----", 1, "-----")), OK);
    assert_int_equal(check(&patterns, "[\\p{L}]*", repeated("\xc3\xa9", 100000, "")), OK);
    assert_int_equal(check(&patterns, "[\\p{L}]*", repeated("\xc3\xa9", 100000, "1")), E_INVALID);
}

static void
test_cache(void **state)
{
    enum { COUNT = 100 };
    char *text = arena_alloc(&arena, 8 * COUNT);
    struct wire_model m = {.text = text};
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 1; i < COUNT; i++) {
            struct wire_constraint c = {.pattern = 8 * i};
            memcpy(text + c.pattern, "a|\0", 4);
            text[c.pattern + 2] = (char)('!' + i % 10 + 16);
            assert_int_equal(wire_pattern_check(&patterns, &m, &c, STR("a")), OK);
            assert_int_equal(wire_pattern_check(&patterns, &m, &c, STR("b")), E_INVALID);
        }
        assert_int_equal(patterns.count, COUNT - 1);
    }
}

static void
test_nothing_to_check(void **state)
{
    struct wire_constraint none = {0};
    struct wire_model m = {.text = ""};
    assert_int_equal(wire_pattern_check(&patterns, &m, &none, STR("x")), OK);
    assert_int_equal(patterns.count, 0);
    assert_int_equal(check(&patterns, "[a-z]*", (struct str){0}), OK);
    assert_int_equal(check(&patterns, "(a)", (struct str){0}), E_INVALID);
    assert_int_equal(check(&patterns, "(broken", STR("broken")), E_INVALID);
    assert_int_equal(check(&patterns, "(broken", STR("broken")), E_INVALID);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers),     TEST(test_plain_is_the_same_as_slow), TEST(test_what_is_not_plain),
        TEST(test_translation), TEST(test_hostile_strings),           TEST(test_large_strings),
        TEST(test_cache),       TEST(test_nothing_to_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
