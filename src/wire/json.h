// JSON text: a pull reader and a writer, RFC 8259.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// Strict: one value, UTF-8, no trailing bytes, at most `depth_max` levels (the caller's).
struct json_reader {
    const char *at, *end;
    struct arena *arena;
    unsigned depth;
    unsigned depth_max;
    bool is_first; // an array or object has begun and no element was asked for
};

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
    JSON_BAD,
};

void json_reader_init(struct json_reader *r, struct str text, struct arena *arena,
                      unsigned depth_max);
// The kind of the next value, not consumed.
enum json_kind json_peek(struct json_reader *r);
// Escapes are decoded; points into the text when there were none. E_INVALID on broken UTF-8 or lone
// surrogates.
MUST_USE int json_read_string(struct json_reader *r, struct str *out);
MUST_USE int json_read_number(struct json_reader *r, struct str *out); // its text
MUST_USE int json_read_literal(struct json_reader *r);                 // null, true, false
// Arrays and objects: begin, then next until *more is false. json_object_next also reads the key.
// E_LIMIT: deeper than depth_max.
MUST_USE int json_array_begin(struct json_reader *r);
MUST_USE int json_array_next(struct json_reader *r, bool *more);
MUST_USE int json_object_begin(struct json_reader *r);
MUST_USE int json_object_next(struct json_reader *r, bool *more, struct str *key);
MUST_USE int json_skip(struct json_reader *r); // one value, checked
MUST_USE int json_end(struct json_reader *r);  // nothing but white space is left

// Quoted and escaped. Bytes that are not UTF-8 become U+FFFD.
void json_put_string(struct buf *b, struct str s);
