// Single CBOR items (RFC 8949): heads, numbers, strings, and skipping.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor_item.h"

#include <math.h>

enum {
    INFO_1_BYTE = 24, // what follows the head; 25, 26, 27: two, four, eight bytes
    INFO_2_BYTES = 25,
    INFO_4_BYTES = 26,
    INFO_8_BYTES = 27,
    SIMPLE_FALSE = 20,
    SIMPLE_TRUE = 21,
    SIMPLE_NULL = 22,
    HEAD_BYTES_MAX = 9,
};

struct head {
    enum cbor_major major;
    unsigned info;
    uint64_t value;
};

// The smallest value that needs that many bytes behind the head.
static uint64_t
value_min(size_t bytes)
{
    return bytes == 1 ? 24 : UINT64_C(1) << (4 * bytes);
}

static int
read_head(struct cbor_reader *r, struct head *out)
{
    if (r->at == r->end)
        return E_INVALID;
    out->major = (enum cbor_major)(*r->at >> 5);
    out->info = *r->at++ & 0x1f;
    out->value = out->info;
    if (out->info < INFO_1_BYTE)
        return OK;
    if (out->info > INFO_8_BYTES)
        return E_INVALID;
    size_t bytes = (size_t)1 << (out->info - INFO_1_BYTE);
    if ((size_t)(r->end - r->at) < bytes)
        return E_INVALID;
    out->value = 0;
    for (size_t i = 0; i < bytes; i++)
        out->value = out->value << 8 | *r->at++;
    if (out->major != CBOR_SIMPLE)
        return out->value >= value_min(bytes) ? OK : E_INVALID;
    return bytes > 1 || out->value >= 32 ? OK : E_INVALID;
}

void
cbor_reader_init(struct cbor_reader *r, struct str bytes)
{
    r->at = (const unsigned char *)(bytes.ptr == NULL ? "" : bytes.ptr);
    r->end = r->at + bytes.len;
}

int
cbor_read_int(struct cbor_reader *r, int64_t *out)
{
    struct head h;
    TRY(read_head(r, &h));
    if (h.major > CBOR_NEGATIVE || h.value > INT64_MAX)
        return E_INVALID;
    *out = h.major == CBOR_UNSIGNED ? (int64_t)h.value : -1 - (int64_t)h.value;
    return OK;
}

int
cbor_read_count(struct cbor_reader *r, enum cbor_major major, size_t *out)
{
    struct head h;
    TRY(read_head(r, &h));
    size_t left = (size_t)(r->end - r->at);
    if (h.major != major || h.value > (major == CBOR_MAP ? left / 2 : left))
        return E_INVALID;
    *out = (size_t)h.value;
    return OK;
}

int
cbor_read_string(struct cbor_reader *r, enum cbor_major major, struct str *out)
{
    struct head h;
    TRY(read_head(r, &h));
    if (h.major != major || h.value > (size_t)(r->end - r->at))
        return E_INVALID;
    *out = (struct str){(const char *)r->at, (size_t)h.value};
    r->at += h.value;
    return major == CBOR_BYTES || str_is_utf8(*out) ? OK : E_INVALID;
}

int
cbor_read_bool(struct cbor_reader *r, bool *out)
{
    struct head h;
    TRY(read_head(r, &h));
    if (h.major != CBOR_SIMPLE || (h.info != SIMPLE_FALSE && h.info != SIMPLE_TRUE))
        return E_INVALID;
    *out = h.info == SIMPLE_TRUE;
    return OK;
}

// RFC 8949, appendix D.
static double
half_to_double(unsigned half)
{
    unsigned exponent = half >> 10 & 0x1f;
    double mantissa = half & 0x3ff;
    double value = exponent == 0    ? ldexp(mantissa, -24)
                   : exponent != 31 ? ldexp(mantissa + 1024, (int)exponent - 25)
                   : mantissa == 0  ? INFINITY
                                    : NAN;
    return half & 0x8000 ? -value : value;
}

static double
float_bits_to_double(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
}

int
cbor_read_double(struct cbor_reader *r, double *out)
{
    struct head h;
    TRY(read_head(r, &h));
    if (h.major != CBOR_SIMPLE || h.info < INFO_2_BYTES)
        return E_INVALID;
    if (h.info == INFO_2_BYTES)
        *out = half_to_double((unsigned)h.value);
    else if (h.info == INFO_4_BYTES)
        *out = float_bits_to_double((uint32_t)h.value);
    else
        memcpy(out, &h.value, sizeof(*out));
    return OK;
}

bool
cbor_take_null(struct cbor_reader *r)
{
    bool is_null = r->at < r->end && *r->at == (CBOR_SIMPLE << 5 | SIMPLE_NULL);
    r->at += is_null;
    return is_null;
}

