// application/vnd.amazon.eventstream: messages with typed headers, one after the other.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/event_stream.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    PRELUDE_BYTES = 12, // length, length of the headers, checksum of both
    CHECKSUM_BYTES = 4,
    NAMES_COMPARED_MAX = 16, // headers that are compared with each other; more are sorted
};

// How a type's value stands on the wire: of a fixed size, or behind its length.
static const struct {
    uint8_t bytes;
    bool is_number;
    bool has_length;
} types[] = {
    [EVENT_TRUE] = {0, false, false},     [EVENT_FALSE] = {0, false, false},
    [EVENT_BYTE] = {1, true, false},      [EVENT_SHORT] = {2, true, false},
    [EVENT_INTEGER] = {4, true, false},   [EVENT_LONG] = {8, true, false},
    [EVENT_BYTES] = {2, false, true},     [EVENT_STRING] = {2, false, true},
    [EVENT_TIMESTAMP] = {8, true, false}, [EVENT_UUID] = {EVENT_UUID_BYTES, false, false},
};

static uint32_t
checksum(const char *bytes, size_t len)
{
    return (uint32_t)crc32_z(0, (const Bytef *)bytes, len);
}

static void
put_number(struct buf *out, uint64_t value, size_t bytes)
{
    char *to = buf_reserve(out, bytes);
    for (size_t i = bytes; i > 0; i--, value >>= 8)
        to[i - 1] = (char)(value & 0xff);
    out->len += bytes;
}

static uint64_t
get_number(const char *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)from[i];
    return value;
}

static int64_t
sign_extended(uint64_t value, size_t bytes)
{
    unsigned shift = (unsigned)(64 - 8 * bytes);
    return (int64_t)(value << shift) >> shift;
}

static int
name_cmp(const void *left, const void *right)
{
    const struct event_header *const *a = left, *const *b = right;
    return str_cmp((*a)->name, (*b)->name);
}

static bool
is_repeated_among_few(const struct event_message *message)
{
    for (size_t i = 1; i < message->header_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(message->headers[i].name, message->headers[k].name))
                return true;
        }
    }
    return false;
}

static bool
is_repeated_among_many(const struct event_message *message, struct arena *arena)
{
    size_t count = message->header_count;
    const struct event_header **sorted = ARENA_ARRAY(arena, count, const struct event_header *);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &message->headers[i];
    qsort(sorted, count, sizeof(sorted[0]), name_cmp);
    for (size_t i = 1; i < count; i++) {
        if (str_eq(sorted[i]->name, sorted[i - 1]->name))
            return true;
    }
    return false;
}

static bool
is_name_repeated(const struct event_message *message, struct arena *arena)
{
    return message->header_count <= NAMES_COMPARED_MAX ? is_repeated_among_few(message)
                                                       : is_repeated_among_many(message, arena);
}

static int
check_name(struct str name)
{
    if (name.len > EVENT_NAME_BYTES_MAX)
        return E_LIMIT;
    return name.len > 0 && str_is_utf8(name) ? OK : E_INVALID;
}

static int
check_value(const struct event_header *h)
{
    if (types[h->type].is_number) {
        int64_t kept = sign_extended((uint64_t)h->number, types[h->type].bytes);
        return kept == h->number ? OK : E_INVALID;
    }
    if (h->type == EVENT_UUID)
        return h->bytes.len == EVENT_UUID_BYTES ? OK : E_INVALID;
    if (types[h->type].has_length && h->bytes.len > EVENT_VALUE_BYTES_MAX)
        return E_LIMIT;
    return h->type != EVENT_STRING || str_is_utf8(h->bytes) ? OK : E_INVALID;
}

static size_t
header_bytes(const struct event_header *h)
{
    size_t value = types[h->type].bytes + (types[h->type].has_length ? h->bytes.len : 0);
    return 1 + h->name.len + 1 + value;
}

// Adds up the headers' bytes.
static int
check_headers(const struct event_message *message, struct arena *arena, size_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < message->header_count; i++) {
        TRY(check_name(message->headers[i].name));
        TRY(check_value(&message->headers[i]));
        *bytes += header_bytes(&message->headers[i]);
        if (*bytes > EVENT_HEADERS_BYTES_MAX)
            return E_LIMIT;
    }
    return is_name_repeated(message, arena) ? E_INVALID : OK;
}

static void
put_header(struct buf *out, const struct event_header *h)
{
    put_number(out, h->name.len, 1);
    buf_put(out, h->name);
    put_number(out, h->type, 1);
    if (types[h->type].is_number) {
        put_number(out, (uint64_t)h->number, types[h->type].bytes);
        return;
    }
    if (types[h->type].has_length)
        put_number(out, h->bytes.len, types[h->type].bytes);
    if (h->type == EVENT_UUID || types[h->type].has_length)
        buf_put(out, h->bytes);
}

int
event_encode(const struct event_message *message, struct buf *out)
{
    size_t headers, start = out->len;
    if (message->payload.len > EVENT_PAYLOAD_BYTES_MAX)
        return E_LIMIT;
    TRY(check_headers(message, out->arena, &headers));
    size_t size = PRELUDE_BYTES + headers + message->payload.len + CHECKSUM_BYTES;
    buf_reserve(out, size);
    put_number(out, size, 4);
    put_number(out, headers, 4);
    put_number(out, checksum(out->ptr + start, out->len - start), CHECKSUM_BYTES);
    for (size_t i = 0; i < message->header_count; i++)
        put_header(out, &message->headers[i]);
    buf_put(out, message->payload);
    put_number(out, checksum(out->ptr + start, out->len - start), CHECKSUM_BYTES);
    return OK;
}

