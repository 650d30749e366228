// Headers and bodies of HTTP/2 requests (RFC 9113 section 8).
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h2_stream.h"

#include <stdlib.h>

#include "src/http/grammar.h"
#include "src/http/h2.h"
#include "src/http/target.h"

enum {
    METHOD_BYTES_MAX = 32,
    HEADERS_AT_FIRST = 16,
    HEADER_OVERHEAD = 32, // RFC 9113 section 6.5.2
    BODY_BYTES_AT_FIRST = 4 * 1024,
};

static void
refuse(struct h2_stream *s, int status, const char *text)
{
    if (s->error_status)
        return;
    s->error_status = status;
    s->error_text = text;
}

static bool
all_bytes_are(struct str s, int classes)
{
    return http_skip(s.ptr, s.ptr + s.len, classes) == s.ptr + s.len;
}

// -- headers

static struct header *
add_room(struct h2_stream *s)
{
    struct http_request *r = &s->request;
    if (r->header_count == s->header_room) {
        size_t room = s->header_room == 0 ? HEADERS_AT_FIRST : 2 * s->header_room;
        r->headers = arena_grow(&s->arena, r->headers, s->header_room * sizeof(*r->headers),
                                room * sizeof(*r->headers));
        s->header_room = room;
    }
    return &r->headers[r->header_count++];
}

static struct header *
find_header(struct h2_stream *s, struct str name)
{
    for (size_t i = 0; i < s->request.header_count; i++)
        if (str_eq(s->request.headers[i].name, name))
            return &s->request.headers[i];
    return NULL;
}

static void
note_content_length(struct h2_stream *s, struct str value)
{
    if (str_to_int64(value, &s->content_length) != OK)
        refuse(s, 413, "The body is too large.");
}

static void
note_expect(struct h2_stream *s, struct str value)
{
    s->wants_continue = true;
    if (!str_eq_nocase(value, STR("100-continue")))
        refuse(s, 417, "The only expectation is 100-continue.");
}

static void
note_host(struct h2_stream *s, struct str value)
{
    s->host = value;
}

struct known_header {
    struct str name;
    void (*note)(struct h2_stream *s, struct str value);
};

static const struct known_header known_headers[] = {
    {{"host", 4}, note_host},
    {{"content-length", 14}, note_content_length},
    {{"expect", 6}, note_expect},
};

// RFC 9113 section 8.2.3: crumbs of a cookie are joined before anybody else sees them.
static bool
join_cookie(struct h2_stream *s, struct str name, struct str value)
{
    struct header *first = str_eq(name, STR("cookie")) ? find_header(s, STR("cookie")) : NULL;
    if (first)
        first->value =
            arena_print(&s->arena, STR_FMT "; " STR_FMT, STR_ARG(first->value), STR_ARG(value));
    return first != NULL;
}

static void
add_plain(struct h2_stream *s, struct str name, struct str value)
{
    if (join_cookie(s, name, value))
        return;
    if (s->request.header_count == HTTP_HEADERS_MAX) {
        refuse(s, 431, "There are too many header fields.");
        return;
    }
    struct header *h = add_room(s);
    *h = (struct header){arena_copy(&s->arena, name), arena_copy(&s->arena, value)};
    for (size_t i = 0; i < COUNT_OF(known_headers); i++)
        if (str_eq(known_headers[i].name, h->name))
            known_headers[i].note(s, h->value);
}

static void
add_pseudo(struct h2_stream *s, struct str name, struct str value)
{
    if (str_eq(name, STR(":method")))
        s->request.method = arena_copy(&s->arena, value);
    else if (str_eq(name, STR(":path")))
        s->request.target = arena_copy(&s->arena, value);
    else if (str_eq(name, STR(":authority")))
        s->authority = arena_copy(&s->arena, value);
}

static void
count(struct h2_stream *s, struct str name, struct str value)
{
    s->head_bytes += name.len + value.len + HEADER_OVERHEAD;
    if (s->head_bytes > HTTP_HEAD_BYTES_MAX)
        refuse(s, 431, "The request's head is too large.");
}

static void
check_request_line(struct h2_stream *s)
{
    struct http_request *r = &s->request;
    struct str none;
    if (r->method.len > METHOD_BYTES_MAX)
        refuse(s, 501, "The method is unknown.");
    else if (str_eq(r->method, STR("CONNECT")))
        refuse(s, 501, "This is no proxy.");
    else if (r->target.len > HTTP_TARGET_BYTES_MAX)
        refuse(s, 414, "The request target is too long.");
    else if (r->method.len == 0 || !all_bytes_are(r->method, HTTP_IS_TOKEN))
        refuse(s, 400, "The method is not valid.");
    else if (r->target.len == 0 || !all_bytes_are(r->target, HTTP_IS_TARGET))
        refuse(s, 400, "The path holds a byte that must be percent-encoded.");
    else if (!http_target_split(r, &none) || str_is_present(none))
        refuse(s, 400, "The path is not valid.");
}

