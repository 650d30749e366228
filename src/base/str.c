// Comparing, searching, cutting and checking runs of bytes.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/str.h"

#include <openssl/crypto.h>

int
str_cmp(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

// Not tolower(): it asks the locale.
static unsigned char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : (unsigned char)c;
}

bool
str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    if (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0)
        return true; // most names come as they are written here
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

uint64_t
str_hash(struct str s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

bool
str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_slice(s, 0, prefix.len), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_slice(s, s.len - suffix.len, s.len), suffix);
}

ptrdiff_t
str_find_char(struct str s, char c)
{
    const char *at = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);
    return at == NULL ? -1 : at - s.ptr;
}

ptrdiff_t
str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    if (needle.len > s.len)
        return -1;
    const char *at = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return at == NULL ? -1 : at - s.ptr;
}

struct str
str_slice(struct str s, size_t from, size_t to)
{
    if (s.ptr == NULL)
        return s;
    to = to < s.len ? to : s.len;
    from = from < to ? from : to;
    return (struct str){s.ptr + from, to - from};
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str
str_trim(struct str s)
{
    size_t from = 0;
    size_t to = s.len;
    while (from < to && is_blank(s.ptr[from]))
        from++;
    while (to > from && is_blank(s.ptr[to - 1]))
        to--;
    return str_slice(s, from, to);
}

bool
str_cut(struct str s, char separator, struct str *head, struct str *rest)
{
    ptrdiff_t at = str_find_char(s, separator);
    if (at < 0) {
        *head = s;
        *rest = (struct str){0};
        return false;
    }
    *head = str_slice(s, 0, (size_t)at);
    *rest = str_slice(s, (size_t)at + 1, s.len);
    return true;
}

static bool
is_all_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    }
    return s.len > 0;
}

int
str_to_int64(struct str s, int64_t *out)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    struct str digits = str_slice(s, is_negative, s.len);
    if (!is_all_digits(digits))
        return E_INVALID;
    // Counts downwards, because the smallest number has no positive twin.
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digits.ptr[i] - '0', &value))
            return E_LIMIT;
    }
    if (!is_negative && value == INT64_MIN)
        return E_LIMIT;
    *out = is_negative ? value : -value;
    return OK;
}

bool
str_eq_constant_time(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

// The well-formed sequences of the Unicode standard, table 3-7: the second byte's range is what
// keeps out overlong forms, surrogates and values above 10FFFF; further bytes are 80..BF.
static const struct utf8_row {
    uint8_t lead_min, lead_max, second_min, second_max, bytes;
} utf8_rows[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct utf8_row *
utf8_row_find(uint8_t lead)
{
    for (size_t i = 0; i < COUNT_OF(utf8_rows); i++) {
        if (lead >= utf8_rows[i].lead_min && lead <= utf8_rows[i].lead_max)
            return &utf8_rows[i];
    }
    return NULL;
}

// Bytes of the well-formed sequence at p, 0 when there is none.
static size_t
utf8_sequence_bytes(const uint8_t *p, size_t left)
{
    const struct utf8_row *row = utf8_row_find(p[0]);
    if (row == NULL || row->bytes > left)
        return 0;
    if (row->bytes > 1 && (p[1] < row->second_min || p[1] > row->second_max))
        return 0;
    for (size_t i = 2; i < row->bytes; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return row->bytes;
}

// Length of the leading part of p that is ASCII, in whole words of 8 bytes.
static size_t
ascii_words_bytes(const uint8_t *p, size_t left)
{
    size_t n = 0;
    for (uint64_t word; left - n >= sizeof(word); n += sizeof(word)) {
        memcpy(&word, p + n, sizeof(word));
        if ((word & 0x8080808080808080u) != 0)
            break;
    }
    return n;
}

bool
str_is_utf8(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        i += ascii_words_bytes(p + i, s.len - i);
        // Up to a word's worth of sequences before the fast path is tried again.
        for (size_t stop = i + sizeof(uint64_t); i < stop && i < s.len;) {
            size_t n = utf8_sequence_bytes(p + i, s.len - i);
            if (n == 0)
                return false;
            i += n;
        }
    }
    return true;
}
