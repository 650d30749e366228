// Text forms of numbers and times, alike in all protocols.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/model.h"

// Decimal text in JSON's grammar, exactly: 1e2 and 1.0 are integers, 1.5 is not. E_INVALID: another
// text or not integral; E_LIMIT: not in int64_t.
MUST_USE int scalar_parse_int(struct str text, int64_t *out);
// Decimal text, or NaN, Infinity, -Infinity. E_INVALID; E_LIMIT: larger than a double.
MUST_USE int scalar_parse_double(struct arena *arena, struct str text, double *out);
// Seconds with a fraction, in that format or another one. E_INVALID: not such text; E_LIMIT: not in
// the years 0 to 9999.
MUST_USE int scalar_parse_time(enum wire_time_format format, struct str text, int64_t *ms);

// The shortest text that reads as the same number, with ".0" or an exponent.
void scalar_put_double(struct buf *b, double value);
// Not WIRE_TIME_DEFAULT.
void scalar_put_time(struct buf *b, enum wire_time_format format, int64_t ms);
