// Collects heads and bodies; see reader.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/reader.h"

#include <stdlib.h>

enum {
    LARGE_BYTES_MIN = 64 * 1024,
    READ_BYTES_MIN = 4 * 1024,
    READ_BYTES_MAX = 64 * 1024, // so that little of the next request lands behind a chunked body
};

static void *
resize(void *old, size_t size)
{
    void *memory = realloc(old, size);
    CHECK(memory != NULL);
    return memory;
}

static enum http_parse
bad(struct http_reader *r, int status, const char *text)
{
    r->head.error_status = status;
    r->head.error_text = text;
    return HTTP_PARSE_BAD;
}

static enum http_parse
finish(struct http_reader *r, const char *ahead, size_t ahead_len)
{
    http_chunks_end(&r->chunks, &r->head.request);
    r->head.request.body = (struct str){r->body, r->body_len};
    r->ahead = (struct str){ahead, ahead_len};
    return HTTP_PARSE_DONE;
}

// How much memory the body needs at most, as far as it is known.
static size_t
body_size_max(const struct http_reader *r)
{
    if (r->head.is_chunked)
        return HTTP_BODY_BYTES_MAX + READ_BYTES_MAX; // refused by then
    return (size_t)r->head.content_length;
}

static bool
take_memory(struct http_reader *r, size_t bytes)
{
    const struct http_memory *m = r->memory;
    return !m || !m->take || m->take(m->arg, bytes);
}

static void
forget_large(struct http_reader *r)
{
    if (r->large && r->memory && r->memory->give)
        r->memory->give(r->memory->arg, r->large_bytes);
    free(r->large);
    r->large = NULL;
    r->large_bytes = 0;
}

// Room for more of the body: doubled, since a client that announces much may send little.
static bool
grow_body(struct http_reader *r)
{
    size_t size = r->body_room < LARGE_BYTES_MIN / 2 ? LARGE_BYTES_MIN : 2 * r->body_room;
    if (size > body_size_max(r))
        size = body_size_max(r);
    char *old = r->large;
    if (!take_memory(r, size - r->large_bytes))
        return false;
    r->large = resize(old, size);
    r->large_bytes = size;
    if (!old)
        memcpy(r->large, r->body, r->body_len);
    r->body = r->large;
    r->body_room = size;
    return true;
}

static enum http_parse
add_plain(struct http_reader *r, char *bytes, size_t n)
{
    size_t length = r->head.content_length > 0 ? (size_t)r->head.content_length : 0;
    size_t left = length - r->body_len;
    size_t taken = n < left ? n : left;
    r->body_len += taken;
    if (r->body_len == length)
        return finish(r, bytes + taken, n - taken);
    return HTTP_PARSE_MORE;
}

static enum http_parse
add_chunked(struct http_reader *r, char *bytes, size_t n)
{
    size_t consumed, produced;
    enum http_parse result = http_chunks_decode(&r->chunks, bytes, n, &consumed, &produced);
    r->body_len += produced;
    if (result == HTTP_PARSE_BAD)
        return bad(r, 400, "The chunks of the body are not valid.");
    uint64_t announced = r->body_len + r->chunks.left;
    if (announced > HTTP_BODY_BYTES_MAX)
        return bad(r, 413, "The body is too large.");
    if (result == HTTP_PARSE_DONE)
        return finish(r, bytes + consumed, n - consumed);
    return HTTP_PARSE_MORE;
}

// n bytes stand behind what the body has so far.
static enum http_parse
add_to_body(struct http_reader *r, size_t n)
{
    char *bytes = r->body + r->body_len;
    return r->head.is_chunked ? add_chunked(r, bytes, n) : add_plain(r, bytes, n);
}

enum http_parse
http_reader_collect(struct http_reader *r)
{
    if (r->head.content_length > HTTP_BODY_BYTES_MAX)
        return bad(r, 413, "The body is too large.");
    size_t from = r->start + r->head.head_bytes;
    r->body = r->input + from;
    r->body_room = r->input_size - from;
    return add_to_body(r, r->end - from);
}

