// Text forms of points in time, by arithmetic of our own: no locale, no time zone files.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/timestamp.h"

static const int64_t second_ms = 1000;
static const int64_t day_ms = 24 * 60 * 60 * 1000;

// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
static const int64_t ms_min = -62167219200000;
static const int64_t ms_max = 253402300799999;

// Three letters each.
static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct civil {
    int year;
    int month;   // 1..12
    int day;     // 1..31
    int weekday; // 0 is Sunday; printing only
    int hour;
    int minute;
    int second;
    int ms;
};

// Years are taken to begin in March, so that the leap day is the last of its year, and to lie in
// eras of 400 years, which are all 146097 days long and begin 719468 days before 1970-01-01.
enum { ERA_YEARS = 400, ERA_DAYS = 146097, DAYS_TO_1970 = 719468 };

// Days before the given month, 0 being March.
static int
days_before_month(int month_from_march)
{
    return (153 * month_from_march + 2) / 5;
}

// Days since 1970-01-01. The year is 0..9999.
static int64_t
days_of(const struct civil *c)
{
    // One era is added so that January and February of the year 0 do not lie below zero.
    int year = c->year - (c->month <= 2) + ERA_YEARS;
    int year_of_era = year % ERA_YEARS;
    int day_of_year = days_before_month((c->month + 9) % 12) + c->day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)(year / ERA_YEARS - 1) * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

static void
set_date(struct civil *c, int days_since_1970)
{
    int days = days_since_1970 + DAYS_TO_1970 + ERA_DAYS; // as in days_of
    int day_of_era = days % ERA_DAYS;
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    c->day = day_of_year - days_before_month(month_from_march) + 1;
    c->month = (month_from_march + 2) % 12 + 1;
    c->year = (days / ERA_DAYS - 1) * ERA_YEARS + year_of_era + (c->month <= 2);
    c->weekday = (days + 3) % 7; // 0000-03-01 was a Wednesday, and an era is whole weeks
}

static struct civil
civil_of(int64_t ms)
{
    CHECK(ms >= ms_min && ms <= ms_max);
    int64_t days = (ms - ms_min) / day_ms + ms_min / day_ms; // rounds down before 1970 as well
    int of_day = (int)(ms - days * day_ms);
    struct civil c = {0};
    set_date(&c, (int)days);
    c.ms = of_day % 1000;
    c.second = of_day / 1000 % 60;
    c.minute = of_day / 60000 % 60;
    c.hour = of_day / 3600000;
    return c;
}