static void
check_host(struct h2_stream *s)
{
    bool has_both = str_is_present(s->host) && str_is_present(s->authority);
    struct str host = str_is_present(s->host) ? s->host : s->authority;
    if (!str_is_present(host))
        refuse(s, 400, "There is neither :authority nor Host.");
    else if (!http_authority_is_valid(host))
        refuse(s, 400, "Host is not valid.");
    else if (has_both && !str_eq_nocase(s->host, s->authority))
        refuse(s, 400, "Host and :authority differ.");
    else if (!str_is_present(s->host))
        *add_room(s) = (struct header){STR("host"), host};
}

struct h2_stream *
h2_stream_new(struct h2 *home, int32_t id, const struct http_memory *memory)
{
    struct h2_stream *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    s->home = home;
    s->id = id;
    s->memory = memory;
    arena_init(&s->arena);
    s->request.arena = &s->arena;
    return s;
}

void
h2_stream_free(struct h2_stream *s)
{
    if (s->memory && s->memory->give)
        s->memory->give(s->memory->arg, s->body_room);
    arena_fini(&s->arena);
    free(s->body);
    free(s);
}

void
h2_stream_add_header(struct h2_stream *s, struct str name, struct str value)
{
    count(s, name, value);
    if (s->error_status)
        return;
    if (str_starts(name, STR(":")))
        add_pseudo(s, name, value);
    else
        add_plain(s, name, value);
}

void
h2_stream_add_trailer(struct h2_stream *s, struct str name, struct str value)
{
    struct http_request *r = &s->request;
    count(s, name, value);
    if (r->trailer_count == HTTP_HEADERS_MAX)
        refuse(s, 431, "There are too many trailer fields.");
    if (s->error_status)
        return;
    if (!r->trailers)
        r->trailers = ARENA_ARRAY(&s->arena, HTTP_HEADERS_MAX, struct header);
    r->trailers[r->trailer_count++] =
        (struct header){arena_copy(&s->arena, name), arena_copy(&s->arena, value)};
}

void
h2_stream_end_head(struct h2_stream *s)
{
    if (s->error_status)
        return;
    check_request_line(s);
    check_host(s);
}

static bool
make_room(struct h2_stream *s, size_t needed, size_t room_max)
{
    const struct http_memory *m = s->memory;
    if (needed <= s->body_room)
        return true;
    size_t room = s->body_room == 0 ? BODY_BYTES_AT_FIRST : 2 * s->body_room;
    room = room < room_max ? room : room_max;
    room = room > needed ? room : needed;
    if (m && m->take && !m->take(m->arg, room - s->body_room))
        return false;
    s->body = realloc(s->body, room);
    CHECK(s->body != NULL);
    s->body_room = room;
    return true;
}

void
h2_stream_add_body(struct h2_stream *s, struct str bytes)
{
    struct str *body = &s->request.body;
    if (bytes.len > HTTP_BODY_BYTES_MAX - body->len) {
        refuse(s, 413, "The body is too large.");
        return;
    }
    if (!make_room(s, body->len + bytes.len, HTTP_BODY_BYTES_MAX)) {
        refuse(s, 503, "There is no memory for this body now.");
        return;
    }
    memcpy(s->body + body->len, bytes.ptr, bytes.len);
    *body = (struct str){s->body, body->len + bytes.len};
}

// The window keeps what is here below H2_STREAMED_BYTES_MAX.
bool
h2_stream_add_piece(struct h2_stream *s, struct str bytes)
{
    if (s->body_start > 0 && s->body_room - s->body_end < bytes.len) {
        memmove(s->body, s->body + s->body_start, s->body_end - s->body_start);
        s->body_end -= s->body_start;
        s->body_start = 0;
    }
    if (!make_room(s, s->body_end + bytes.len, H2_STREAMED_BYTES_MAX))
        return false;
    memcpy(s->body + s->body_end, bytes.ptr, bytes.len);
    s->body_end += bytes.len;
    return true;
}

size_t
h2_stream_take_piece(struct h2_stream *s, void *out, size_t size)
{
    size_t held = s->body_end - s->body_start, n = held < size ? held : size;
    if (n > 0)
        memcpy(out, s->body + s->body_start, n);
    s->body_start += n;
    if (s->body_start == s->body_end)
        s->body_start = s->body_end = 0;
    return n;
}
