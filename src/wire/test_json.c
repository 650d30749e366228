// JSON text: the reader against JSONTestSuite and hostile inputs, the writer.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DEPTH = 64, LINE_BYTES_MAX = 4096 };

static const char *testdata;

static int
setup(void **state)
{
    static struct arena arena;
    arena_init(&arena);
    *state = &arena;
    return 0;
}

static int
teardown(void **state)
{
    arena_fini(*state);
    return 0;
}

static int
check_text(struct arena *arena, struct str text)
{
    struct json_reader r;
    json_reader_init(&r, text, arena, DEPTH);
    TRY(json_skip(&r));
    return json_end(&r);
}

static int
read_string(struct arena *arena, const char *text, struct str *out)
{
    struct json_reader r;
    json_reader_init(&r, str_of(text), arena, DEPTH);
    TRY(json_read_string(&r, out));
    return json_end(&r);
}

static size_t
unescape(char *text)
{
    char *to = text;
    for (char *from = text; *from != '\0';) {
        char hex[3] = {0};
        if (*from != '\\') {
            *to++ = *from++;
        } else if (from[1] == '\\') {
            *to++ = '\\';
            from += 2;
        } else {
            memcpy(hex, from + 2, 2);
            *to++ = (char)strtol(hex, NULL, 16);
            from += 4;
        }
    }
    return (size_t)(to - text);
}

static void
test_vectors(void **state)
{
    char path[1024], line[LINE_BYTES_MAX];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/json/vectors.txt", testdata);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *text = strchr(line, '\t');
        assert_non_null(text);
        *text++ = '\0';
        // A copy of the exact size: the sanitizer sees a read behind the end.
        size_t len = unescape(text);
        char *exact = malloc(len + 1);
        memcpy(exact, text, len);
        exact = realloc(exact, len > 0 ? len : 1);
        int code = check_text(*state, (struct str){exact, len});
        free(exact);
        if ((line[0] == 'y' && code != OK) || (line[0] == 'n' && code == OK))
            fail_msg("%s: %s", line, code_name(code));
        count++;
    }
    fclose(file);
    assert_int_equal(count, 316);
}

// The two files of the suite that are too long for a line.
static void
test_deep_nesting_is_refused(void **state)
{
    enum { TIMES = 100000 };
    struct buf b;
    buf_init(&b, *state, 5 * TIMES);
    for (int i = 0; i < TIMES; i++)
        buf_put_char(&b, '[');
    assert_int_equal(check_text(*state, buf_str(&b)), E_LIMIT);
    b.len = 0;
    for (int i = 0; i < TIMES; i++)
        buf_put(&b, STR("[{\"\":"));
    assert_int_equal(check_text(*state, buf_str(&b)), E_LIMIT);
}

static void
test_depth_is_exact(void **state)
{
    char text[2 * (DEPTH + 1)];
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    assert_int_equal(check_text(*state, (struct str){text, 2 * DEPTH}), OK);
    memset(text, '[', DEPTH + 1);
    memset(text + DEPTH + 1, ']', DEPTH + 1);
    assert_int_equal(check_text(*state, (struct str){text, sizeof(text)}), E_LIMIT);
}

static void
test_strings_without_escapes_are_not_copied(void **state)
{
    struct str out;
    const char *text = "\"a string that is longer than a word: h\xc3\xbc\"";
    assert_int_equal(read_string(*state, text, &out), OK);
    assert_ptr_equal(out.ptr, text + 1);
    assert_int_equal(out.len, strlen(text) - 2);
}

static void
test_escapes(void **state)
{
    struct str out;
    assert_int_equal(read_string(*state, "\"a\\n\\u00e9\\ud834\\udd1e\\\"\\/\\\\ \\u0000.\"", &out),
                     OK);
    struct str want = STR("a\n\xc3\xa9\xf0\x9d\x84\x9e\"/\\ \0.");
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.ptr, want.ptr, want.len);
}

static void
test_broken_strings(void **state)
{
    static const char *const texts[] = {
        "\"",           "\"\\\"",           "\"\\u12\"",        "\"\\ud800\"",        "\"\\udc00\"",
        "\"\\ud800x\"", "\"\\x\"",          "\"\n\"",           "\"\\ud800\\ud800\"", "\"\xff\"",
        "\"\\n\xff\"",  "\"\xed\xa0\x80\"", "\"abcdefgh\x01\"", "\"\\\n\"",
    };
    struct str out;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(read_string(*state, texts[i], &out), E_INVALID);
}

