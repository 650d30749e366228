// HTTP/1.1 server: connections on every loop, one fiber per request, no stack while idle.
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

struct http_server_options {
    struct socket_address address; // port 0 picks a free one and is filled in
    http_handler_fn *handler;
    void *handler_arg;
    const struct log *log;
    int64_t head_timeout_ms; // from the first byte of a request to its last; 0: 30 s
    int64_t idle_timeout_ms; // between requests; 0: 75 s
    size_t connections_max;  // over all loops; 0: 100,000
};

struct http_server_stats {
    size_t connections;
    uint64_t requests;
    uint64_t rejected; // requests that were no HTTP
};

struct http_server;
// E_EXISTS: the address is taken. E_IO: errno says why.
MUST_USE int http_server_new(struct runtime *rt, struct http_server_options *options,
                             struct http_server **out);
// Drains: stops listening, answers what was accepted with Connection: close, closes idle
// connections, and waits for the rest up to the deadline; then cancels. From outside the loops.
void http_server_free(struct http_server *s, int64_t deadline_ns);
void http_server_stats_get(const struct http_server *s, struct http_server_stats *out);
