// Requests of an HTTP/2 session: what its frames make of its streams, and what bounds them.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h2_state.h"
#include "src/task/runtime.h"

enum {
    LARGE_WINDOW_BYTES = 1024 * 1024, // of a stream with a large body
    NS_PER_SECOND = 1000 * 1000 * 1000,
    NS_PER_MS = 1000 * 1000,
};

// -- deadlines

void
h2_stream_set_deadline(struct h2_stream *s, struct h2_timed *list, int64_t ms)
{
    s->deadline_ns = s->home->events.now_ns(s->home->owner) + ms * NS_PER_MS;
    TAILQ_INSERT_TAIL(list, s, timed_link);
}

static void
drop_deadline(struct h2_stream *s)
{
    if (s->phase == H2_READING)
        TAILQ_REMOVE(&s->home->reading, s, timed_link);
    else if (s->phase == H2_SENDING)
        TAILQ_REMOVE(&s->home->sending, s, timed_link);
}

// -- large bodies

static void
grant_large(struct h2_stream *s)
{
    struct h2 *h = s->home;
    s->is_large = true;
    h->large_count++;
    TAILQ_REMOVE(&h->reading, s, timed_link); // its time begins anew: we held it up
    h2_stream_set_deadline(s, &h->reading, h->events.head_timeout_ms);
    (void)nghttp2_session_consume_stream(h->session, s->id, s->request.body.len);
    (void)nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, s->id,
                                                LARGE_WINDOW_BYTES);
}

static void
ask_for_large(struct h2_stream *s)
{
    struct h2 *h = s->home;
    if (h->large_count < H2_LARGE_BODIES_MAX) {
        grant_large(s);
        return;
    }
    s->is_waiting = true;
    TAILQ_INSERT_TAIL(&h->waiting, s, waiting_link);
}

static void
release_large(struct h2_stream *s)
{
    struct h2 *h = s->home;
    if (s->is_waiting)
        TAILQ_REMOVE(&h->waiting, s, waiting_link);
    s->is_waiting = false;
    if (!s->is_large)
        return;
    s->is_large = false;
    h->large_count--;
    struct h2_stream *next = TAILQ_FIRST(&h->waiting);
    if (!next)
        return;
    TAILQ_REMOVE(&h->waiting, next, waiting_link);
    next->is_waiting = false;
    grant_large(next);
}

// -- streams