// A special byte at every place of the words that the scanner reads.
static void
test_string_ends_at_every_offset(void **state)
{
    char text[40];
    struct str out;
    for (size_t len = 0; len < sizeof(text) - 3; len++) {
        memset(text, 'x', sizeof(text));
        text[0] = '"';
        memcpy(text + 1 + len, "\"", 2);
        assert_int_equal(read_string(*state, text, &out), OK);
        assert_int_equal(out.len, len);
        memcpy(text + 1 + len, "\x1f\"", 3);
        assert_int_equal(read_string(*state, text, &out), E_INVALID);
    }
}

static void
test_pull_reader(void **state)
{
    struct json_reader r;
    struct str key, number;
    bool more;
    json_reader_init(&r, STR(" {\"a\" : [ 1 ,-2.5e3, null ] , \"b\":{}} "), *state, DEPTH);
    assert_int_equal(json_peek(&r), JSON_OBJECT);
    assert_int_equal(json_object_begin(&r), OK);
    assert_int_equal(json_object_next(&r, &more, &key), OK);
    assert_true(more && str_eq(key, STR("a")));
    assert_int_equal(json_array_begin(&r), OK);
    assert_int_equal(json_array_next(&r, &more), OK);
    assert_int_equal(json_read_number(&r, &number), OK);
    assert_true(str_eq(number, STR("1")));
    assert_int_equal(json_array_next(&r, &more), OK);
    assert_int_equal(json_peek(&r), JSON_NUMBER);
    assert_int_equal(json_read_number(&r, &number), OK);
    assert_true(str_eq(number, STR("-2.5e3")));
    assert_int_equal(json_array_next(&r, &more), OK);
    assert_int_equal(json_read_literal(&r), OK);
    assert_int_equal(json_array_next(&r, &more), OK);
    assert_false(more);
    assert_int_equal(json_object_next(&r, &more, &key), OK);
    assert_true(more && str_eq(key, STR("b")));
    assert_int_equal(json_skip(&r), OK);
    assert_int_equal(json_object_next(&r, &more, &key), OK);
    assert_false(more);
    assert_int_equal(json_end(&r), OK);
    assert_int_equal(r.depth, 0);
}

static void
test_absent_text_is_no_value(void **state)
{
    struct json_reader r;
    json_reader_init(&r, (struct str){0}, *state, DEPTH);
    assert_int_equal(json_peek(&r), JSON_BAD);
    assert_int_equal(json_skip(&r), E_INVALID);
    assert_int_equal(json_end(&r), OK);
}

static void
assert_written(struct arena *arena, struct str text, struct str want)
{
    struct buf b;
    buf_init(&b, arena, 0);
    json_put_string(&b, text);
    struct str got = buf_str(&b);
    if (!str_eq(got, want))
        fail_msg("got " STR_FMT ", want " STR_FMT, STR_ARG(got), STR_ARG(want));
}

static void
test_writer(void **state)
{
    assert_written(*state, STR(""), STR("\"\""));
    assert_written(*state, (struct str){0}, STR("\"\""));
    assert_written(*state, STR("a\"b\\c\n\r\t\b\f\x01\x1f/\x7f"),
                   STR("\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f/\x7f\""));
    assert_written(*state, STR("nul\0nul"), STR("\"nul\\u0000nul\""));
    assert_written(*state, STR("h\xc3\xbc \xf0\x9d\x84\x9e"),
                   STR("\"h\xc3\xbc \xf0\x9d\x84\x9e\""));
    assert_written(
        *state, STR("\xc3\xbc\xff\xc3\n\xed\xa0\x80"),
        STR("\"\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd\\n\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""));
}

// What is written reads back the same, for every byte at every place of a word.
static void
test_writer_reads_back(void **state)
{
    char text[12];
    struct buf b;
    struct str out;
    for (size_t at = 0; at < sizeof(text); at++) {
        for (int c = 0; c < 128; c++) {
            struct arena_mark mark = arena_mark(*state);
            struct json_reader r;
            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            buf_init(&b, *state, 64);
            json_put_string(&b, (struct str){text, sizeof(text)});
            json_reader_init(&r, buf_str(&b), *state, DEPTH);
            assert_int_equal(json_read_string(&r, &out), OK);
            assert_int_equal(out.len, sizeof(text));
            assert_memory_equal(out.ptr, text, sizeof(text));
            arena_rewind(*state, mark);
        }
    }
}

#define UNIT(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_vectors),
        UNIT(test_deep_nesting_is_refused),
        UNIT(test_depth_is_exact),
        UNIT(test_strings_without_escapes_are_not_copied),
        UNIT(test_escapes),
        UNIT(test_broken_strings),
        UNIT(test_string_ends_at_every_offset),
        UNIT(test_pull_reader),
        UNIT(test_absent_text_is_no_value),
        UNIT(test_writer),
        UNIT(test_writer_reads_back),
    };
    CHECK(argc == 2); // the folder testdata
    testdata = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
