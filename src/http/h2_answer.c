// Answers of HTTP/2 streams: headers at once, bodies as the client takes them.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h2_state.h"
#include "src/http/response.h"

enum {
    FRAME_HEAD_BYTES = 9,
    OWN_HEADERS_MAX = 3, // :status, date, content-length
};

static ssize_t
on_body_wanted(nghttp2_session *session, int32_t id, uint8_t *out, size_t size, uint32_t *flags,
               nghttp2_data_source *source, void *arg)
{
    struct h2_stream *s = source->ptr;
    size_t n = s->answer.len < size ? s->answer.len : size;
    if (n == 0 && !s->is_answer_whole)
        return NGHTTP2_ERR_DEFERRED;     // until h2_answer_add or h2_answer_end
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY; // on_body_sent copies
    if (n == s->answer.len && s->is_answer_whole)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

int
h2_on_body_sent(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                size_t len, nghttp2_data_source *source, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = source->ptr;
    if (h->out_size - h->out_len < FRAME_HEAD_BYTES + len)
        return NGHTTP2_ERR_WOULDBLOCK;
    h2_put_out(h, frame_head, FRAME_HEAD_BYTES);
    h2_put_out(h, s->answer.ptr, len);
    s->answer = str_slice(s->answer, len, s->answer.len);
    if (s->phase == H2_RUNNING && s->answer.len == 0)
        h->events.on_progress(h->owner, s);
    return 0;
}

static nghttp2_nv
nv_of(struct str name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr, name.len,
                        value.len, NGHTTP2_NV_FLAG_NONE};
}

// RFC 9113 section 8.2.2: those that speak of the connection have no meaning here.
static bool
is_of_connection(struct str name)
{
    static const struct str names[] = {{"connection", 10},
                                       {"keep-alive", 10},
                                       {"proxy-connection", 16},
                                       {"transfer-encoding", 17},
                                       {"upgrade", 7}};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_eq_nocase(name, names[i]))
            return true;
    return false;
}

static struct str
print_number(struct arena *arena, uint64_t n)
{
    return arena_print(arena, "%llu", (unsigned long long)n);
}

static size_t
add_headers(const struct header *headers, size_t count, nghttp2_nv *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_of_connection(headers[i].name))
            out[n++] = nv_of(headers[i].name, headers[i].value);
    return n;
}

// The library copies the names, in lower case, and the values.
static size_t
answer_headers(struct h2_stream *s, const struct http_response *r, nghttp2_nv *out)
{
    size_t n = 0;
    CHECK(r->status >= 200 && r->status <= 999);
    out[n++] = nv_of(STR(":status"), print_number(&s->arena, (uint64_t)r->status));
    out[n++] = nv_of(STR("date"), s->home->events.date(s->home->owner));
    int64_t length = r->stream ? r->stream->length : (int64_t)r->body.len;
    if (r->status != 204 && r->status != 304 && length != STREAM_LENGTH_UNKNOWN)
        out[n++] = nv_of(STR("content-length"), print_number(&s->arena, (uint64_t)length));
    n += add_headers(r->headers, r->header_count, out + n);
    return n + add_headers(r->more, r->more_count, out + n);
}

static void
submit(struct h2_stream *s, const struct http_response *r, bool has_body)
{
    nghttp2_session *session = s->home->session;
    nghttp2_nv *headers =
        ARENA_ARRAY(&s->arena, r->header_count + r->more_count + OWN_HEADERS_MAX, nghttp2_nv);
    size_t count = answer_headers(s, r, headers);
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = on_body_wanted};
    if (nghttp2_submit_response(session, s->id, headers, count, has_body ? &body : NULL) != 0)
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
}

void
h2_submit_answer(struct h2_stream *s, const struct http_response *r)
{
    struct h2 *h = s->home;
    bool has_body = r->body.len > 0 && http_response_has_body(r, &s->request);
    s->answer = has_body ? r->body : (struct str){0};
    s->is_answer_whole = true;
    s->phase = H2_SENDING;
    h2_stream_set_deadline(s, &h->sending, h->events.send_timeout_ms);
    submit(s, r, has_body);
}

void
h2_submit_head(struct h2_stream *s, const struct http_response *r)
{
    s->answer = (struct str){0};
    submit(s, r, true);
}

void
h2_submit_continue(struct h2_stream *s)
{
    nghttp2_nv status = nv_of(STR(":status"), STR("100"));
    (void)nghttp2_submit_headers(s->home->session, NGHTTP2_FLAG_NONE, s->id, NULL, &status, 1,
                                 NULL);
}
