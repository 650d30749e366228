// The inside of an HTTP/2 connection, for the files h2*.c only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nghttp2/nghttp2.h>

#include "src/http/h2.h"

TAILQ_HEAD(h2_timed, h2_stream);

struct h2 {
    nghttp2_session *session;
    struct h2_events events;
    void *owner;
    LIST_HEAD(, h2_stream) streams;
    size_t stream_count;
    struct h2_timed reading; // in the order of their deadlines
    struct h2_timed sending;
    TAILQ_HEAD(, h2_stream) waiting; // for a place for a large body
    int large_count;
    int64_t second_ns; // since when resets are counted
    int reset_count;
    bool is_draining;
    bool is_broken;
    char *out; // during h2_fill
    size_t out_len;
    size_t out_size;
};

// At the end of the list, whose streams all have as much time.
void h2_stream_set_deadline(struct h2_stream *s, struct h2_timed *list, int64_t ms);
void h2_stream_reset(struct h2_stream *s, uint32_t error);
// Forgets and frees it.
void h2_stream_end(struct h2_stream *s);
// Those by which frames become requests.
void h2_set_request_callbacks(nghttp2_session_callbacks *callbacks);
// Appends to what h2_fill writes; the caller has seen that there is room.
void h2_put_out(struct h2 *h, const void *bytes, size_t len);

// The stream, which has no deadline now, is SENDING from now on.
void h2_submit_answer(struct h2_stream *s, const struct http_response *r);
// The same with a body that h2_answer_add gives; RUNNING still.
void h2_submit_head(struct h2_stream *s, const struct http_response *r);
void h2_submit_continue(struct h2_stream *s);
// A callback of the library.
int h2_on_body_sent(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                    size_t len, nghttp2_data_source *source, void *arg);
