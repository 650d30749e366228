// One request of an HTTP/2 connection while it arrives, runs and is answered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/queue.h>

#include "src/http/message.h"

struct fiber;
struct h2;

enum h2_phase { H2_READING, H2_RUNNING, H2_SENDING };

struct h2_stream {
    struct h2 *home;
    int32_t id;
    enum h2_phase phase;
    LIST_ENTRY(h2_stream) link;
    int64_t deadline_ns; // not while RUNNING
    TAILQ_ENTRY(h2_stream) timed_link;
    TAILQ_ENTRY(h2_stream) waiting_link;
    struct arena arena; // of request and response
    struct http_request request;
    size_t header_room;
    size_t head_bytes;
    struct str authority; // :authority, absent when there is none
    struct str host;      // the header
    int64_t content_length;
    char *body; // malloc'ed
    size_t body_room;
    const struct http_memory *memory; // counts it; NULL: nobody does
    int error_status;                 // 0: nothing is wrong so far
    const char *error_text;
    bool wants_continue; // Expect: 100-continue
    bool is_streamed;    // its owner reads the body: what arrived and was not read yet is `body`
    size_t body_start;   // then, of what is in body
    size_t body_end;
    bool is_complete;     // all of the request is there
    bool is_waiting;      // for one of the few places for large bodies
    bool is_large;        // has such a place
    bool is_answered;     // the answer's last frame was sent
    bool is_closed;       // nobody waits for an answer any more
    struct str answer;    // what of its body was not sent yet
    bool is_answer_whole; // nothing comes behind `answer`
    struct fiber *fiber;  // the owner's
};

struct h2_stream *h2_stream_new(struct h2 *home, int32_t id, const struct http_memory *memory);
void h2_stream_free(struct h2_stream *s);

// Any name, pseudo headers too; what the library's own checks let through. Copies. What is wrong is
// kept in error_status.
void h2_stream_add_header(struct h2_stream *s, struct str name, struct str value);
// Those of a request are kept.
void h2_stream_add_trailer(struct h2_stream *s, struct str name, struct str value);
// No more headers: what HTTP/1.1 refuses is refused here, and :authority becomes Host.
void h2_stream_end_head(struct h2_stream *s);
void h2_stream_add_body(struct h2_stream *s, struct str bytes);
// The same for a body that its owner reads. False: there is no memory.
bool h2_stream_add_piece(struct h2_stream *s, struct str bytes);
// Some of it, at most size bytes. 0: nothing is there.
size_t h2_stream_take_piece(struct h2_stream *s, void *out, size_t size);
