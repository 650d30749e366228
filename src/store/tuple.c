// Keys: tuples whose byte order is the order of their elements.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/tuple.h"

#include <endian.h>

enum {
    TAG_STR = 0x02,
    TAG_INT = 0x15,
    TAG_FIXED = 0x20,
    STR_END = 0x00,
    STR_ESCAPE = 0xff, // after a 00 that belongs to the text
    INT_BYTES = 8,
    KEY_BYTES_HINT = 64,
};

static const uint64_t SIGN_BIT = UINT64_C(1) << 63;

void
tuple_init(struct tuple *t, struct arena *arena)
{
    buf_init(&t->buf, arena, KEY_BYTES_HINT);
}

void
tuple_add_str(struct tuple *t, struct str s)
{
    buf_put_char(&t->buf, TAG_STR);
    for (ptrdiff_t zero; (zero = str_find_char(s, 0)) >= 0;) {
        buf_put(&t->buf, str_slice(s, 0, (size_t)zero + 1));
        buf_put_char(&t->buf, (char)STR_ESCAPE);
        s = str_slice(s, (size_t)zero + 1, s.len);
    }
    buf_put(&t->buf, s);
    buf_put_char(&t->buf, STR_END);
}

struct tuple
tuple_shared(struct arena *arena, const char *what)
{
    struct tuple t;
    tuple_init(&t, arena);
    tuple_add_str(&t, STR("c10m"));
    tuple_add_str(&t, str_of(what));
    return t;
}

void
tuple_add_int(struct tuple *t, int64_t value)
{
    uint64_t bytes = htobe64((uint64_t)value ^ SIGN_BIT);
    buf_put_char(&t->buf, TAG_INT);
    buf_put(&t->buf, (struct str){(const char *)&bytes, INT_BYTES});
}

void
tuple_add_fixed(struct tuple *t, struct str bytes)
{
    buf_put_char(&t->buf, TAG_FIXED);
    buf_put(&t->buf, bytes);
}

struct str
tuple_key(const struct tuple *t)
{
    return buf_str(&t->buf);
}

static struct str
key_with(struct str key, char last, struct arena *arena)
{
    char *bytes = arena_alloc_bytes(arena, key.len + 1);
    if (key.len > 0)
        memcpy(bytes, key.ptr, key.len);
    bytes[key.len] = last;
    return (struct str){bytes, key.len + 1};
}

void
tuple_range(const struct tuple *t, struct arena *arena, struct str *from, struct str *to)
{
    *from = key_with(tuple_key(t), 0x00, arena);
    *to = key_with(tuple_key(t), (char)0xff, arena);
}

void
tuple_reader_init(struct tuple_reader *r, struct arena *arena, struct str key)
{
    *r = (struct tuple_reader){.rest = key, .arena = arena};
}

// What follows the tag.
static int
read_tag(const struct tuple_reader *r, char tag, struct str *out)
{
    if (r->rest.len == 0)
        return E_NOT_FOUND;
    if (r->rest.ptr[0] != tag)
        return E_INVALID;
    *out = str_slice(r->rest, 1, r->rest.len);
    return OK;
}

// The length of the escaped text up to its end mark, and how many escapes it has.
static int
measure_str(struct str s, size_t *len, size_t *escapes)
{
    *escapes = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != STR_END)
            continue;
        if (i + 1 == s.len || (uint8_t)s.ptr[i + 1] != STR_ESCAPE) {
            *len = i;
            return OK;
        }
        ++*escapes;
        i++;
    }
    return E_INVALID;
}

static struct str
unescape(struct arena *arena, struct str s, size_t escapes)
{
    if (escapes == 0)
        return s;
    char *bytes = arena_alloc_bytes(arena, s.len - escapes);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        bytes[len++] = s.ptr[i];
        if (s.ptr[i] == 0)
            i++;
    }
    return (struct str){bytes, len};
}

int
tuple_read_str(struct tuple_reader *r, struct str *out)
{
    struct str s;
    size_t len, escapes;
    TRY(read_tag(r, TAG_STR, &s));
    TRY(measure_str(s, &len, &escapes));
    *out = unescape(r->arena, str_slice(s, 0, len), escapes);
    r->rest = str_slice(s, len + 1, s.len);
    return OK;
}

int
tuple_read_int(struct tuple_reader *r, int64_t *out)
{
    struct str s;
    TRY(read_tag(r, TAG_INT, &s));
    if (s.len < INT_BYTES)
        return E_INVALID;
    uint64_t bytes;
    memcpy(&bytes, s.ptr, INT_BYTES);
    *out = (int64_t)(be64toh(bytes) ^ SIGN_BIT);
    r->rest = str_slice(s, INT_BYTES, s.len);
    return OK;
}

int
tuple_read_fixed(struct tuple_reader *r, size_t len, struct str *out)
{
    struct str s;
    TRY(read_tag(r, TAG_FIXED, &s));
    if (s.len < len)
        return E_INVALID;
    *out = str_slice(s, 0, len);
    r->rest = str_slice(s, len, s.len);
    return OK;
}
