// A borrowed run of bytes with a length: the type of every text and blob.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "src/base/code.h"

// Not zero-terminated. ptr NULL means absent; ptr non-NULL with len 0 means empty.
struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT "%.*s"
// Evaluates its argument three times: give it a variable, not a call that works.
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str
str_of(const char *zero_terminated)
{
    return (struct str){zero_terminated, zero_terminated ? strlen(zero_terminated) : 0};
}

static inline bool
str_is_present(struct str s)
{
    return s.ptr != NULL;
}

static inline bool
str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

// Byte order, shorter first on a tie: the order of keys in the store.
int str_cmp(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); // ASCII only
// FNV-1a: for tables in memory. Who chooses the bytes can choose collisions.
uint64_t str_hash(struct str s);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
// Index of the first match, or -1.
ptrdiff_t str_find_char(struct str s, char c);
ptrdiff_t str_find(struct str s, struct str needle);
// Bytes [from, to), both clamped to the length.
struct str str_slice(struct str s, size_t from, size_t to);
struct str str_trim(struct str s); // without spaces and tabs at both ends
// Cuts s at the first separator: *head gets what is before it, *rest what is after. False (head =
// s, rest absent) when there is none.
bool str_cut(struct str s, char separator, struct str *head, struct str *rest);
// Whole string as a decimal number; E_INVALID on anything else, E_LIMIT out of range.
MUST_USE int str_to_int64(struct str s, int64_t *out);
// Equality in time that depends on the lengths only: for signatures and tokens.
bool str_eq_constant_time(struct str a, struct str b);
bool str_is_utf8(struct str s);
