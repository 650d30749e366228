// Headers and bodies of HTTP/2 requests (RFC 9113 section 8).
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h2_stream.h"

#include <stdlib.h>

#include "src/http/grammar.h"
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
    if (str_to_int64(value, &s->content_length) != OK || s->content_length > HTTP_BODY_BYTES_MAX)
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
h2_stream_new(struct h2 *home, int32_t id)
{
    struct h2_stream *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    s->home = home;
    s->id = id;
    arena_init(&s->arena);
    s->request.arena = &s->arena;
    return s;
}

void
h2_stream_free(struct h2_stream *s)
{
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
    count(s, name, value);
}

void
h2_stream_end_head(struct h2_stream *s)
{
    if (s->error_status)
        return;
    check_request_line(s);
    check_host(s);
}

void
h2_stream_add_body(struct h2_stream *s, struct str bytes)
{
    struct str *body = &s->request.body;
    if (bytes.len > HTTP_BODY_BYTES_MAX - body->len) {
        refuse(s, 413, "The body is too large.");
        return;
    }
    size_t needed = body->len + bytes.len;
    if (needed > s->body_room) {
        size_t room = s->body_room == 0 ? BODY_BYTES_AT_FIRST : 2 * s->body_room;
        s->body_room = room > needed ? room : needed;
        s->body = realloc(s->body, s->body_room);
        CHECK(s->body != NULL);
    }
    memcpy(s->body + body->len, bytes.ptr, bytes.len);
    *body = (struct str){s->body, needed};
}
