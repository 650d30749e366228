// The session of libnghttp2; what comes in is h2_request.c's, what goes out h2_answer.c's.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h2.h"

#include <stdlib.h>

#include "src/http/h2_state.h"
#include "src/task/runtime.h"

enum { CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024 };

void
h2_put_out(struct h2 *h, const void *bytes, size_t len)
{
    memcpy(h->out + h->out_len, bytes, len);
    h->out_len += len;
}

static nghttp2_session *
new_session(struct h2 *h)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_session *session;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
    h2_set_request_callbacks(callbacks);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_on_body_sent);
    nghttp2_option_set_no_auto_window_update(option, 1);
    CHECK(nghttp2_session_server_new2(&session, callbacks, h, option) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return session;
}

static void
submit_settings(struct h2 *h)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_BYTES_MAX},
    };
    CHECK(nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, COUNT_OF(settings)) ==
          0);
    CHECK(nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                CONNECTION_WINDOW_BYTES) == 0);
}

struct h2 *
h2_new(const struct h2_events *events, void *owner)
{
    struct h2 *h = calloc(1, sizeof(*h));
    CHECK(h != NULL);
    h->events = *events;
    h->owner = owner;
    LIST_INIT(&h->streams);
    TAILQ_INIT(&h->reading);
    TAILQ_INIT(&h->sending);
    TAILQ_INIT(&h->waiting);
    h->session = new_session(h);
    submit_settings(h);
    return h;
}

void
h2_free(struct h2 *h)
{
    nghttp2_session_del(h->session);
    while (!LIST_EMPTY(&h->streams)) {
        struct h2_stream *s = LIST_FIRST(&h->streams);
        CHECK(s->phase != H2_RUNNING);
        h2_stream_end(s);
    }
    free(h);
}

void *
h2_owner(const struct h2 *h)
{
    return h->owner;
}

int
h2_receive(struct h2 *h, struct str bytes)
{
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.ptr, bytes.len);
    if (n < 0)
        h->is_broken = true;
    return n < 0 ? E_INVALID : OK;
}

size_t
h2_fill(struct h2 *h, char *out, size_t size)
{
    h->out = out;
    h->out_len = 0;
    h->out_size = size;
    while (size - h->out_len >= H2_FRAME_BYTES_MAX) {
        const uint8_t *bytes;
        ssize_t n = nghttp2_session_mem_send(h->session, &bytes);
        if (n < 0)
            h->is_broken = true;
        if (n <= 0)
            break;
        h2_put_out(h, bytes, (size_t)n);
    }
    return h->out_len;
}

bool
h2_is_over(const struct h2 *h)
{
    return h->is_broken ||
           (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session));
}

bool
h2_is_idle(const struct h2 *h)
{
    return LIST_EMPTY(&h->streams);
}

static void
ask_for_body(struct h2_stream *s)
{
    if (s->wants_continue && !s->is_complete)
        h2_submit_continue(s);
    s->wants_continue = false;
}

int
h2_read(struct h2_stream *s, void *out, size_t size, size_t *got)
{
    *got = h2_stream_take_piece(s, out, size);
    if (*got > 0 && !s->is_closed)
        (void)nghttp2_session_consume_stream(s->home->session, s->id, *got);
    if (*got > 0)
        s->wants_continue = false;
    if (*got > 0 || s->is_complete)
        return OK;
    if (s->is_closed)
        return E_CLOSED;
    ask_for_body(s);
    return E_AGAIN;
}

void
h2_answer_begin(struct h2_stream *s, const struct http_response *r)
{
    if (s->is_closed)
        return;
    ask_for_body(s); // behind this head it would be too late
    h2_submit_head(s, r);
}

void
h2_answer_add(struct h2_stream *s, struct str bytes)
{
    CHECK(s->answer.len == 0 && bytes.len > 0);
    if (s->is_closed)
        return;
    s->answer = bytes;
    (void)nghttp2_session_resume_data(s->home->session, s->id);
}

void
h2_answer_end(struct h2_stream *s, bool is_whole)
{
    struct h2 *h = s->home;
    if (s->is_closed) {
        h2_stream_end(s);
        return;
    }
    s->phase = H2_SENDING;
    h2_stream_set_deadline(s, &h->sending, h->events.send_timeout_ms);
    s->is_answer_whole = is_whole;
    if (is_whole)
        (void)nghttp2_session_resume_data(h->session, s->id);
    else
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
}

void
h2_answer(struct h2_stream *s, const struct http_response *r)
{
    if (s->is_closed) {
        h2_stream_end(s);
        return;
    }
    h2_submit_answer(s, r);
    if (r->must_close)
        h2_drain(s->home);
}

void
h2_drain(struct h2 *h)
{
    if (h->is_draining)
        return;
    h->is_draining = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

int64_t
h2_deadline_ns(const struct h2 *h)
{
    const struct h2_stream *a = TAILQ_FIRST(&h->reading), *b = TAILQ_FIRST(&h->sending);
    int64_t first = a ? a->deadline_ns : DEADLINE_NEVER;
    return b && b->deadline_ns < first ? b->deadline_ns : first;
}

static void
expire_list(struct h2 *h, struct h2_timed *list)
{
    int64_t now_ns = h->events.now_ns(h->owner);
    struct h2_stream *s;
    while ((s = TAILQ_FIRST(list)) && s->deadline_ns <= now_ns) {
        // Until the reset is written it stays in the list, with a time that no longer matters.
        TAILQ_REMOVE(list, s, timed_link);
        s->deadline_ns = DEADLINE_NEVER;
        TAILQ_INSERT_TAIL(list, s, timed_link);
        h2_stream_reset(s, NGHTTP2_CANCEL);
    }
}

void
h2_expire(struct h2 *h)
{
    expire_list(h, &h->reading);
    expire_list(h, &h->sending);
}

void
h2_cancel(struct h2 *h)
{
    struct h2_stream *s;
    LIST_FOREACH(s, &h->streams, link)
    if (s->phase == H2_RUNNING)
        h->events.on_cancel(h->owner, s);
}
