// Bodies of HTTP/1.1 as streams: of requests while they arrive, of responses while they are made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/connection_state.h"

extern const struct str h1_continue; // the interim response

// The body of the current request, while its handler runs.
struct h1_body {
    struct stream stream; // request->stream
    struct http_connection *c;
    char *memory; // for what is read beyond a reader's wish
    size_t room;
    char *raw; // in memory: not decoded yet
    size_t raw_len;
    struct str ready;    // in memory: decoded, and not handed out
    int64_t left;        // of Content-Length
    int64_t patience_ns; // how long reads may still wait
    size_t since_yield;
    bool is_at_end;
    bool is_handled; // the handler has returned
    int code;        // why reads fail
};

// Also for a request whose body was read already: it is at its end then.
void h1_body_init(struct h1_body *b, struct http_connection *c);
// Whether nothing is left of the body, after what has arrived is dropped (some; a client that sends
// much more had better begin anew).
bool h1_body_skip(struct h1_body *b);

// Sends head and stream, which may be made of the request's body; *may_go_on becomes false where
// only the end of the connection tells the end of the body. What the stream fails with; E_INVALID:
// it is shorter than it said.
MUST_USE int h1_send_stream(struct http_connection *c, const struct http_response *r,
                            struct h1_body *body, bool *may_go_on);
