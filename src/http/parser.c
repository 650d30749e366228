// The head of a request: request line and header fields (RFC 9112 sections 2-3, 5-7).
// SPDX-License-Identifier: Apache-2.0
#include "src/http/parser.h"

#include "src/http/grammar.h"
#include "src/http/target.h"

enum {
    METHOD_BYTES_MAX = 32, // longer than any registered one
    HEADERS_AT_FIRST = 16, // most requests have fewer
    VERSION_BYTES = 8,     // HTTP/1.1
};

// One walk over the head. Every step answers DONE when its part stands before `at`.
struct walk {
    const char *at;
    const char *end;
    struct arena *arena;
    size_t header_room;
    struct str authority; // of an absolute target
    struct header *host;
    bool has_transfer_encoding;
    bool says_close;
    bool says_keep_alive;
    struct http_head *head;
};

static enum http_parse
bad(struct walk *w, int status, const char *text)
{
    w->head->error_status = status;
    w->head->error_text = text;
    return HTTP_PARSE_BAD;
}

#define STEP(expression)                                                                           \
    do {                                                                                           \
        enum http_parse step_ = (expression);                                                      \
        if (step_ != HTTP_PARSE_DONE)                                                              \
            return step_;                                                                          \
    } while (0)

static struct str
between(const char *from, const char *to)
{
    return (struct str){from, (size_t)(to - from)};
}

static enum http_parse
parse_line_end(struct walk *w)
{
    if (w->at < w->end && *w->at != '\r')
        return bad(w, 400, "A line holds a byte that may not stand there.");
    if (w->end - w->at < 2)
        return HTTP_PARSE_MORE;
    if (w->at[1] != '\n')
        return bad(w, 400, "CR without LF.");
    w->at += 2;
    return HTTP_PARSE_DONE;
}

static enum http_parse
parse_method(struct walk *w)
{
    const char *end = http_skip(w->at, w->end, HTTP_IS_TOKEN);
    struct str method = between(w->at, end);
    if (method.len > METHOD_BYTES_MAX)
        return bad(w, 501, "The method is unknown.");
    if (end == w->end)
        return HTTP_PARSE_MORE;
    if (method.len == 0 || *end != ' ')
        return bad(w, 400, "This is no HTTP request line.");
    if (str_eq(method, STR("CONNECT")))
        return bad(w, 501, "This is no proxy.");
    w->head->request.method = method;
    w->at = end + 1;
    return HTTP_PARSE_DONE;
}

static enum http_parse
parse_target(struct walk *w)
{
    const char *end = http_skip(w->at, w->end, HTTP_IS_TARGET);
    struct str target = between(w->at, end);
    if (target.len > HTTP_TARGET_BYTES_MAX)
        return bad(w, 414, "The request target is too long.");
    if (end == w->end)
        return HTTP_PARSE_MORE;
    if (target.len == 0 || *end != ' ')
        return bad(w, 400, "The request target holds a byte that must be percent-encoded.");
    w->head->request.target = target;
    w->at = end + 1;
    return HTTP_PARSE_DONE;
}

