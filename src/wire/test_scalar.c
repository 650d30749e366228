// Text forms of numbers and times.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/scalar.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
test_integers(void **state)
{
    static const struct {
        const char *text;
        int code;
        int64_t value;
    } cases[] = {
        {"0", OK, 0},
        {"-0", OK, 0},
        {"1.0", OK, 1},
        {"1e2", OK, 100},
        {"1E+2", OK, 100},
        {"100e-2", OK, 1},
        {"1.50e1", OK, 15},
        {"0.001e3", OK, 1},
        {"0e999999999999", OK, 0},
        {"9223372036854775807", OK, INT64_MAX},
        {"-9223372036854775808", OK, INT64_MIN},
        {"9007199254740993.0", OK, INT64_C(9007199254740993)},
        {"000000000000000000000000012", OK, 12},
        {"9223372036854775808", E_LIMIT, 0},
        {"-9223372036854775809", E_LIMIT, 0},
        {"99999999999999999999", E_LIMIT, 0},
        {"1e19", E_LIMIT, 0},
        {"1e999999999999", E_LIMIT, 0},
        {"1e-999999999999", E_INVALID, 0},
        {"1.5", E_INVALID, 0},
        {"150e-2", E_INVALID, 0},
        {"", E_INVALID, 0},
        {"-", E_INVALID, 0},
        {".", E_INVALID, 0},
        {"1.2.3", E_INVALID, 0},
        {"1e", E_INVALID, 0},
        {"1e+", E_INVALID, 0},
        {" 1", E_INVALID, 0},
        {"1 ", E_INVALID, 0},
        {"0x10", E_INVALID, 0},
        {"+1", E_INVALID, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 0;
        int code = scalar_parse_int(str_of(cases[i].text), &value);
        if (code != cases[i].code || (code == OK && value != cases[i].value))
            fail_msg("%s: %d %lld", cases[i].text, code, (long long)value);
    }
}

static void
test_doubles(void **state)
{
    struct arena arena;
    double value;
    arena_init(&arena);
    assert_int_equal(scalar_parse_double(&arena, STR("-1.25e2"), &value), OK);
    assert_true(value == -125);
    assert_int_equal(scalar_parse_double(&arena, STR("NaN"), &value), OK);
    assert_true(isnan(value));
    assert_int_equal(scalar_parse_double(&arena, STR("-Infinity"), &value), OK);
    assert_true(isinf(value) && value < 0);
    assert_int_equal(scalar_parse_double(&arena, STR("1e999"), &value), E_LIMIT);
    assert_int_equal(scalar_parse_double(&arena, STR("nan"), &value), E_INVALID);
    assert_int_equal(scalar_parse_double(&arena, STR("inf"), &value), E_INVALID);
    assert_int_equal(scalar_parse_double(&arena, STR("0x1p3"), &value), E_INVALID);
    arena_fini(&arena);
}

static void
assert_double(double value, const char *want)
{
    struct arena arena;
    struct buf b;
    arena_init(&arena);
    buf_init(&b, &arena, 0);
    scalar_put_double(&b, value);
    if (!str_eq(buf_str(&b), str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(buf_str(&b)), want);
    arena_fini(&arena);
}

static void
test_doubles_are_shortest(void **state)
{
    assert_double(0, "0.0");
    assert_double(1, "1.0");
    assert_double(-1.5, "-1.5");
    assert_double(0.1, "0.1");
    assert_double(1.0 / 3, "0.3333333333333333");
    assert_double(1e300, "1e+300");
    assert_double(5e-324, "4.94065645841247e-324");
    assert_double(NAN, "NaN");
    assert_double(INFINITY, "Infinity");
    assert_double(-INFINITY, "-Infinity");
}

static void
test_times(void **state)
{
    static const struct {
        enum wire_time_format format;
        const char *text;
        int64_t ms;
    } cases[] = {
        {WIRE_TIME_EPOCH, "1422172800", 1422172800000},
        {WIRE_TIME_EPOCH, "1422172800.123", 1422172800123},
        {WIRE_TIME_EPOCH, "-1.5", -1500},
        {WIRE_TIME_ISO, "2015-01-25T08:00:00.000Z", 1422172800000},
        {WIRE_TIME_HTTP, "Sun, 25 Jan 2015 08:00:00 GMT", 1422172800000},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;
        int64_t ms;
        assert_int_equal(scalar_parse_time(cases[i].format, str_of(cases[i].text), &ms), OK);
        assert_int_equal(ms, cases[i].ms);
        buf_init(&b, &arena, 0);
        scalar_put_time(&b, cases[i].format, ms);
        if (cases[i].ms != -1500 && !str_eq(buf_str(&b), str_of(cases[i].text)))
            fail_msg("got " STR_FMT ", want %s", STR_ARG(buf_str(&b)), cases[i].text);
    }
    arena_fini(&arena);
}

static void
test_times_that_cannot_be(void **state)
{
    int64_t ms;
    assert_int_equal(scalar_parse_time(WIRE_TIME_EPOCH, STR("1.4221728e9"), &ms), OK);
    assert_int_equal(ms, 1422172800000);
    assert_int_equal(scalar_parse_time(WIRE_TIME_EPOCH, STR("0.0019"), &ms), OK);
    assert_int_equal(ms, 1);
    assert_int_equal(scalar_parse_time(WIRE_TIME_EPOCH, STR("253402300800"), &ms), E_LIMIT);
    assert_int_equal(scalar_parse_time(WIRE_TIME_EPOCH, STR("-1e15"), &ms), E_LIMIT);
    assert_int_equal(scalar_parse_time(WIRE_TIME_EPOCH, STR("soon"), &ms), E_INVALID);
    assert_int_equal(scalar_parse_time(WIRE_TIME_ISO, STR("1422172800"), &ms), E_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_doubles_are_shortest),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_times_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
