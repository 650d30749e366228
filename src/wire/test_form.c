// Forms: their order, their segments, and hostile names.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/form.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/buf.h"
#include "src/wire/test_fixture.h"

enum { PAIRS_MAX = 1000 };

static struct form
parse(const char *text)
{
    struct form f;
    assert_int_equal(form_parse(&arena, str_of(text), PAIRS_MAX, &f), OK);
    return f;
}

static void
assert_sorted(const char *text, const char *want)
{
    struct form f = parse(text);
    struct buf b;
    buf_init(&b, &arena, 0);
    for (size_t i = 0; i < f.count; i++) {
        buf_put(&b, i == 0 ? STR("") : STR(" "));
        buf_put(&b, f.pairs[i].name);
        buf_put_char(&b, '=');
        buf_put(&b, f.pairs[i].value);
    }
    if (!str_eq(buf_str(&b), str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(buf_str(&b)), want);
}

static void
test_order(void **state)
{
    assert_sorted("", "");
    assert_sorted("&&&", "");
    assert_sorted("b=1&a=2", "a=2 b=1");
    assert_sorted("L.10=c&L.9=b&L.1=a&L=", "L= L.1=a L.9=b L.10=c");
    // What is below a name follows it at once.
    assert_sorted("Foo.1=a&Foo-x=b&FooBar=c&Foo=d&Foo.1.x=e&Foo.=f",
                  "Foo=d Foo.=f Foo.1=a Foo.1.x=e Foo-x=b FooBar=c");
    assert_sorted("a=1&b=2&a=3&a=0", "a=1 a=3 a=0 b=2");
}

static void
test_decoding(void **state)
{
    assert_sorted("a%2Eb=%3D+%26&c=d=e&f", "a.b== & c=d=e f=");
    struct form f;
    assert_int_equal(form_parse(&arena, STR("a=%"), PAIRS_MAX, &f), E_INVALID);
    assert_int_equal(form_parse(&arena, STR("%g0=a"), PAIRS_MAX, &f), E_INVALID);
}

static void
test_values_are_not_copied(void **state)
{
    const char *text = "Body=plain";
    struct form f = parse(text);
    assert_ptr_equal(f.pairs[0].value.ptr, text + 5);
}

static void
test_pairs_are_limited(void **state)
{
    struct form f;
    assert_int_equal(form_parse(&arena, STR("a&b&c"), 3, &f), OK);
    assert_int_equal(form_parse(&arena, STR("a&b&c"), 2, &f), E_LIMIT);
}

static void
test_segments(void **state)
{
    struct form f = parse("A.2.x=1&A.2.y=2&A.10=3&A=4&A=5&B.=6&.C=7");
    struct form_range all = form_all(&f), a, below;
    struct str segment;
    assert_true(form_next(&f, &all, &segment, &below));
    assert_int_equal(segment.len, 0);
    assert_true(form_next(&f, &all, &segment, &a));
    assert_true(str_eq(segment, STR("A")));
    assert_true(str_eq(a.value, STR("4")));
    assert_int_equal(a.to - a.from, 3);
    assert_true(form_find(&f, &a, STR("10"), &below));
    assert_true(str_eq(below.value, STR("3")));
    assert_true(form_find(&f, &a, STR("2"), &below));
    assert_false(str_is_present(below.value));
    assert_int_equal(below.to - below.from, 2);
    assert_false(form_find(&f, &a, STR("1"), &below));
    assert_true(form_next(&f, &all, &segment, &below));
    assert_true(str_eq(segment, STR("B")));
    assert_int_equal(below.to - below.from, 1);
    assert_false(form_next(&f, &all, &segment, &below));
}

// Every pair is reached exactly once, whatever the names look like.
static size_t
walk(const struct form *f, struct form_range range)
{
    struct str segment;
    struct form_range below;
    size_t count = 0, from = range.from;
    while (form_next(f, &range, &segment, &below)) {
        size_t own = below.from - from;
        assert_int_equal(own > 0, str_is_present(below.value));
        count += own + walk(f, below);
        from = range.from;
    }
    return count;
}

static void
test_every_pair_is_reached(void **state)
{
    static const char alphabet[] = "a.1&";
    char text[48];
    uint32_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        for (size_t i = 0; i < sizeof(text); i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[seed >> 16 & 3];
        }
        struct form f;
        struct arena_mark mark = arena_mark(&arena);
        assert_int_equal(form_parse(&arena, (struct str){text, sizeof(text)}, PAIRS_MAX, &f), OK);
        assert_int_equal(walk(&f, form_all(&f)), f.count);
        arena_rewind(&arena, mark);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_order),
        UNIT(test_decoding),
        UNIT(test_values_are_not_copied),
        UNIT(test_pairs_are_limited),
        UNIT(test_segments),
        UNIT(test_every_pair_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