// Items that stand directly in one whose head was read; strings are stepped over.
static int
items_inside(struct cbor_reader *r, const struct head *h, uint64_t *out)
{
    uint64_t left = (uint64_t)(r->end - r->at);
    *out = h->major == CBOR_TAG ? 1 : h->major == CBOR_MAP ? 2 * h->value : h->value;
    if (h->major == CBOR_TAG || h->major == CBOR_ARRAY || h->major == CBOR_MAP)
        return h->major == CBOR_TAG || h->value <= left ? OK : E_INVALID;
    *out = 0;
    if (h->major != CBOR_BYTES && h->major != CBOR_TEXT)
        return OK;
    if (h->value > left)
        return E_INVALID;
    r->at += h->value;
    return OK;
}

int
cbor_skip(struct cbor_reader *r, unsigned depth_max)
{
    struct head h;
    uint64_t inside;
    TRY(read_head(r, &h));
    TRY(items_inside(r, &h, &inside));
    if (inside > 0 && depth_max == 0)
        return E_LIMIT;
    for (uint64_t i = 0; i < inside; i++)
        TRY(cbor_skip(r, depth_max - 1));
    return OK;
}

static void
put_sized(struct buf *b, enum cbor_major major, unsigned info, uint64_t value)
{
    size_t bytes = (size_t)1 << (info - INFO_1_BYTE);
    char *to = buf_reserve(b, HEAD_BYTES_MAX);
    to[0] = (char)(major << 5 | info);
    for (size_t i = bytes; i > 0; i--, value >>= 8)
        to[i] = (char)(value & 0xff);
    b->len += 1 + bytes;
}

void
cbor_put_head(struct buf *b, enum cbor_major major, uint64_t value)
{
    if (value < INFO_1_BYTE)
        buf_put_char(b, (char)(major << 5 | value));
    else
        put_sized(b, major,
                  value <= UINT8_MAX    ? INFO_1_BYTE
                  : value <= UINT16_MAX ? INFO_2_BYTES
                  : value <= UINT32_MAX ? INFO_4_BYTES
                                        : INFO_8_BYTES,
                  value);
}

void
cbor_put_int(struct buf *b, int64_t value)
{
    if (value >= 0)
        cbor_put_head(b, CBOR_UNSIGNED, (uint64_t)value);
    else
        cbor_put_head(b, CBOR_NEGATIVE, (uint64_t)(-1 - value));
}

void
cbor_put_string(struct buf *b, enum cbor_major major, struct str s)
{
    cbor_put_head(b, major, s.len);
    buf_put(b, s);
}

void
cbor_put_bool(struct buf *b, bool value)
{
    buf_put_char(b, (char)(CBOR_SIMPLE << 5 | (value ? SIMPLE_TRUE : SIMPLE_FALSE)));
}

// The half that is nearest towards zero: the caller checks whether it is the same number.
static unsigned
half_below(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    unsigned sign = bits >> 16 & 0x8000;
    int exponent = (int)(bits >> 23 & 0xff) - 127;
    uint32_t mantissa = bits & 0x7fffff;
    if (exponent == 128)
        return sign | 0x7c00 | mantissa >> 13;
    if (exponent > 15 || exponent < -24)
        return sign;
    if (exponent < -14)
        return sign | (mantissa | 0x800000) >> (-1 - exponent);
    return sign | (unsigned)(exponent + 15) << 10 | mantissa >> 13;
}

void
cbor_put_double(struct buf *b, double value)
{
    float narrow = (float)value;
    uint32_t narrow_bits;
    uint64_t bits;
    memcpy(&narrow_bits, &narrow, sizeof(narrow_bits));
    memcpy(&bits, &value, sizeof(bits));
    if (isnan(value))
        put_sized(b, CBOR_SIMPLE, INFO_2_BYTES, 0x7e00);
    else if (half_to_double(half_below(narrow)) == value)
        put_sized(b, CBOR_SIMPLE, INFO_2_BYTES, half_below(narrow));
    else if ((double)narrow == value)
        put_sized(b, CBOR_SIMPLE, INFO_4_BYTES, narrow_bits);
    else
        put_sized(b, CBOR_SIMPLE, INFO_8_BYTES, bits);
}

void
cbor_put_float(struct buf *b, double value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    if (isnan(value))
        put_sized(b, CBOR_SIMPLE, INFO_4_BYTES, 0x7fc00000);
    else if ((double)narrow == value)
        put_sized(b, CBOR_SIMPLE, INFO_4_BYTES, bits);
    else
        cbor_put_float64(b, value);
}

void
cbor_put_float64(struct buf *b, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_sized(b, CBOR_SIMPLE, INFO_8_BYTES, bits);
}

void
cbor_put_null(struct buf *b)
{
    buf_put_char(b, (char)(CBOR_SIMPLE << 5 | SIMPLE_NULL));
}
