// JSON text, written.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/json.h"

#include "src/base/utf8.h"
#include "src/wire/json_scan.h"

enum { ESCAPE_BYTES_MAX = 6 };

// Writes at most ESCAPE_BYTES_MAX and returns how many.
static size_t
put_escape(char *to, unsigned char c)
{
    static const char names[] = "btn?fr", digits[] = "0123456789abcdef";
    bool is_letter = c >= '\b' && c <= '\r' && c != '\v';
    to[0] = '\\';
    if (c >= 0x20 || is_letter) {
        to[1] = c >= 0x20 ? (char)c : names[c - '\b'];
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = digits[c >> 4];
    to[5] = digits[c & 15];
    return ESCAPE_BYTES_MAX;
}

static void
put_ill_formed(struct buf *b, struct str s)
{
    while (s.len > 0) {
        size_t n = utf8_char_bytes(s);
        buf_put(b, n == 0 ? UTF8_REPLACEMENT : str_slice(s, 0, n));
        s = str_slice(s, n == 0 ? 1 : n, s.len);
    }
}

// Up to the next byte that is escaped, and that byte.
static const char *
put_run(struct buf *b, const char *at, const char *end)
{
    uint64_t high = 0;
    char *to = buf_reserve(b, (size_t)(end - at) + ESCAPE_BYTES_MAX);
    const char *stop = json_copy_plain(at, end, to, &high);
    struct str run = {at, (size_t)(stop - at)};
    if (high == 0 || str_is_utf8(run))
        b->len += run.len;
    else
        put_ill_formed(b, run);
    if (stop < end)
        b->len += put_escape(buf_reserve(b, ESCAPE_BYTES_MAX), (unsigned char)*stop++);
    return stop;
}

void
json_put_string(struct buf *b, struct str s)
{
    const char *at = s.len == 0 ? "" : s.ptr, *end = at + s.len;
    buf_put_char(b, '"');
    while (at < end)
        at = put_run(b, at, end);
    buf_put_char(b, '"');
}
