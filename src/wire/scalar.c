// Text forms of numbers and times, alike in all protocols.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/timestamp.h"

enum {
    EXPONENT_MAX = 1000000, // larger ones are cut to it: no text is that long
    DIGITS_MAX = 19,        // of INT64_MAX
    DOUBLE_TEXT_BYTES = 32,
};
static const int64_t TIME_MS_MIN = INT64_C(-62167219200000); // 0000-01-01
static const int64_t TIME_MS_MAX = INT64_C(253402300799999); // 9999-12-31

// Decimal text in its parts: 0.DIGITS times ten to the power of `point`.
struct decimal {
    struct str digits; // from the first that is not 0, maybe with a '.'
    ptrdiff_t point;
    bool is_negative;
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int
parse_exponent(struct str text, ptrdiff_t *out)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    size_t i = is_negative || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0;
    *out = 0;
    if (i == text.len)
        return E_INVALID;
    for (; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return E_INVALID;
        if (*out < EXPONENT_MAX)
            *out = *out * 10 + (text.ptr[i] - '0');
    }
    if (is_negative)
        *out = -*out;
    return OK;
}

static size_t
mantissa_end(struct str text)
{
    size_t i = 0;
    while (i < text.len && (is_digit(text.ptr[i]) || text.ptr[i] == '.'))
        i++;
    return i;
}

// Finds the first significant digit and where the point stands behind it.
static int
parse_mantissa(struct str text, struct decimal *out)
{
    ptrdiff_t point = str_find_char(text, '.');
    size_t first = 0;
    while (first < text.len && (text.ptr[first] == '0' || text.ptr[first] == '.'))
        first++;
    out->digits = str_slice(text, first, text.len);
    if (point < 0)
        point = (ptrdiff_t)text.len;
    else if (str_find_char(str_slice(text, (size_t)point + 1, text.len), '.') >= 0)
        return E_INVALID;
    out->point = point - (ptrdiff_t)first + (point < (ptrdiff_t)first ? 1 : 0);
    return text.len == 0 || (text.len == 1 && point == 0) ? E_INVALID : OK;
}

static int
parse_decimal(struct str text, struct decimal *out)
{
    ptrdiff_t exponent = 0;
    out->is_negative = text.len > 0 && text.ptr[0] == '-';
    text = str_slice(text, out->is_negative ? 1 : 0, text.len);
    size_t end = mantissa_end(text);
    TRY(parse_mantissa(str_slice(text, 0, end), out));
    if (end < text.len) {
        if ((text.ptr[end] | 0x20) != 'e')
            return E_INVALID;
        TRY(parse_exponent(str_slice(text, end + 1, text.len), &exponent));
    }
    out->point += exponent;
    return OK;
}

// The number times ten to the power of `shift`, cut towards zero; *is_exact when nothing was cut.
static int
decimal_to_int(const struct decimal *d, int shift, int64_t *out, bool *is_exact)
{
    ptrdiff_t left = d->point + shift; // digits before the point
    uint64_t value = 0;
    *is_exact = true;
    if (left > DIGITS_MAX && d->digits.len > 0)
        return E_LIMIT;
    for (size_t i = 0; i < d->digits.len; i++) {
        char c = d->digits.ptr[i];
        if (c == '.')
            continue;
        if (left > 0)
            value = value * 10 + (uint64_t)(c - '0');
        else if (c != '0')
            *is_exact = false;
        left--;
    }
    for (; left > 0 && value > 0; left--)
        value *= 10;
    if (value > (uint64_t)INT64_MAX + (d->is_negative ? 1 : 0))
        return E_LIMIT;
    *out = (int64_t)(d->is_negative ? 0 - value : value);
    return OK;
}

int
scalar_parse_int(struct str text, int64_t *out)
{
    struct decimal d;
    bool is_exact;
    TRY(parse_decimal(text, &d));
    TRY(decimal_to_int(&d, 0, out, &is_exact));
    return is_exact ? OK : E_INVALID;
}

static bool
parse_not_finite(struct str text, double *out)
{
    bool is_negative = str_starts(text, STR("-"));
    if (str_eq(text, STR("NaN")))
        *out = NAN;
    else if (str_eq(str_slice(text, is_negative ? 1 : 0, text.len), STR("Infinity")))
        *out = is_negative ? -INFINITY : INFINITY;
    else
        return false;
    return true;
}

int
scalar_parse_double(struct arena *arena, struct str text, double *out)
{
    struct decimal d;
    if (parse_not_finite(text, out))
        return OK;
    TRY(parse_decimal(text, &d)); // strtod takes more than that
    *out = strtod(arena_copy_z(arena, text), NULL);
    return isfinite(*out) ? OK : E_LIMIT;
}

static int
parse_seconds(struct str text, int64_t *ms)
{
    struct decimal d;
    bool is_exact;
    TRY(parse_decimal(text, &d));
    return decimal_to_int(&d, 3, ms, &is_exact);
}

int
scalar_parse_time(enum wire_time_format format, struct str text, int64_t *ms)
{
    CHECK(format != WIRE_TIME_DEFAULT);
    if (format == WIRE_TIME_EPOCH)
        TRY(parse_seconds(text, ms));
    else if (format == WIRE_TIME_HTTP)
        TRY(timestamp_parse_http(text, ms));
    else
        TRY(timestamp_parse_iso(text, ms));
    return *ms >= TIME_MS_MIN && *ms <= TIME_MS_MAX ? OK : E_LIMIT;
}

static void
put_finite(struct buf *b, double value)
{
    char text[DOUBLE_TEXT_BYTES];
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_put(b, (struct str){text, (size_t)len});
    if (strpbrk(text, ".e") == NULL)
        buf_put(b, STR(".0"));
}

void
scalar_put_double(struct buf *b, double value)
{
    if (isnan(value))
        buf_put(b, STR("NaN"));
    else if (isinf(value))
        buf_put(b, value < 0 ? STR("-Infinity") : STR("Infinity"));
    else
        put_finite(b, value);
}

static void
put_seconds(struct buf *b, int64_t ms)
{
    uint64_t positive = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    unsigned fraction = (unsigned)(positive % 1000);
    if (ms < 0)
        buf_put_char(b, '-');
    buf_put_int(b, (int64_t)(positive / 1000));
    if (fraction != 0)
        buf_print(b, ".%03u", fraction);
}

void
scalar_put_time(struct buf *b, enum wire_time_format format, int64_t ms)
{
    CHECK(format != WIRE_TIME_DEFAULT);
    if (format == WIRE_TIME_EPOCH) {
        put_seconds(b, ms);
    } else if (format == WIRE_TIME_HTTP) {
        timestamp_print_http(ms, buf_reserve(b, TIMESTAMP_HTTP_BYTES));
        b->len += TIMESTAMP_HTTP_BYTES;
    } else {
        timestamp_print_iso(ms, buf_reserve(b, TIMESTAMP_ISO_BYTES));
        b->len += TIMESTAMP_ISO_BYTES;
    }
}
