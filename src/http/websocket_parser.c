// Frames of clients: masked, perhaps in fragments, control frames in between.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/websocket_parser.h"

#include <stdlib.h>

#include "src/base/utf8.h"

enum {
    FIN = 0x80,
    RESERVED = 0x70,
    OPCODE = 0x0f,
    MASKED = 0x80,
    LENGTH = 0x7f,
    LENGTH_16 = 126, // and above: the length follows in 2 or 8 bytes
    LENGTH_64 = 127,
    MASK_BYTES = 4,
    BUFFER_BYTES_AT_FIRST = 1024,
};

enum opcode {
    CONTINUATION = 0,
    TEXT = 1,
    BINARY = 2,
    CLOSE = 8,
    PING = 9,
    PONG = 10,
};

static enum websocket_parse
bad(struct websocket_parser *p, enum websocket_code code)
{
    p->close_code = (int)code;
    return WEBSOCKET_PARSE_BAD;
}

// -- heads

static size_t
length_bytes(const struct websocket_parser *p)
{
    int length = p->head[1] & LENGTH;
    return length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
}

static size_t
head_bytes(const struct websocket_parser *p)
{
    return p->head_len < 2 ? 2 : 2 + length_bytes(p) + MASK_BYTES;
}

static int
opcode_of(const struct websocket_parser *p)
{
    return p->head[0] & OPCODE;
}

static bool
is_control(const struct websocket_parser *p)
{
    return opcode_of(p) >= CLOSE;
}

// RFC 6455 section 5.2: in the fewest bytes that hold it.
static bool
read_length(struct websocket_parser *p)
{
    size_t n = length_bytes(p);
    p->left = n == 0 ? p->head[1] & LENGTH : 0;
    for (size_t i = 0; i < n; i++)
        p->left = p->left << 8 | p->head[2 + i];
    if (n == 2)
        return p->left >= LENGTH_16;
    return n == 0 || (p->left > UINT16_MAX && p->left >> 63 == 0);
}

static bool
is_known(int opcode)
{
    return opcode <= BINARY || (opcode >= CLOSE && opcode <= PONG);
}

static enum websocket_parse
check_head(struct websocket_parser *p)
{
    int opcode = opcode_of(p);
    bool is_first = opcode == TEXT || opcode == BINARY;
    if (p->head[0] & RESERVED || !is_known(opcode) || !(p->head[1] & MASKED) || !read_length(p))
        return bad(p, WEBSOCKET_PROTOCOL_ERROR);
    if (is_control(p))
        return p->head[0] & FIN && p->left <= WEBSOCKET_CONTROL_BYTES_MAX
                   ? WEBSOCKET_PARSE_MORE
                   : bad(p, WEBSOCKET_PROTOCOL_ERROR);
    if (is_first == (p->kind != 0))
        return bad(p, WEBSOCKET_PROTOCOL_ERROR);
    if (p->left > p->message_bytes_max - p->buffer_len)
        return bad(p, WEBSOCKET_TOO_LARGE);
    if (is_first)
        p->kind = opcode;
    return WEBSOCKET_PARSE_MORE;
}

static enum websocket_parse
take_head(struct websocket_parser *p, struct str bytes, size_t *used)
{
    while (*used < bytes.len && p->head_len < head_bytes(p))
        p->head[p->head_len++] = (uint8_t)bytes.ptr[(*used)++];
    if (p->head_len < 2 || p->head_len < head_bytes(p))
        return WEBSOCKET_PARSE_MORE;
    p->has_head = true;
    p->at = 0;
    return check_head(p);
}

// -- payloads

static void
unmask(struct websocket_parser *p, char *out, const char *from, size_t n)
{
    const uint8_t *mask = p->head + p->head_len - MASK_BYTES;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(from[i] ^ mask[(p->at + i) % MASK_BYTES]);
    p->at += n;
    p->left -= n;
}

