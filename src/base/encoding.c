// Hexadecimal, base64 and percent encodings, by tables.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/encoding.h"

// Tables from characters hold the value plus one, so that what they do not name is invalid.
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

#define BASE62_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
// clang-format off
#define BASE62_VALUES                                                                              \
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,             \
    ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,            \
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,            \
    ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,            \
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,            \
    ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,            \
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,            \
    ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,            \
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62
// clang-format on

struct alphabet {
    const char *chars;
    uint8_t values[256];
    bool is_padded;
};

static const struct alphabet base64 = {
    BASE62_CHARS "+/", {BASE62_VALUES, ['+'] = 63, ['/'] = 64}, true};
static const struct alphabet base64url = {
    BASE62_CHARS "-_", {BASE62_VALUES, ['-'] = 63, ['_'] = 64}, false};

// RFC 3986 section 2.3.
static bool
is_unreserved(char c)
{
    // Letters and digits have base62 values; base64url adds '-' and '_'.
    return base64url.values[(uint8_t)c] != 0 || c == '.' || c == '~';
}

void
hex_encode(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = bytes;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
}

// The value of two digits, negative when one is none.
static int
hex_pair(const char *digits)
{
    int high = hex_values[(uint8_t)digits[0]] - 1;
    int low = hex_values[(uint8_t)digits[1]] - 1;
    return (high | low) < 0 ? -1 : high * 16 + low;
}

int
hex_decode(struct str text, void *out, size_t len)
{
    if (text.len % 2 != 0 || text.len / 2 != len)
        return E_INVALID;
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++) {
        int value = hex_pair(text.ptr + 2 * i);
        if (value < 0)
            return E_INVALID;
        to[i] = (uint8_t)value;
    }
    return OK;
}

// The last one or two bytes; the characters written.
static size_t
encode_tail(const struct alphabet *alphabet, const uint8_t *in, size_t len, char *to)
{
    uint32_t bits = (uint32_t)in[0] << 16 | (len > 1 ? (uint32_t)in[1] << 8 : 0);
    to[0] = alphabet->chars[bits >> 18];
    to[1] = alphabet->chars[bits >> 12 & 63];
    to[2] = len > 1 ? alphabet->chars[bits >> 6 & 63] : '=';
    to[3] = '=';
    return alphabet->is_padded ? 4 : len + 1;
}

static void
encode(const struct alphabet *alphabet, struct str bytes, struct buf *out)
{
    const char *chars = alphabet->chars;
    const uint8_t *in = (const uint8_t *)bytes.ptr;
    char *to = buf_reserve(out, bytes.len / 3 * 4 + 4);
    char *start = to;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, in += 3, to += 4) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        to[0] = chars[bits >> 18];
        to[1] = chars[bits >> 12 & 63];
        to[2] = chars[bits >> 6 & 63];
        to[3] = chars[bits & 63];
    }
    if (left > 0)
        to += encode_tail(alphabet, in, left, to);
    out->len += (size_t)(to - start);
}

// The last two or three characters. Bits that no byte takes must be zero, so that a value has one
// text only.
static int
decode_tail(const uint8_t *values, const uint8_t *in, size_t len, uint8_t *to)
{
    if (len == 1)
        return E_INVALID;
    int a = values[in[0]] - 1;
    int b = values[in[1]] - 1;
    int c = len > 2 ? values[in[2]] - 1 : 0;
    int unused = len > 2 ? c & 3 : b & 15;
    if ((a | b | c) < 0 || unused != 0)
        return E_INVALID;
    to[0] = (uint8_t)(a << 2 | b >> 4);
    if (len > 2)
        to[1] = (uint8_t)(b << 4 | c >> 2);
    return OK;
}

static int
decode_chars(const uint8_t *values, struct str text, uint8_t *to)
{
    const uint8_t *in = (const uint8_t *)text.ptr;
    size_t left = text.len;
    for (; left >= 4; left -= 4, in += 4, to += 3) {
        int a = values[in[0]] - 1;
        int b = values[in[1]] - 1;
        int c = values[in[2]] - 1;
        int d = values[in[3]] - 1;
        if ((a | b | c | d) < 0)
            return E_INVALID;
        to[0] = (uint8_t)(a << 2 | b >> 4);
        to[1] = (uint8_t)(b << 4 | c >> 2);
        to[2] = (uint8_t)(c << 6 | d);
    }
    return left == 0 ? OK : decode_tail(values, in, left, to);
}

static int
decode(const struct alphabet *alphabet, struct arena *a, struct str text, struct str *out)
{
    if (alphabet->is_padded) {
        if (text.len % 4 != 0)
            return E_INVALID;
        for (int i = 0; i < 2 && str_ends(text, STR("=")); i++)
            text.len--;
    }
    size_t len = text.len / 4 * 3 + text.len % 4 * 3 / 4;
    char *bytes = arena_alloc_bytes(a, len);
    TRY(decode_chars(alphabet->values, text, (uint8_t *)bytes));
    *out = (struct str){bytes, len};
    return OK;
}

void
base64_encode(struct str bytes, struct buf *out)
{
    encode(&base64, bytes, out);
}

int
base64_decode(struct arena *a, struct str text, struct str *out)
{
    return decode(&base64, a, text, out);
}

void
base64url_encode(struct str bytes, struct buf *out)
{
    encode(&base64url, bytes, out);
}

int
base64url_decode(struct arena *a, struct str text, struct str *out)
{
    return decode(&base64url, a, text, out);
}

void
percent_encode(struct str s, bool keep_slash, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    char *to = buf_reserve(out, 3 * s.len);
    char *start = to;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.ptr[i];
        if (is_unreserved(s.ptr[i]) || (keep_slash && c == '/')) {
            *to++ = s.ptr[i];
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    out->len += (size_t)(to - start);
}

// Decodes all of s into out; the bytes written, or negative on a broken escape.
static ptrdiff_t
unescape(struct str s, bool plus_is_space, char *out)
{
    char *to = out;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            int value = s.len - i > 2 ? hex_pair(s.ptr + i + 1) : -1;
            if (value < 0)
                return -1;
            c = (char)value;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        *to++ = c;
    }
    return to - out;
}

int
percent_decode(struct arena *a, struct str s, bool plus_is_space, struct str *out)
{
    bool is_plain = str_find_char(s, '%') < 0 && !(plus_is_space && str_find_char(s, '+') >= 0);
    if (is_plain) {
        *out = s;
        return OK;
    }
    char *bytes = arena_alloc_bytes(a, s.len);
    ptrdiff_t len = unescape(s, plus_is_space, bytes);
    if (len < 0)
        return E_INVALID;
    *out = (struct str){bytes, (size_t)len};
    return OK;
}