static bool
take(struct str *from, size_t bytes, struct str *out)
{
    *out = str_slice(*from, 0, bytes);
    *from = str_slice(*from, bytes, from->len);
    return out->len == bytes;
}

static int
read_value(struct str *from, struct event_header *h)
{
    struct str fixed;
    if (!take(from, types[h->type].bytes, &fixed))
        return E_INVALID;
    uint64_t number = h->type == EVENT_UUID ? 0 : get_number(fixed.ptr, fixed.len);
    if (types[h->type].is_number)
        h->number = sign_extended(number, fixed.len);
    else if (h->type == EVENT_UUID)
        h->bytes = fixed;
    else if (types[h->type].has_length && !take(from, (size_t)number, &h->bytes))
        return E_INVALID;
    return check_value(h) == OK ? OK : E_INVALID;
}

static int
read_header(struct str *from, struct event_header *h)
{
    struct str byte;
    if (!take(from, 1, &byte) || !take(from, (unsigned char)byte.ptr[0], &h->name) ||
        check_name(h->name) != OK || !take(from, 1, &byte) ||
        (unsigned char)byte.ptr[0] >= COUNT_OF(types))
        return E_INVALID;
    h->type = (enum event_header_type)byte.ptr[0];
    return read_value(from, h);
}

static int
read_headers(struct str from, struct arena *arena, struct event_message *out)
{
    size_t size = 0;
    while (from.len > 0) {
        if (out->header_count == size) {
            size_t old_bytes = size * sizeof(struct event_header);
            size = size == 0 ? 8 : 2 * size;
            out->headers =
                arena_grow(arena, out->headers, old_bytes, size * sizeof(struct event_header));
        }
        struct event_header *h = &out->headers[out->header_count++];
        *h = (struct event_header){0};
        TRY(read_header(&from, h));
    }
    return is_name_repeated(out, arena) ? E_INVALID : OK;
}

// The lengths of a message and of its headers, which can be trusted after that.
static int
read_prelude(struct str bytes, size_t *size, size_t *headers)
{
    uint64_t total = get_number(bytes.ptr, 4), inside = get_number(bytes.ptr + 4, 4);
    if (get_number(bytes.ptr + 8, CHECKSUM_BYTES) != checksum(bytes.ptr, 8))
        return E_INVALID;
    if (total < PRELUDE_BYTES + CHECKSUM_BYTES || inside > total - PRELUDE_BYTES - CHECKSUM_BYTES)
        return E_INVALID;
    if (inside > EVENT_HEADERS_BYTES_MAX ||
        total - PRELUDE_BYTES - CHECKSUM_BYTES - inside > EVENT_PAYLOAD_BYTES_MAX)
        return E_LIMIT;
    *size = (size_t)total;
    *headers = (size_t)inside;
    return OK;
}

int
event_decode(struct str bytes, struct arena *arena, size_t *size, struct event_message *out)
{
    size_t headers;
    *out = (struct event_message){0};
    *size = PRELUDE_BYTES;
    if (bytes.len < PRELUDE_BYTES)
        return E_AGAIN;
    TRY(read_prelude(bytes, size, &headers));
    if (bytes.len < *size)
        return E_AGAIN;
    size_t end = *size - CHECKSUM_BYTES;
    if (get_number(bytes.ptr + end, CHECKSUM_BYTES) != checksum(bytes.ptr, end))
        return E_INVALID;
    out->payload = str_slice(bytes, PRELUDE_BYTES + headers, end);
    return read_headers(str_slice(bytes, PRELUDE_BYTES, PRELUDE_BYTES + headers), arena, out);
}

const struct event_header *
event_header_find(const struct event_message *message, struct str name)
{
    for (size_t i = 0; i < message->header_count; i++) {
        if (str_eq(message->headers[i].name, name))
            return &message->headers[i];
    }
    return NULL;
}

static struct event_header
text_header(struct str name, struct str value)
{
    return (struct event_header){.name = name, .type = EVENT_STRING, .bytes = value};
}

// A message whose headers are texts.
static int
put_message(struct buf *out, struct str kind, struct event_header second, struct event_header third,
            struct str payload)
{
    struct event_header headers[] = {text_header(STR(":message-type"), kind), second, third};
    struct event_message message = {headers, COUNT_OF(headers), payload};
    return event_encode(&message, out);
}

int
event_put_event(struct buf *out, struct str type, struct str content_type, struct str payload)
{
    return put_message(out, STR("event"), text_header(STR(":event-type"), type),
                       text_header(STR(":content-type"), content_type), payload);
}

int
event_put_exception(struct buf *out, struct str type, struct str content_type, struct str payload)
{
    return put_message(out, STR("exception"), text_header(STR(":exception-type"), type),
                       text_header(STR(":content-type"), content_type), payload);
}

int
event_put_error(struct buf *out, struct str code, struct str message)
{
    return put_message(out, STR("error"), text_header(STR(":error-code"), code),
                       text_header(STR(":error-message"), message), STR(""));
}
