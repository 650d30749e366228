// Single UTF-8 characters: what the writers need to replace broken ones.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/utf8.h"

static bool
is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

static size_t
expected_bytes(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

// Overlong forms, surrogates and what lies above U+10FFFF show in the second byte.
static bool
is_second_legal(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second < 0xa0;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second < 0x90;
    default:
        return true;
    }
}

size_t
utf8_char_bytes(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t n = s.len == 0 ? 0 : expected_bytes(p[0]);
    if (n > s.len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (!is_continuation(p[i]))
            return 0;
    }
    return n > 1 && !is_second_legal(p[0], p[1]) ? 0 : n;
}

size_t
utf8_length(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += !is_continuation((unsigned char)s.ptr[i]);
    return n;
}
