// Which bytes may stand where in HTTP/1.1 (RFC 9110 section 5, RFC 9112 section 3, RFC 3986).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum {
    HTTP_IS_TOKEN = 1,  // methods and field names
    HTTP_IS_TARGET = 2, // visible ASCII but '#': looser than RFC 3986, as browsers send it
    HTTP_IS_VALUE = 4,  // field values: no control characters but HTAB
    HTTP_IS_HOST = 8,   // names and IPv4 addresses; percent escapes are not taken
};

extern const unsigned char http_byte_classes[256];

static inline bool
http_byte_is(char c, int classes)
{
    return http_byte_classes[(unsigned char)c] & classes;
}

static inline bool
http_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// [from, end) without the leading bytes of that class.
static inline const char *
http_skip(const char *from, const char *end, int classes)
{
    while (from < end && http_byte_is(*from, classes))
        from++;
    return from;
}