static void
stream_begin(struct h2 *h, int32_t id)
{
    if (h->stream_count >= H2_STREAMS_LIVE_MAX) {
        (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return;
    }
    struct h2_stream *s = h2_stream_new(h, id, h->events.memory);
    LIST_INSERT_HEAD(&h->streams, s, link);
    h->stream_count++;
    h2_stream_set_deadline(s, &h->reading, h->events.head_timeout_ms);
    CHECK(nghttp2_session_set_stream_user_data(h->session, id, s) == 0);
}

void
h2_stream_end(struct h2_stream *s)
{
    LIST_REMOVE(s, link);
    s->home->stream_count--;
    h2_stream_free(s);
}

// A client that opens streams only to end them makes us work for nothing.
static void
count_reset(struct h2 *h)
{
    int64_t now_ns = h->events.now_ns(h->owner);
    if (now_ns - h->second_ns >= NS_PER_SECOND) {
        h->second_ns = now_ns;
        h->reset_count = 0;
    }
    if (++h->reset_count > H2_RESETS_PER_SECOND_MAX)
        (void)nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

void
h2_stream_reset(struct h2_stream *s, uint32_t error)
{
    (void)nghttp2_submit_rst_stream(s->home->session, NGHTTP2_FLAG_NONE, s->id, error);
}

// -- requests

static void
refuse(struct h2_stream *s)
{
    struct h2 *h = s->home;
    struct http_response r = {.status = s->error_status};
    r.body = arena_print(&s->arena, "%s\n", s->error_text);
    http_response_add(&r, STR("Content-Type"), STR("text/plain"));
    release_large(s);
    drop_deadline(s);
    h->events.on_refuse(h->owner, s);
    h2_submit_answer(s, &r);
}

static void
refuse_large(struct h2_stream *s)
{
    s->error_status = 413;
    s->error_text = "The body is too large.";
    refuse(s);
}

static bool
wants_stream(struct h2_stream *s)
{
    struct h2 *h = s->home;
    return h->events.wants_stream && h->events.wants_stream(h->owner, s);
}

static void
start_streamed(struct h2_stream *s)
{
    drop_deadline(s);
    s->is_streamed = true;
    s->phase = H2_RUNNING;
    s->home->events.on_request(s->home->owner, s);
}

static bool
is_being_read(const struct h2_stream *s)
{
    return s->is_streamed && s->phase == H2_RUNNING;
}

static void
tell_progress(struct h2_stream *s)
{
    if (is_being_read(s))
        s->home->events.on_progress(s->home->owner, s);
}

static void
end_head(struct h2_stream *s, bool has_body)
{
    h2_stream_end_head(s);
    s->request.received_ns = s->home->events.now_ns(s->home->owner);
    if (s->error_status)
        refuse(s);
    else if (has_body && wants_stream(s))
        start_streamed(s);
    else if (s->content_length > HTTP_BODY_BYTES_MAX)
        refuse_large(s);
    else if (s->wants_continue && has_body)
        h2_submit_continue(s);
}

static void
end_request(struct h2_stream *s)
{
    s->is_complete = true;
    tell_progress(s);
    if (s->phase != H2_READING)
        return; // answered already, or read by its owner
    if (s->error_status) {
        refuse(s);
        return;
    }
    struct h2 *h = s->home;
    if (!str_is_present(s->request.body))
        s->request.body = STR("");
    release_large(s);
    drop_deadline(s);
    s->phase = H2_RUNNING;
    h->events.on_request(h->owner, s);
}

static int
on_headers_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        stream_begin(arg, frame->hd.stream_id);
    return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
          size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct str n = {(const char *)name, name_len}, v = {(const char *)value, value_len};
    if (!s || (s->phase != H2_READING && !is_being_read(s)))
        return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        h2_stream_add_header(s, n, v);
    else
        h2_stream_add_trailer(s, n, v);
    if (s->error_status && s->is_streamed)
        h2_stream_reset(s, NGHTTP2_ENHANCE_YOUR_CALM); // too many trailers
    return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    bool is_headers = frame->hd.type == NGHTTP2_HEADERS;
    if (!is_headers && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (s && is_headers && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        end_head(s, !is_last);
    if (s && is_last)
        end_request(s);
    return 0;
}

static void
take_piece(struct h2_stream *s, struct str bytes)
{
    if (h2_stream_add_piece(s, bytes))
        tell_progress(s);
    else
        h2_stream_reset(s, NGHTTP2_ENHANCE_YOUR_CALM); // there is no memory
}

// The connection's window only bounds what is under way; what we hold is bounded by the streams'.
static int
on_body(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
        void *arg)
{
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    (void)nghttp2_session_consume_connection(session, len);
    if (s && is_being_read(s))
        take_piece(s, (struct str){(const char *)bytes, len});
    if (!s || s->phase != H2_READING)
        return 0;
    h2_stream_add_body(s, (struct str){(const char *)bytes, len});
    if (s->error_status)
        refuse(s);
    else if (s->is_large)
        (void)nghttp2_session_consume_stream(session, id, len);
    else if (!s->is_waiting && s->request.body.len > H2_SMALL_BODY_BYTES)
        ask_for_large(s);
    return 0;
}

static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    bool is_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!is_message || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!s)
        return 0;
    s->is_answered = true;
    if (!s->is_complete) // RFC 9113 section 8.1: what the client still sends is of no use
        h2_stream_reset(s, NGHTTP2_NO_ERROR);
    return 0;
}

static int
on_stream_closed(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (!s || !s->is_answered)
        count_reset(h);
    if (!s)
        return 0;
    release_large(s);
    drop_deadline(s);
    s->is_closed = true;
    if (s->phase == H2_RUNNING)
        h->events.on_cancel(h->owner, s);
    else
        h2_stream_end(s);
    return 0;
}

void
h2_set_request_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_headers_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_body);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
}