static char *
put_number(char *out, int value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

static char *
put_char(char *out, char c)
{
    *out = c;
    return out + 1;
}

static char *
put_name(char *out, const char *names, int index)
{
    memcpy(out, names + 3 * index, 3);
    return out + 3;
}

static char *
put_clock(char *out, const struct civil *c)
{
    out = put_char(put_number(out, c->hour, 2), ':');
    out = put_char(put_number(out, c->minute, 2), ':');
    return put_number(out, c->second, 2);
}

void
timestamp_print_basic(int64_t ms, char *out)
{
    struct civil c = civil_of(ms);
    out = put_number(out, c.year, 4);
    out = put_number(out, c.month, 2);
    out = put_char(put_number(out, c.day, 2), 'T');
    out = put_number(out, c.hour, 2);
    out = put_number(out, c.minute, 2);
    put_char(put_number(out, c.second, 2), 'Z');
}

void
timestamp_print_iso(int64_t ms, char *out)
{
    struct civil c = civil_of(ms);
    out = put_char(put_number(out, c.year, 4), '-');
    out = put_char(put_number(out, c.month, 2), '-');
    out = put_char(put_number(out, c.day, 2), 'T');
    out = put_char(put_clock(out, &c), '.');
    put_char(put_number(out, c.ms, 3), 'Z');
}

void
timestamp_print_http(int64_t ms, char *out)
{
    struct civil c = civil_of(ms);
    out = put_char(put_char(put_name(out, weekdays, c.weekday), ','), ' ');
    out = put_char(put_number(out, c.day, 2), ' ');
    out = put_char(put_name(out, months, c.month - 1), ' ');
    out = put_char(put_number(out, c.year, 4), ' ');
    out = put_clock(out, &c);
    memcpy(out, " GMT", 4);
}

// What is left of a text, and whether everything so far was as expected.
struct cursor {
    const char *at;
    const char *end;
    bool is_good;
};

static struct cursor
cursor_of(struct str text)
{
    const char *at = str_is_present(text) ? text.ptr : "";
    return (struct cursor){at, at + text.len, true};
}

static bool
is_digit_next(const struct cursor *c)
{
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static int
take_number(struct cursor *c, int digits)
{
    int value = 0;
    for (; digits > 0; digits--) {
        if (!is_digit_next(c)) {
            c->is_good = false;
            return 0;
        }
        value = value * 10 + (*c->at++ - '0');
    }
    return value;
}

static bool
take_char_if(struct cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static void
take_text(struct cursor *c, const char *wanted)
{
    for (; *wanted != '\0'; wanted++)
        c->is_good = take_char_if(c, *wanted) && c->is_good;
}

// The index of a name of three letters.
static int
take_name(struct cursor *c, const char *names)
{
    for (int i = 0; c->end - c->at >= 3 && names[3 * i] != '\0'; i++) {
        if (memcmp(c->at, names + 3 * i, 3) == 0) {
            c->at += 3;
            return i;
        }
    }
    c->is_good = false;
    return 0;
}

static void
take_clock(struct cursor *c, struct civil *civil)
{
    civil->hour = take_number(c, 2);
    take_text(c, ":");
    civil->minute = take_number(c, 2);
    take_text(c, ":");
    civil->second = take_number(c, 2);
}

// Milliseconds; digits after the third are dropped.
static int
take_fraction(struct cursor *c)
{
    int ms = 0;
    c->is_good = c->is_good && is_digit_next(c);
    for (int unit = 100; is_digit_next(c); unit /= 10)
        ms += (*c->at++ - '0') * unit;
    return ms;
}

// 'Z' or +hh:mm or -hh:mm, in milliseconds.
static int64_t
take_offset(struct cursor *c)
{
    if (take_char_if(c, 'Z'))
        return 0;
    bool is_west = take_char_if(c, '-');
    if (!is_west)
        take_text(c, "+");
    int hours = take_number(c, 2);
    take_text(c, ":");
    int minutes = take_number(c, 2);
    c->is_good = c->is_good && hours < 24 && minutes < 60;
    int64_t ms = (hours * 60 + minutes) * 60 * second_ms;
    return is_west ? -ms : ms;
}

static int
days_in_month(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

static bool
is_real(const struct civil *c)
{
    return c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days_in_month(c->year, c->month) && c->hour < 24 && c->minute < 60 &&
           c->second < 60;
}

static int
finish(const struct cursor *cursor, const struct civil *c, int64_t offset_ms, int64_t *out)
{
    if (!cursor->is_good || cursor->at != cursor->end || !is_real(c))
        return E_INVALID;
    int64_t seconds = (c->hour * 60 + c->minute) * 60 + c->second;
    int64_t ms = days_of(c) * day_ms + seconds * second_ms + c->ms - offset_ms;
    // An offset may lead out of the years that can be printed.
    if (ms < ms_min || ms > ms_max)
        return E_INVALID;
    *out = ms;
    return OK;
}

int
timestamp_parse_basic(struct str text, int64_t *out)
{
    struct cursor cursor = cursor_of(text);
    struct civil c = {0};
    c.year = take_number(&cursor, 4);
    c.month = take_number(&cursor, 2);
    c.day = take_number(&cursor, 2);
    take_text(&cursor, "T");
    c.hour = take_number(&cursor, 2);
    c.minute = take_number(&cursor, 2);
    c.second = take_number(&cursor, 2);
    take_text(&cursor, "Z");
    return finish(&cursor, &c, 0, out);
}

int
timestamp_parse_iso(struct str text, int64_t *out)
{
    struct cursor cursor = cursor_of(text);
    struct civil c = {0};
    c.year = take_number(&cursor, 4);
    take_text(&cursor, "-");
    c.month = take_number(&cursor, 2);
    take_text(&cursor, "-");
    c.day = take_number(&cursor, 2);
    take_text(&cursor, "T");
    take_clock(&cursor, &c);
    if (take_char_if(&cursor, '.'))
        c.ms = take_fraction(&cursor);
    int64_t offset_ms = take_offset(&cursor);
    return finish(&cursor, &c, offset_ms, out);
}

int
timestamp_parse_http(struct str text, int64_t *out)
{
    struct cursor cursor = cursor_of(text);
    struct civil c = {0};
    // Which weekday it says is not compared with the date: nobody relies on it.
    take_name(&cursor, weekdays);
    take_text(&cursor, ", ");
    c.day = take_number(&cursor, 2);
    take_text(&cursor, " ");
    c.month = take_name(&cursor, months) + 1;
    take_text(&cursor, " ");
    c.year = take_number(&cursor, 4);
    take_text(&cursor, " ");
    take_clock(&cursor, &c);
    take_text(&cursor, " GMT");
    return finish(&cursor, &c, 0, out);
}
