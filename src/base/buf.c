// A byte buffer that grows inside an arena.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/buf.h"

#include <stdio.h>

enum {
    SIZE_MIN = 64,
    INT64_DIGITS_MAX = 20, // with the sign
};

void
buf_init(struct buf *b, struct arena *arena, size_t size_hint)
{
    *b = (struct buf){.arena = arena};
    if (size_hint > 0)
        buf_reserve(b, size_hint);
}

static void
grow(struct buf *b, size_t n)
{
    size_t size;
    CHECK(!__builtin_add_overflow(b->len, n, &size));
    if (size < 2 * b->size)
        size = 2 * b->size;
    if (size < SIZE_MIN)
        size = SIZE_MIN;
    b->ptr = arena_grow(b->arena, b->ptr, b->size, size);
    b->size = size;
}

char *
buf_reserve(struct buf *b, size_t n)
{
    if (b->ptr == NULL || b->size - b->len < n)
        grow(b, n);
    return b->ptr + b->len;
}

void
buf_put(struct buf *b, struct str s)
{
    if (s.len == 0)
        return;
    memcpy(buf_reserve(b, s.len), s.ptr, s.len);
    b->len += s.len;
}

void
buf_put_char(struct buf *b, char c)
{
    *buf_reserve(b, 1) = c;
    b->len++;
}

void
buf_put_int(struct buf *b, int64_t value)
{
    char digits[INT64_DIGITS_MAX];
    char *at = digits + sizeof(digits);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        *--at = '-';
    buf_put(b, (struct str){at, (size_t)(digits + sizeof(digits) - at)});
}

void
buf_print(struct buf *b, const char *format, ...)
{
    CHECK(format != NULL);
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    CHECK(len >= 0);
    vsnprintf(buf_reserve(b, (size_t)len + 1), (size_t)len + 1, format, again);
    b->len += (size_t)len;
    va_end(again);
    va_end(args);
}

struct str
buf_str(const struct buf *b)
{
    return (struct str){b->ptr == NULL ? "" : b->ptr, b->len};
}