static char *
reserve(struct websocket_parser *p, size_t n)
{
    if (p->buffer_size - p->buffer_len < n) {
        size_t size = p->buffer_size == 0 ? BUFFER_BYTES_AT_FIRST : 2 * p->buffer_size;
        p->buffer_size = size < p->buffer_len + n ? p->buffer_len + n : size;
        p->buffer = realloc(p->buffer, p->buffer_size);
        CHECK(p->buffer != NULL);
    }
    return p->buffer + p->buffer_len;
}

static void
take_payload(struct websocket_parser *p, struct str bytes, size_t *used)
{
    size_t n = bytes.len - *used;
    n = n < p->left ? n : (size_t)p->left;
    const char *from = bytes.ptr + *used;
    *used += n;
    if (n == 0)
        return;
    if (is_control(p)) {
        unmask(p, p->control_bytes + p->control_len, from, n);
        p->control_len += n;
    } else {
        unmask(p, reserve(p, n), from, n);
        p->buffer_len += n;
    }
}

static bool
is_utf8(struct str s)
{
    while (s.len > 0) {
        size_t n = utf8_char_bytes(s);
        if (n == 0)
            return false;
        s = str_slice(s, n, s.len);
    }
    return true;
}

static enum websocket_parse
end_message(struct websocket_parser *p)
{
    int kind = p->kind;
    p->message = (struct str){p->buffer ? p->buffer : "", p->buffer_len};
    p->is_message_done = true;
    p->kind = 0;
    if (kind == BINARY)
        return WEBSOCKET_PARSE_BINARY;
    return is_utf8(p->message) ? WEBSOCKET_PARSE_TEXT : bad(p, WEBSOCKET_BAD_TEXT);
}

static enum websocket_parse
end_close(struct websocket_parser *p)
{
    struct str payload = p->control;
    p->close_code = WEBSOCKET_NO_CODE;
    if (payload.len == 0)
        return WEBSOCKET_PARSE_CLOSE;
    if (payload.len == 1)
        return bad(p, WEBSOCKET_PROTOCOL_ERROR);
    p->close_code = (uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1];
    p->control = str_slice(payload, 2, payload.len);
    if (!websocket_code_is_valid(p->close_code))
        return bad(p, WEBSOCKET_PROTOCOL_ERROR);
    return is_utf8(p->control) ? WEBSOCKET_PARSE_CLOSE : bad(p, WEBSOCKET_BAD_TEXT);
}

static enum websocket_parse
end_frame(struct websocket_parser *p)
{
    p->has_head = false;
    p->head_len = 0;
    if (!is_control(p))
        return p->head[0] & FIN ? end_message(p) : WEBSOCKET_PARSE_MORE;
    p->control = (struct str){p->control_bytes, p->control_len};
    p->control_len = 0;
    if (opcode_of(p) == CLOSE)
        return end_close(p);
    return opcode_of(p) == PING ? WEBSOCKET_PARSE_PING : WEBSOCKET_PARSE_PONG;
}

bool
websocket_code_is_valid(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

void
websocket_parser_init(struct websocket_parser *p, size_t message_bytes_max)
{
    *p = (struct websocket_parser){.message_bytes_max = message_bytes_max};
}

void
websocket_parser_fini(struct websocket_parser *p)
{
    free(p->buffer);
}

enum websocket_parse
websocket_parse(struct websocket_parser *p, struct str bytes, size_t *used)
{
    enum websocket_parse result = WEBSOCKET_PARSE_MORE;
    *used = 0;
    if (p->is_message_done)
        p->buffer_len = 0;
    p->is_message_done = false;
    while (result == WEBSOCKET_PARSE_MORE && *used < bytes.len) {
        if (!p->has_head)
            result = take_head(p, bytes, used);
        else
            take_payload(p, bytes, used);
        if (result == WEBSOCKET_PARSE_MORE && p->has_head && p->left == 0)
            result = end_frame(p);
    }
    return result;
}
