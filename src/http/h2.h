// HTTP/2 (RFC 9113) over libnghttp2: bytes in, requests out; answers in, bytes out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/h2_stream.h"

// Knows no socket, no fiber and no clock, so that a fuzzer can drive it. Bodies arrive whole before
// a request is handed out, but for those that the owner wants to read; of these no more arrives
// than H2_STREAMED_BYTES_MAX until it does. A body in memory that passes H2_SMALL_BODY_BYTES goes
// on only when it has one of few places, so that a connection cannot make us hold H2_STREAMS_MAX
// large ones.
enum {
    H2_STREAMS_MAX = 128,           // as the client sees them
    H2_STREAMS_LIVE_MAX = 256,      // with those that it gave up, and that have not ended yet
    H2_RESETS_PER_SECOND_MAX = 200, // streams that end unanswered (CVE-2023-44487, CVE-2025-8671)
    H2_SMALL_BODY_BYTES = 32 * 1024,
    H2_LARGE_BODIES_MAX = 2,
    H2_FRAME_BYTES_MAX = 17 * 1024,    // of one frame that we write
    H2_STREAMED_BYTES_MAX = 64 * 1024, // the window of a stream
};

// None of these may call back into the connection, but for what is said here.
struct h2_events {
    // A head with a body behind it is complete: whether on_request comes now, and the owner reads
    // the body by h2_read. NULL: never.
    bool (*wants_stream)(void *owner, struct h2_stream *s);
    // A request is complete. The owner calls h2_answer or h2_answer_end once, now or later.
    void (*on_request)(void *owner, struct h2_stream *s);
    // Between these two: h2_read may have more to say, or all of h2_answer_add's bytes are used.
    void (*on_progress)(void *owner, struct h2_stream *s);
    // Nobody waits for that answer any more. It is still given.
    void (*on_cancel)(void *owner, struct h2_stream *s);
    // A request was answered without the owner; s->error_status says with what.
    void (*on_refuse)(void *owner, const struct h2_stream *s);
    int64_t (*now_ns)(void *owner);
    struct str (*date)(void *owner);  // the value of the Date header
    int64_t head_timeout_ms;          // for a request, from its first frame to its last
    int64_t send_timeout_ms;          // for an answer
    const struct http_memory *memory; // counts bodies; NULL: nobody does
};

struct h2 *h2_new(const struct h2_events *events, void *owner);
// Frees all streams; none of them is RUNNING.
void h2_free(struct h2 *h);
void *h2_owner(const struct h2 *h);

// Any part of what the client sends, from the preface on. E_INVALID: this is no HTTP/2, and there
// is nothing more to say.
MUST_USE int h2_receive(struct h2 *h, struct str bytes);
// Writes frames that are ready to out, and says how many bytes. size is H2_FRAME_BYTES_MAX at
// least. 0: nothing can be written now.
size_t h2_fill(struct h2 *h, char *out, size_t size);
// Nothing more will come and nothing is left to be written.
bool h2_is_over(const struct h2 *h);
// No stream at all.
bool h2_is_idle(const struct h2 *h);

// Of a request whose body the owner reads: OK with 1..size bytes, or none at its end; E_AGAIN:
// nothing now, on_progress tells when; E_CLOSED: no more will come.
MUST_USE int h2_read(struct h2_stream *s, void *out, size_t size, size_t *got);

// An answer in pieces: its head, of which body does not count; each piece, which lives until
// on_progress finds s->answer empty; its end, which ends the owner's part. Not whole: the client is
// told that something went wrong.
void h2_answer_begin(struct h2_stream *s, const struct http_response *r);
void h2_answer_add(struct h2_stream *s, struct str bytes);
void h2_answer_end(struct h2_stream *s, bool is_whole);
// Ends the owner's part: from now on the stream belongs to the connection. What the response points
// to lives in the stream's arena, or long enough.
void h2_answer(struct h2_stream *s, const struct http_response *r);
// Tells the client which requests will be answered, and to send no more.
void h2_drain(struct h2 *h);

// When h2_expire must be called; DEADLINE_NEVER when no stream has a deadline.
int64_t h2_deadline_ns(const struct h2 *h);
// Ends the streams whose time has passed.
void h2_expire(struct h2 *h);
// Tells on_cancel of every stream that is RUNNING.
void h2_cancel(struct h2 *h);