static enum http_parse
add_to_head(struct http_reader *r)
{
    struct str bytes = {r->input + r->start, r->end - r->start};
    enum http_parse result = http_head_parse(bytes, &r->arena, &r->head);
    if (result != HTTP_PARSE_DONE)
        return result;
    r->has_head = true;
    if (r->head.is_chunked) {
        buf_init(&r->trailers, &r->arena, 0);
        r->chunks.trailers = &r->trailers;
    }
    bool has_body = r->head.is_chunked || r->head.content_length > 0;
    return has_body && r->stops_at_head ? HTTP_PARSE_HEAD : http_reader_collect(r);
}

// Nothing points into the input while the head is incomplete, so it may move.
static void
make_room_for_head(struct http_reader *r)
{
    if (r->start > 0 && r->input_size - r->end < READ_BYTES_MIN) {
        memmove(r->input, r->input + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    if (r->end == r->input_size) {
        r->input_size *= 2;
        r->input = resize(r->input, r->input_size);
    }
}

static void
forget_request(struct http_reader *r)
{
    arena_reset(&r->arena);
    r->head = (struct http_head){0};
    r->chunks = (struct http_chunks){0};
    r->has_head = false;
    r->body = NULL;
    r->body_len = 0;
    r->ahead = (struct str){0};
}

// What came behind the last request becomes the input.
static void
start_with(struct http_reader *r, struct str ahead)
{
    bool is_in_input = ahead.ptr >= r->input && ahead.ptr <= r->input + r->input_size;
    if (ahead.len == 0) {
        r->start = r->end = 0;
    } else if (is_in_input) {
        r->start = (size_t)(ahead.ptr - r->input);
        r->end = r->start + ahead.len;
    } else {
        if (r->input_size < ahead.len)
            r->input = resize(r->input, r->input_size = ahead.len);
        memcpy(r->input, ahead.ptr, ahead.len);
        r->start = 0;
        r->end = ahead.len;
    }
}

void
http_reader_init(struct http_reader *r)
{
    *r = (struct http_reader){.input_size = HTTP_READER_BYTES};
    arena_init(&r->arena);
    r->input = resize(NULL, r->input_size);
}

void
http_reader_fini(struct http_reader *r)
{
    forget_large(r);
    free(r->input);
    arena_fini(&r->arena);
}

void
http_reader_reset(struct http_reader *r)
{
    forget_large(r);
    forget_request(r);
    r->start = r->end = 0;
    if (r->input_size != HTTP_READER_BYTES) {
        // No realloc: the old bytes are of no use.
        free(r->input);
        r->input_size = HTTP_READER_BYTES;
        r->input = resize(NULL, r->input_size);
    }
}

char *
http_reader_space(struct http_reader *r, size_t *size)
{
    if (!r->has_head) {
        make_room_for_head(r);
        *size = r->input_size - r->end;
        return r->input + r->end;
    }
    if (r->body_len == r->body_room && !grow_body(r)) {
        (void)bad(r, 503, "There is no memory for this body now.");
        return NULL;
    }
    size_t wanted = r->head.is_chunked ? READ_BYTES_MAX : body_size_max(r) - r->body_len;
    size_t room = r->body_room - r->body_len;
    *size = room < wanted ? room : wanted;
    return r->body + r->body_len;
}

enum http_parse
http_reader_add(struct http_reader *r, size_t n)
{
    if (r->has_head)
        return add_to_body(r, n);
    r->end += n;
    return add_to_head(r);
}

char *
http_reader_give_body(struct http_reader *r, size_t *len, size_t *room)
{
    size_t from = r->start + r->head.head_bytes;
    *len = r->end - from;
    *room = r->input_size - from;
    if (*room >= HTTP_PIECE_BYTES_MIN)
        return r->input + from;
    CHECK(!r->large);
    r->large = resize(NULL, HTTP_READER_BYTES); // not counted, as r->input is not
    memcpy(r->large, r->input + from, *len);
    *room = HTTP_READER_BYTES;
    return r->large;
}

enum http_parse
http_reader_next(struct http_reader *r)
{
    struct str ahead = r->ahead;
    forget_request(r);
    start_with(r, ahead);
    forget_large(r);
    return r->end > r->start ? add_to_head(r) : HTTP_PARSE_MORE;
}

bool
http_reader_has_input(const struct http_reader *r)
{
    return r->has_head || r->end > r->start;
}
