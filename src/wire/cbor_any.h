// Reads whatever is well-formed CBOR (RFC 8949): longer heads and indefinite lengths too.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/cbor_item.h"

enum cbor_kind {
    CBOR_KIND_INTEGER,
    CBOR_KIND_BYTES,
    CBOR_KIND_TEXT,
    CBOR_KIND_ARRAY,
    CBOR_KIND_MAP,
    CBOR_KIND_TAG,
    CBOR_KIND_BOOLEAN,
    CBOR_KIND_NULL, // and undefined
    CBOR_KIND_FLOAT,
    CBOR_KIND_SIMPLE, // any other one
    CBOR_KIND_BAD,    // a break, a reserved head, or the end
};

// What the next item is. Booleans and floats are read by the functions of cbor_item.h.
enum cbor_kind cbor_any_peek(const struct cbor_reader *r);
// E_INVALID: no such item is next, or it is broken. E_LIMIT: not in int64_t.
MUST_USE int cbor_any_int(struct cbor_reader *r, int64_t *out);
MUST_USE int cbor_any_tag(struct cbor_reader *r, uint64_t *out);
// CBOR_BYTES or CBOR_TEXT (UTF-8, each chunk). Points into the bytes, or into the arena when it
// came in chunks.
MUST_USE int cbor_any_string(struct cbor_reader *r, enum cbor_major major, struct arena *arena,
                             struct str *out);
MUST_USE int cbor_any_null(struct cbor_reader *r);

// An array's elements or a map's entries.
struct cbor_items {
    uint64_t left;
    bool is_indefinite;
};

// CBOR_ARRAY or CBOR_MAP. E_INVALID when more are announced than the bytes can hold.
MUST_USE int cbor_any_begin(struct cbor_reader *r, enum cbor_major major, struct cbor_items *out);
MUST_USE int cbor_any_next(struct cbor_reader *r, struct cbor_items *items, bool *more);
// One item with all that it holds. E_LIMIT: deeper than depth_max.
MUST_USE int cbor_any_skip(struct cbor_reader *r, unsigned depth_max);