static enum http_parse
parse_version(struct walk *w)
{
    for (size_t i = 0; i < VERSION_BYTES && w->at + i < w->end; i++) {
        char wanted = "HTTP/0.0"[i];
        if (w->at[i] != wanted && !(wanted == '0' && http_is_digit(w->at[i])))
            return bad(w, 400, "This is no HTTP request line.");
    }
    if (w->end - w->at < VERSION_BYTES)
        return HTTP_PARSE_MORE;
    if (w->at[5] != '1')
        return bad(w, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    w->head->minor_version = w->at[7] != '0';
    w->at += VERSION_BYTES;
    return HTTP_PARSE_DONE;
}

static enum http_parse
parse_request_line(struct walk *w)
{
    // RFC 9112 section 2.2: one empty line before a request is ignored.
    if (w->at < w->end && *w->at == '\r')
        STEP(parse_line_end(w));
    STEP(parse_method(w));
    STEP(parse_target(w));
    STEP(parse_version(w));
    STEP(parse_line_end(w));
    if (!http_target_split(&w->head->request, &w->authority))
        return bad(w, 400, "The request target is neither a path nor a URL with a valid host.");
    return HTTP_PARSE_DONE;
}

static enum http_parse
note_host(struct walk *w, struct header *h)
{
    if (w->host)
        return bad(w, 400, "There is more than one Host.");
    if (!http_authority_is_valid(h->value))
        return bad(w, 400, "Host is not valid.");
    w->host = h;
    return HTTP_PARSE_DONE;
}

static enum http_parse
note_content_length(struct walk *w, struct header *h)
{
    struct http_head *head = w->head;
    if (head->content_length >= 0)
        return bad(w, 400, "There is more than one Content-Length.");
    int64_t length = 0;
    for (size_t i = 0; i < h->value.len; i++)
        if (!http_is_digit(h->value.ptr[i]))
            return bad(w, 400, "Content-Length is no number.");
    if (h->value.len == 0)
        return bad(w, 400, "Content-Length is no number.");
    if (h->value.len > HTTP_LENGTH_DIGITS_MAX)
        return bad(w, 413, "The body is too large.");
    for (size_t i = 0; i < h->value.len; i++)
        length = length * 10 + (h->value.ptr[i] - '0');
    head->content_length = length;
    return HTTP_PARSE_DONE;
}

static enum http_parse
note_transfer_encoding(struct walk *w, struct header *h)
{
    if (w->has_transfer_encoding)
        return bad(w, 400, "There is more than one Transfer-Encoding.");
    if (!str_eq_nocase(h->value, STR("chunked")))
        return bad(w, 501, "The only Transfer-Encoding is chunked.");
    w->has_transfer_encoding = true;
    w->head->is_chunked = true;
    return HTTP_PARSE_DONE;
}

static enum http_parse
note_connection(struct walk *w, struct header *h)
{
    struct str option;
    struct str rest = h->value;
    while (str_is_present(rest)) {
        str_cut(rest, ',', &option, &rest);
        option = str_trim(option);
        w->says_close |= str_eq_nocase(option, STR("close"));
        w->says_keep_alive |= str_eq_nocase(option, STR("keep-alive"));
    }
    return HTTP_PARSE_DONE;
}

static enum http_parse
note_expect(struct walk *w, struct header *h)
{
    if (!str_eq_nocase(h->value, STR("100-continue")))
        return bad(w, 417, "The only expectation is 100-continue.");
    // RFC 9110 section 10.1.1: one that a 1.0 client sends is ignored.
    w->head->wants_continue = w->head->minor_version > 0;
    return HTTP_PARSE_DONE;
}

struct known_header {
    struct str name;
    enum http_parse (*note)(struct walk *w, struct header *h);
};

// The headers that the framing of messages depends on.
static const struct known_header known_headers[] = {
    {{"Host", 4}, note_host},
    {{"Content-Length", 14}, note_content_length},
    {{"Transfer-Encoding", 17}, note_transfer_encoding},
    {{"Connection", 10}, note_connection},
    {{"Expect", 6}, note_expect},
};

static enum http_parse
note_header(struct walk *w, struct header *h)
{
    for (size_t i = 0; i < COUNT_OF(known_headers); i++) {
        const struct known_header *k = &known_headers[i];
        if (k->name.len == h->name.len && str_eq_nocase(k->name, h->name))
            return k->note(w, h);
    }
    return HTTP_PARSE_DONE;
}

// Room for one more header. Earlier ones may move.
static struct header *
add_header(struct walk *w)
{
    struct http_request *r = &w->head->request;
    if (r->header_count == w->header_room) {
        size_t room = w->header_room == 0 ? HEADERS_AT_FIRST : 2 * w->header_room;
        ptrdiff_t host_at = w->host ? w->host - r->headers : 0;
        r->headers = w->header_room == 0
                         ? ARENA_ARRAY(w->arena, room, struct header)
                         : arena_grow(w->arena, r->headers, w->header_room * sizeof(*r->headers),
                                      room * sizeof(*r->headers));
        w->header_room = room;
        w->host = w->host ? r->headers + host_at : NULL;
    }
    return &r->headers[r->header_count++];
}

// The first byte of [at, end) that is no visible ASCII, space or obs-text, or somewhat before it:
// eight bytes at a time.
static const char *
skip_plain_text(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    while (end - at >= 8) {
        uint64_t w;
        memcpy(&w, at, sizeof(w));
        uint64_t del = w ^ (ones * 0x7f);
        uint64_t is_control = (w - ones * 0x20) & ~w & tops;
        uint64_t is_del = (del - ones) & ~del & tops;
        if (is_control | is_del)
            break;
        at += 8;
    }
    return at;
}

static const char *
skip_value(const char *at, const char *end)
{
    return http_skip(skip_plain_text(at, end), end, HTTP_IS_VALUE);
}

static enum http_parse
parse_header(struct walk *w)
{
    const char *colon = http_skip(w->at, w->end, HTTP_IS_TOKEN);
    if (colon == w->end)
        return HTTP_PARSE_MORE;
    if (colon == w->at || *colon != ':')
        return bad(w, 400, "A header field name is not valid.");
    struct header h = {.name = between(w->at, colon)};
    w->at = skip_value(colon + 1, w->end);
    h.value = str_trim(between(colon + 1, w->at));
    STEP(parse_line_end(w));
    if (w->head->request.header_count == HTTP_HEADERS_MAX)
        return bad(w, 431, "There are too many header fields.");
    struct header *added = add_header(w);
    *added = h;
    return note_header(w, added);
}

static enum http_parse
parse_headers(struct walk *w)
{
    for (;;) {
        if (w->at == w->end)
            return HTTP_PARSE_MORE;
        if (*w->at == '\r')
            return parse_line_end(w);
        STEP(parse_header(w));
    }
}

// RFC 9112 section 6: how the message is framed must have one reading only.
static enum http_parse
check_framing(struct walk *w)
{
    struct http_head *head = w->head;
    if (head->is_chunked && head->content_length >= 0)
        return bad(w, 400, "There are both Content-Length and Transfer-Encoding.");
    if (head->is_chunked && head->minor_version == 0)
        return bad(w, 400, "HTTP/1.0 has no Transfer-Encoding.");
    return HTTP_PARSE_DONE;
}

static enum http_parse
check_host(struct walk *w)
{
    if (!w->host && w->head->minor_version > 0)
        return bad(w, 400, "There is no Host.");
    if (w->host && str_is_present(w->authority))
        w->host->value = w->authority;
    return HTTP_PARSE_DONE;
}

static enum http_parse
walk_head(struct walk *w)
{
    STEP(parse_request_line(w));
    STEP(parse_headers(w));
    STEP(check_framing(w));
    STEP(check_host(w));
    bool is_kept = w->head->minor_version > 0 || w->says_keep_alive;
    w->head->keep_alive = is_kept && !w->says_close;
    return HTTP_PARSE_DONE;
}

static enum http_parse
parse_all(struct str bytes, struct arena *arena, struct http_head *out)
{
    *out = (struct http_head){.content_length = -1, .was_walked = out->was_walked};
    out->request.arena = arena;
    struct walk w = {.at = bytes.ptr, .end = bytes.ptr + bytes.len, .arena = arena, .head = out};
    STEP(walk_head(&w));
    out->head_bytes = (size_t)(w.at - bytes.ptr);
    if (out->head_bytes > HTTP_HEAD_BYTES_MAX)
        return bad(&w, 431, "The request's head is too large.");
    return HTTP_PARSE_DONE;
}

// Looks for the empty line in what was not searched before.
static enum http_parse
find_head_end(struct str bytes, struct http_head *head)
{
    const char *end = bytes.ptr + bytes.len;
    const char *lf = bytes.ptr + head->searched_bytes;
    while ((lf = memchr(lf, '\n', (size_t)(end - lf)))) {
        if (lf == bytes.ptr || lf[-1] != '\r')
            return bad(&(struct walk){.head = head}, 400, "LF without CR.");
        if (lf - bytes.ptr >= 3 && lf[-2] == '\n')
            return HTTP_PARSE_DONE;
        lf++;
    }
    head->searched_bytes = bytes.len;
    return HTTP_PARSE_MORE;
}

// A head mostly comes in one piece and is walked once. When it does not, the next calls only look
// at what is new, until the end is there: slow arrival costs two passes, not one for each piece.
enum http_parse
http_head_parse(struct str bytes, struct arena *arena, struct http_head *out)
{
    bool is_full = bytes.len > HTTP_HEAD_BYTES_MAX;
    if (out->was_walked && !is_full)
        STEP(find_head_end(bytes, out));
    enum http_parse result = parse_all(bytes, arena, out);
    if (result != HTTP_PARSE_MORE)
        return result;
    if (is_full)
        return bad(&(struct walk){.head = out}, 431, "The request's head is too large.");
    out->was_walked = true;
    return HTTP_PARSE_MORE;
}
