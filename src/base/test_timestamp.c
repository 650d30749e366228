// Tests of text forms of points in time, against the C library's calendar.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const int64_t day_ms = 24 * 60 * 60 * 1000;
static const int64_t ms_min = -62167219200000; // 0000-01-01T00:00:00.000Z
static const int64_t ms_max = 253402300799999; // 9999-12-31T23:59:59.999Z

static void
prints_known_times(void **state)
{
    const struct {
        int64_t ms;
        const char *basic, *iso, *http;
    } rows[] = {
        {0, "19700101T000000Z", "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "19691231T235959Z", "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
        {1451411940123, "20151229T175900Z", "2015-12-29T17:59:00.123Z",
         "Tue, 29 Dec 2015 17:59:00 GMT"},
        {951782400000, "20000229T000000Z", "2000-02-29T00:00:00.000Z",
         "Tue, 29 Feb 2000 00:00:00 GMT"},
        {ms_min, "00000101T000000Z", "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 GMT"},
        {ms_max, "99991231T235959Z", "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[64];
        memset(out, '#', sizeof(out));
        timestamp_print_basic(rows[i].ms, out);
        assert_memory_equal(out, rows[i].basic, TIMESTAMP_BASIC_BYTES);
        assert_int_equal(out[TIMESTAMP_BASIC_BYTES], '#');
        timestamp_print_iso(rows[i].ms, out);
        assert_memory_equal(out, rows[i].iso, TIMESTAMP_ISO_BYTES);
        assert_int_equal(out[TIMESTAMP_ISO_BYTES], '#');
        timestamp_print_http(rows[i].ms, out);
        assert_memory_equal(out, rows[i].http, TIMESTAMP_HTTP_BYTES);
        assert_int_equal(out[TIMESTAMP_HTTP_BYTES], '#');
    }
}

static void
assert_like_the_c_library(int64_t ms)
{
    time_t seconds = (ms - ms_min) / 1000 + ms_min / 1000;
    struct tm tm;
    char wanted[64], got[TIMESTAMP_HTTP_BYTES];
    gmtime_r(&seconds, &tm);
    // %Y does not pad, and tests run in the C locale.
    strftime(wanted, sizeof(wanted), "%a, %d %b ", &tm);
    snprintf(wanted + 12, sizeof(wanted) - 12, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
             tm.tm_hour, tm.tm_min, tm.tm_sec);
    timestamp_print_http(ms, got);
    assert_memory_equal(got, wanted, sizeof(got));

    int64_t back;
    assert_int_equal(timestamp_parse_http((struct str){got, sizeof(got)}, &back), OK);
    assert_int_equal(back, seconds * 1000);
    char iso[TIMESTAMP_ISO_BYTES];
    timestamp_print_iso(ms, iso);
    assert_int_equal(timestamp_parse_iso((struct str){iso, sizeof(iso)}, &back), OK);
    assert_int_equal(back, ms);
}

static void
agrees_with_the_c_library(void **state)
{
    // Every day of two centuries with and without leap days at their ends, and every 50th of all.
    for (int64_t day = -27000; day <= 49000; day++)
        assert_like_the_c_library(day * day_ms);
    for (int64_t ms = ms_min; ms <= ms_max; ms += 50 * day_ms + 12345678)
        assert_like_the_c_library(ms);
    for (int64_t ms = -5000; ms < 5000; ms += 7)
        assert_like_the_c_library(ms);
}

typedef int parse_fn(struct str text, int64_t *out);

static void
assert_parses(parse_fn *parse, const char *text, int64_t wanted)
{
    int64_t ms = 77;
    assert_int_equal(parse(str_of(text), &ms), OK);
    assert_int_equal(ms, wanted);
}

static void
assert_refuses(parse_fn *parse, const char *text)
{
    // A heap block of the exact size, so that reading past it is found.
    size_t len = strlen(text);
    char *copy = malloc(len);
    memcpy(copy, text, len);
    int64_t ms = 77;
    assert_int_equal(parse((struct str){copy, len}, &ms), E_INVALID);
    assert_int_equal(ms, 77);
    free(copy);
}

static void
assert_refuses_parts_of(parse_fn *parse, const char *good)
{
    char text[100];
    assert_true(strlen(good) < 64);
    for (size_t len = 0; len < strlen(good); len++) {
        snprintf(text, sizeof(text), "%.*s", (int)len, good);
        assert_refuses(parse, text);
        // One character wrong.
        snprintf(text, sizeof(text), "%.63s", good);
        text[len] = '#';
        assert_refuses(parse, text);
    }
    snprintf(text, sizeof(text), "%.63s ", good);
    assert_refuses(parse, text);
    snprintf(text, sizeof(text), " %.63s", good);
    assert_refuses(parse, text);
    int64_t ms;
    assert_int_equal(parse((struct str){0}, &ms), E_INVALID);
}

static void
parses_basic(void **state)
{
    assert_parses(timestamp_parse_basic, "20151229T175900Z", 1451411940000);
    assert_parses(timestamp_parse_basic, "00000101T000000Z", ms_min);
    assert_parses(timestamp_parse_basic, "99991231T235959Z", ms_max - 999);
    assert_refuses_parts_of(timestamp_parse_basic, "20151229T175900Z");
}

static void
parses_iso(void **state)
{
    assert_parses(timestamp_parse_iso, "2015-12-29T17:59:00Z", 1451411940000);
    assert_parses(timestamp_parse_iso, "2015-12-29T17:59:00.1Z", 1451411940100);
    assert_parses(timestamp_parse_iso, "2015-12-29T17:59:00.12Z", 1451411940120);
    assert_parses(timestamp_parse_iso, "2015-12-29T17:59:00.123999999999999Z", 1451411940123);
    assert_parses(timestamp_parse_iso, "1969-12-31T23:59:59.999Z", -1);
    assert_parses(timestamp_parse_iso, "2015-12-29T17:59:00+00:00", 1451411940000);
    assert_parses(timestamp_parse_iso, "2015-12-29T19:29:00.5+01:30", 1451411940500);
    assert_parses(timestamp_parse_iso, "2015-12-29T09:59:00-08:00", 1451411940000);
    assert_refuses_parts_of(timestamp_parse_iso, "2015-12-29T17:59:00Z");
    assert_refuses(timestamp_parse_iso, "2015-12-29T17:59:00.Z");
    assert_refuses(timestamp_parse_iso, "2015-12-29T17:59:00.5");
    assert_refuses(timestamp_parse_iso, "2015-12-29T17:59:00+0000");
    assert_refuses(timestamp_parse_iso, "2015-12-29T17:59:00+24:00");
    assert_refuses(timestamp_parse_iso, "2015-12-29T17:59:00+00:60");
    assert_refuses(timestamp_parse_iso, "2015-12-29T17:59:00Z+00:00");
    assert_refuses(timestamp_parse_iso, "2015-12-29 17:59:00Z");
    assert_refuses(timestamp_parse_iso, "2015-12-29t17:59:00z");
    assert_refuses(timestamp_parse_iso, "+2015-12-29T17:59:00Z");
    // Would lie in years that have no text.
    assert_refuses(timestamp_parse_iso, "0000-01-01T00:00:00+00:01");
    assert_refuses(timestamp_parse_iso, "9999-12-31T23:59:59-00:01");
}

static void
parses_http(void **state)
{
    assert_parses(timestamp_parse_http, "Tue, 29 Dec 2015 17:59:00 GMT", 1451411940000);
    assert_parses(timestamp_parse_http, "Thu, 01 Jan 1970 00:00:00 GMT", 0);
    assert_refuses_parts_of(timestamp_parse_http, "Tue, 29 Dec 2015 17:59:00 GMT");
    assert_refuses(timestamp_parse_http, "tue, 29 Dec 2015 17:59:00 GMT");
    assert_refuses(timestamp_parse_http, "unM, 29 Dec 2015 17:59:00 GMT");
    assert_refuses(timestamp_parse_http, "Tue, 29 anF 2015 17:59:00 GMT");
    assert_refuses(timestamp_parse_http, "Tue, 29 Dec 2015 17:59:00 UTC");
    assert_refuses(timestamp_parse_http, "Tuesday, 29-Dec-15 17:59:00 GMT");
    assert_refuses(timestamp_parse_http, "Tue Dec 29 17:59:00 2015");
    assert_refuses(timestamp_parse_http, "Wed, 31 Nov 2015 17:59:00 GMT");
}

static void
refuses_dates_that_are_none(void **state)
{
    const char *bad[] = {"20151301T000000Z", "20150001T000000Z", "20150100T000000Z",
                         "20150132T000000Z", "20150431T000000Z", "20150229T000000Z",
                         "19000229T000000Z", "20000230T000000Z", "20150101T240000Z",
                         "20150101T006000Z", "20150101T000060Z", "2015-101T000000Z"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_refuses(timestamp_parse_basic, bad[i]);
    assert_parses(timestamp_parse_basic, "20000229T000000Z", 951782400000);
    assert_parses(timestamp_parse_basic, "20160229T000000Z", 1456704000000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_known_times), cmocka_unit_test(agrees_with_the_c_library),
        cmocka_unit_test(parses_basic),       cmocka_unit_test(parses_iso),
        cmocka_unit_test(parses_http),        cmocka_unit_test(refuses_dates_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
