// Single CBOR items (RFC 8949): heads, numbers, strings, and skipping.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

enum cbor_major {
    CBOR_UNSIGNED,
    CBOR_NEGATIVE,
    CBOR_BYTES,
    CBOR_TEXT,
    CBOR_ARRAY,
    CBOR_MAP,
    CBOR_TAG,
    CBOR_SIMPLE,
};

// Reads the deterministic form only: shortest heads, definite lengths. All reads return E_INVALID
// on anything else, and leave the reader where they stopped.
struct cbor_reader {
    const unsigned char *at, *end;
};

void cbor_reader_init(struct cbor_reader *r, struct str bytes);
MUST_USE int cbor_read_int(struct cbor_reader *r, int64_t *out);
// Elements of an array or entries of a map; never more than the bytes that are left.
MUST_USE int cbor_read_count(struct cbor_reader *r, enum cbor_major major, size_t *out);
// CBOR_BYTES or CBOR_TEXT (UTF-8); points into the bytes.
MUST_USE int cbor_read_string(struct cbor_reader *r, enum cbor_major major, struct str *out);
MUST_USE int cbor_read_bool(struct cbor_reader *r, bool *out);
MUST_USE int cbor_read_double(struct cbor_reader *r, double *out); // 2, 4 or 8 bytes
// Consumes a null when one is next.
bool cbor_take_null(struct cbor_reader *r);
// One item with all that it holds. E_LIMIT: deeper than depth_max.
MUST_USE int cbor_skip(struct cbor_reader *r, unsigned depth_max);

void cbor_put_head(struct buf *b, enum cbor_major major, uint64_t value);
void cbor_put_int(struct buf *b, int64_t value);
void cbor_put_string(struct buf *b, enum cbor_major major, struct str s);
void cbor_put_bool(struct buf *b, bool value);
void cbor_put_double(struct buf *b, double value); // the shortest form that keeps the value
// Without halves, which not every reader takes: 4 bytes when they keep the value, else 8.
void cbor_put_float(struct buf *b, double value);
void cbor_put_float64(struct buf *b, double value); // 8 bytes, always
void cbor_put_null(struct buf *b);
