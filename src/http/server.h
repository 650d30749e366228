// HTTP server: connections on every loop, one fiber per request, no stack while idle.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/log.h"
#include "src/http/message.h"
#include "src/task/socket.h"

// Runs in a fiber of the connection's loop and fills the response; what it allocates in the
// request's arena lives until the response is sent. The fiber is cancelled when the client goes
// away.
typedef void http_handler_fn(void *arg, const struct http_request *request,
                             struct http_response *response);

// Whether the handler starts at the head and reads the body itself, from request->stream. Asked of
// requests with a body, on the connection's loop outside of fibers: must not wait.
typedef bool http_wants_stream_fn(void *arg, const struct http_request *request);

struct tls_options;

// HTTP/1.1, HTTP/2 by prior knowledge and, when asked for, TLS (with HTTP/2 by ALPN) share the
// port: the first bytes of a connection decide.
struct http_server_options {
    struct socket_address address; // port 0 picks a free one and is filled in
    http_handler_fn *handler;
    void *handler_arg;
    http_wants_stream_fn *wants_stream; // NULL: all bodies are read whole before the handler starts
    struct http_memory memory; // asked before bodies larger than HTTP_READER_BYTES are taken in
    const struct log *log;
    const struct tls_options *tls; // tls.h; lives as long as the server. NULL: no TLS
    // From the first byte of a request to its last, or to the end of its head where the body is a
    // stream: that may keep its reader waiting as long, and a second more for each KiB that came.
    // 0: 30 s
    int64_t head_timeout_ms;
    int64_t idle_timeout_ms; // between requests; 0: 75 s
    size_t connections_max;  // over all loops; 0: 100,000
};

struct http_server;
// Serves a socket that somebody else's listener has accepted, on the loop that it is on; requests
// tell the origin. Such listeners are closed before the server is.
void http_server_take(struct http_server *s, struct socket *accepted, void *origin);
// Ends all connections of that origin soon; requests that run are cancelled. From any thread.
void http_server_drop(struct http_server *s, void *origin);

struct http_server_stats {
    size_t connections;
    uint64_t requests;
    uint64_t rejected; // requests that were no HTTP, and handshakes that failed
};

// E_EXISTS: the address is taken. E_IO: errno says why. E_INVALID: the operator's certificate or
// key is not valid.
MUST_USE int http_server_new(struct runtime *rt, struct http_server_options *options,
                             struct http_server **out);
// Drains: stops listening, answers what was accepted with Connection: close, closes idle
// connections, and waits for the rest up to the deadline; then cancels. From outside the loops.
void http_server_free(struct http_server *s, int64_t deadline_ns);
// Reads the operator's certificate again, for new connections; on failure the old one stays in use.
// Blocks (a fiber parks). E_IO, E_INVALID.
MUST_USE int http_server_tls_reload(struct http_server *s);
// What clients must trust when there is no operator's certificate: the development CA's, PEM, in
// the arena. Touches OpenSSL; blocks (a fiber parks). E_NOT_FOUND with an operator's certificate,
// or without TLS.
MUST_USE int http_server_ca_get(struct http_server *s, struct arena *arena, struct str *out);
void http_server_stats_get(const struct http_server *s, struct http_server_stats *out);
