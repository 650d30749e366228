// Reads whatever is well-formed CBOR (RFC 8949): longer heads and indefinite lengths too.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor_any.h"

enum {
    INFO_1_BYTE = 24,
    INFO_8_BYTES = 27,
    INFO_INDEFINITE = 31,
    SIMPLE_FALSE = 20,
    SIMPLE_NULL = 22,
    SIMPLE_UNDEFINED = 23,
    SIMPLE_MIN = 32, // of those that need a second byte
    BREAK = 0xff,
};

struct head {
    enum cbor_major major;
    unsigned info;
    uint64_t value;
    bool is_indefinite;
};

static int
read_head(struct cbor_reader *r, struct head *out)
{
    if (r->at == r->end)
        return E_INVALID;
    *out = (struct head){(enum cbor_major)(*r->at >> 5), *r->at & 0x1f, *r->at & 0x1f, false};
    r->at++;
    if (out->info < INFO_1_BYTE)
        return OK;
    if (out->info == INFO_INDEFINITE) {
        out->is_indefinite = true;
        return out->major >= CBOR_BYTES && out->major <= CBOR_MAP ? OK : E_INVALID;
    }
    if (out->info > INFO_8_BYTES)
        return E_INVALID;
    size_t bytes = (size_t)1 << (out->info - INFO_1_BYTE);
    if ((size_t)(r->end - r->at) < bytes)
        return E_INVALID;
    out->value = 0;
    for (size_t i = 0; i < bytes; i++)
        out->value = out->value << 8 | *r->at++;
    bool is_short_simple = out->major == CBOR_SIMPLE && bytes == 1 && out->value < SIMPLE_MIN;
    return is_short_simple ? E_INVALID : OK;
}

static enum cbor_kind
simple_kind(const struct head *h)
{
    if (h->info > INFO_1_BYTE)
        return CBOR_KIND_FLOAT;
    if (h->info < SIMPLE_FALSE || h->info > SIMPLE_UNDEFINED)
        return CBOR_KIND_SIMPLE;
    return h->info < SIMPLE_NULL ? CBOR_KIND_BOOLEAN : CBOR_KIND_NULL;
}

enum cbor_kind
cbor_any_peek(const struct cbor_reader *r)
{
    static const enum cbor_kind kinds[] = {
        [CBOR_UNSIGNED] = CBOR_KIND_INTEGER, [CBOR_NEGATIVE] = CBOR_KIND_INTEGER,
        [CBOR_BYTES] = CBOR_KIND_BYTES,      [CBOR_TEXT] = CBOR_KIND_TEXT,
        [CBOR_ARRAY] = CBOR_KIND_ARRAY,      [CBOR_MAP] = CBOR_KIND_MAP,
        [CBOR_TAG] = CBOR_KIND_TAG,
    };
    struct cbor_reader copy = *r;
    struct head h;
    if (read_head(&copy, &h) != OK)
        return CBOR_KIND_BAD;
    return h.major == CBOR_SIMPLE ? simple_kind(&h) : kinds[h.major];
}

int
cbor_any_int(struct cbor_reader *r, int64_t *out)
{
    struct head h;
    TRY(read_head(r, &h));
    if (h.major > CBOR_NEGATIVE)
        return E_INVALID;
    if (h.value > INT64_MAX)
        return E_LIMIT;
    *out = h.major == CBOR_UNSIGNED ? (int64_t)h.value : -1 - (int64_t)h.value;
    return OK;
}

int
cbor_any_tag(struct cbor_reader *r, uint64_t *out)
{
    struct head h;
    TRY(read_head(r, &h));
    *out = h.value;
    return h.major == CBOR_TAG ? OK : E_INVALID;
}

// The bytes behind a head of definite length.
static int
read_chunk(struct cbor_reader *r, const struct head *h, struct str *out)
{
    if (h->value > (size_t)(r->end - r->at))
        return E_INVALID;
    *out = (struct str){(const char *)r->at, (size_t)h->value};
    r->at += h->value;
    return h->major == CBOR_BYTES || str_is_utf8(*out) ? OK : E_INVALID;
}

static bool
take_break(struct cbor_reader *r)
{
    bool is_break = r->at < r->end && *r->at == BREAK;
    r->at += is_break;
    return is_break;
}

// Chunks until a break; out NULL steps over them.
static int
read_chunks(struct cbor_reader *r, enum cbor_major major, struct buf *out)
{
    struct head h;
    struct str chunk;
    while (!take_break(r)) {
        TRY(read_head(r, &h));
        if (h.major != major || h.is_indefinite)
            return E_INVALID;
        TRY(read_chunk(r, &h, &chunk));
        if (out != NULL)
            buf_put(out, chunk);
    }
    return OK;
}

int
cbor_any_string(struct cbor_reader *r, enum cbor_major major, struct arena *arena, struct str *out)
{
    struct head h;
    struct buf joined;
    TRY(read_head(r, &h));
    if (h.major != major)
        return E_INVALID;
    if (!h.is_indefinite)
        return read_chunk(r, &h, out);
    buf_init(&joined, arena, 0);
    TRY(read_chunks(r, major, &joined));
    *out = joined.len == 0 ? STR("") : buf_str(&joined);
    return OK;
}

int
cbor_any_null(struct cbor_reader *r)
{
    struct head h;
    TRY(read_head(r, &h));
    return h.major == CBOR_SIMPLE && simple_kind(&h) == CBOR_KIND_NULL ? OK : E_INVALID;
}

static int
begin_items(const struct cbor_reader *r, const struct head *h, struct cbor_items *out)
{
    uint64_t left = (uint64_t)(r->end - r->at);
    *out = (struct cbor_items){h->value, h->is_indefinite};
    if (h->is_indefinite)
        return OK;
    return h->value <= (h->major == CBOR_MAP ? left / 2 : left) ? OK : E_INVALID;
}

int
cbor_any_begin(struct cbor_reader *r, enum cbor_major major, struct cbor_items *out)
{
    struct head h;
    TRY(read_head(r, &h));
    return h.major == major ? begin_items(r, &h, out) : E_INVALID;
}

int
cbor_any_next(struct cbor_reader *r, struct cbor_items *items, bool *more)
{
    if (items->is_indefinite)
        *more = !take_break(r);
    else
        *more = items->left-- > 0;
    return *more && r->at == r->end ? E_INVALID : OK;
}

static int
skip_items(struct cbor_reader *r, const struct head *h, unsigned depth_max)
{
    bool more;
    struct cbor_items items;
    TRY(begin_items(r, h, &items));
    for (;;) {
        TRY(cbor_any_next(r, &items, &more));
        if (!more)
            return OK;
        if (depth_max == 0)
            return E_LIMIT;
        TRY(cbor_any_skip(r, depth_max - 1));
        if (h->major == CBOR_MAP)
            TRY(cbor_any_skip(r, depth_max - 1));
    }
}

int
cbor_any_skip(struct cbor_reader *r, unsigned depth_max)
{
    struct head h;
    struct str chunk;
    TRY(read_head(r, &h));
    switch (h.major) {
    case CBOR_BYTES:
    case CBOR_TEXT:
        return h.is_indefinite ? read_chunks(r, h.major, NULL) : read_chunk(r, &h, &chunk);
    case CBOR_ARRAY:
    case CBOR_MAP:
        return skip_items(r, &h, depth_max);
    case CBOR_TAG:
        return depth_max == 0 ? E_LIMIT : cbor_any_skip(r, depth_max - 1);
    default:
        return OK;
    }
}
