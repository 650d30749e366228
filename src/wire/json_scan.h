// Runs of bytes that mean themselves inside of a JSON string: for the reader and the writer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define JSON_EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "json_plain_end finds the first byte at the low end");

static inline uint64_t
json_zero_bytes(uint64_t v)
{
    return (v - JSON_EACH_BYTE(0x01)) & ~v;
}

static inline bool
json_is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

// Marks the bytes of a word that do not mean themselves inside of a string; the lowest mark is
// exact.
static inline uint64_t
json_special_bytes(uint64_t v)
{
    uint64_t marks = json_zero_bytes(v ^ JSON_EACH_BYTE('"')) |
                     json_zero_bytes(v ^ JSON_EACH_BYTE('\\')) | ((v - JSON_EACH_BYTE(0x20)) & ~v);
    return marks & JSON_EACH_BYTE(0x80);
}

// The end of the run of bytes that mean themselves, eight at a time. *high gets bits set when some
// byte near the run is not ASCII.
static inline const char *
json_plain_end(const char *p, const char *end, uint64_t *high)
{
    for (; end - p >= 8; p += 8) {
        uint64_t v;
        memcpy(&v, p, sizeof(v));
        uint64_t special = json_special_bytes(v);
        *high |= v & JSON_EACH_BYTE(0x80);
        if (special != 0)
            return p + __builtin_ctzll(special) / 8;
    }
    for (; p < end && json_is_plain((unsigned char)*p); p++)
        *high |= *p & 0x80;
    return p;
}

// Same, and copies the run on the way: `to` has room for all bytes up to `end`.
static inline const char *
json_copy_plain(const char *p, const char *end, char *to, uint64_t *high)
{
    for (; end - p >= 8; p += 8, to += 8) {
        uint64_t v;
        memcpy(&v, p, sizeof(v));
        memcpy(to, &v, sizeof(v));
        uint64_t special = json_special_bytes(v);
        *high |= v & JSON_EACH_BYTE(0x80);
        if (special != 0)
            return p + __builtin_ctzll(special) / 8;
    }
    for (; p < end && json_is_plain((unsigned char)*p); p++) {
        *high |= *p & 0x80;
        *to++ = *p;
    }
    return p;
}
