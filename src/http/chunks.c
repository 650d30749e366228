// The chunked transfer coding (RFC 9112 section 7.1), decoded in place.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/grammar.h"
#include "src/http/parser.h"

enum {
    CHUNK_LINE_BYTES_MAX = 256, // size and extensions of one chunk: nobody needs extensions
    CHUNK_SIZE_DIGITS_MAX = 15, // cannot overflow uint64_t
    CHUNK_TRAILER_BYTES_MAX = 8 * 1024,
};

enum chunk_state {
    SIZE_FIRST, // at least one digit
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, // at the start of a trailer line or of the last, empty one
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    END,
    BROKEN,
};

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static enum chunk_state
take_size(struct http_chunks *c, char byte)
{
    int digit = hex_value(byte);
    if (digit >= 0 && c->line_bytes <= CHUNK_SIZE_DIGITS_MAX) {
        c->left = c->left * 16 + (uint64_t)digit;
        return SIZE;
    }
    if (c->state == SIZE_FIRST)
        return BROKEN;
    if (byte == ';')
        return EXTENSION;
    return byte == '\r' ? SIZE_LF : BROKEN;
}

static enum chunk_state
take_size_end(struct http_chunks *c, char byte)
{
    c->line_bytes = 0;
    if (byte != '\n')
        return BROKEN;
    return c->left > 0 ? DATA : TRAILER;
}

static enum chunk_state
take_trailer_start(char byte)
{
    if (byte == '\r')
        return LAST_LF;
    return http_byte_is(byte, HTTP_IS_TOKEN) ? TRAILER_NAME : BROKEN;
}

static enum chunk_state
take_trailer_name(char byte)
{
    if (byte == ':')
        return TRAILER_VALUE;
    return http_byte_is(byte, HTTP_IS_TOKEN) ? TRAILER_NAME : BROKEN;
}

// Text up to CR: an extension or a trailer's value.
static enum chunk_state
take_text(char byte, enum chunk_state same, enum chunk_state next)
{
    if (byte == '\r')
        return next;
    return http_byte_is(byte, HTTP_IS_VALUE) ? same : BROKEN;
}

static enum chunk_state
take_exactly(char byte, char wanted, enum chunk_state next)
{
    return byte == wanted ? next : BROKEN;
}

static bool
is_trailer(enum chunk_state state)
{
    return state >= TRAILER && state <= LAST_LF;
}

// The state after one byte of framing.
static enum chunk_state
take_byte(struct http_chunks *c, char byte)
{
    switch ((enum chunk_state)c->state) {
    case SIZE_FIRST:
    case SIZE:
        return take_size(c, byte);
    case EXTENSION:
        return take_text(byte, EXTENSION, SIZE_LF);
    case SIZE_LF:
        return take_size_end(c, byte);
    case DATA_CR:
        return take_exactly(byte, '\r', DATA_LF);
    case DATA_LF:
        return take_exactly(byte, '\n', SIZE_FIRST);
    case TRAILER:
        return take_trailer_start(byte);
    case TRAILER_NAME:
        return take_trailer_name(byte);
    case TRAILER_VALUE:
        return take_text(byte, TRAILER_VALUE, TRAILER_LF);
    case TRAILER_LF:
        return take_exactly(byte, '\n', TRAILER);
    case LAST_LF:
        return take_exactly(byte, '\n', END);
    case DATA:
    case END:
    case BROKEN:
        break;
    }
    return BROKEN;
}

static void
take_framing(struct http_chunks *c, char byte)
{
    if (is_trailer(c->state)) {
        c->trailer_bytes++;
        if (c->trailers)
            buf_put_char(c->trailers, byte);
    } else {
        c->line_bytes++;
    }
    c->state = take_byte(c, byte);
    if (c->state == DATA || c->state == SIZE_FIRST)
        c->line_bytes = 0;
    if (c->line_bytes > CHUNK_LINE_BYTES_MAX || c->trailer_bytes > CHUNK_TRAILER_BYTES_MAX)
        c->state = BROKEN;
}

static size_t
take_data(struct http_chunks *c, char *to, const char *from, size_t len)
{
    size_t n = c->left < len ? (size_t)c->left : len;
    memmove(to, from, n);
    c->left -= n;
    if (c->left == 0)
        c->state = DATA_CR;
    return n;
}

enum http_parse
http_chunks_decode(struct http_chunks *c, char *bytes, size_t len, size_t *consumed,
                   size_t *produced)
{
    size_t in = 0;
    size_t out = 0;
    while (in < len && c->state != END && c->state != BROKEN) {
        if (c->state == DATA) {
            size_t n = take_data(c, bytes + out, bytes + in, len - in);
            in += n;
            out += n;
        } else {
            take_framing(c, bytes[in++]);
        }
    }
    *consumed = in;
    *produced = out;
    if (c->state == BROKEN)
        return HTTP_PARSE_BAD;
    return c->state == END ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
}

void
http_chunks_end(const struct http_chunks *c, struct http_request *request)
{
    enum { LINE_BYTES_MIN = 4 }; // "a:" and its end
    struct str line, rest = c->trailers ? buf_str(c->trailers) : (struct str){0};
    size_t count_max = rest.len / LINE_BYTES_MIN;
    if (count_max == 0)
        return;
    request->trailers = ARENA_ARRAY(request->arena, count_max, struct header);
    request->trailer_count = 0;
    while (str_cut(rest, '\r', &line, &rest) && line.len > 0) {
        struct header *h = &request->trailers[request->trailer_count++];
        str_cut(line, ':', &h->name, &h->value);
        h->value = str_trim(h->value);
        rest = str_slice(rest, 1, rest.len); // LF
    }
}
