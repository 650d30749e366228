// HTTP client: requests that fibers send and wait for, over libcurl.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"
#include "src/base/header.h"
#include "src/base/stream.h"
#include "src/task/fiber.h"

enum {
    HTTP_CLIENT_HEAD_BYTES_MAX = 64 * 1024,
    HTTP_CLIENT_HEADERS_MAX = 100,
    HTTP_CLIENT_BUFFER_BYTES = 64 * 1024, // of a response that its reader has not taken yet
};

struct http_client_options {
    const char *ca_path;        // PEM, in place of the system's; NULL: the system's
    long connections_max;       // of one loop; 0: 256
    long host_connections_max;  // of one loop to one host; 0: 32
    long idle_connections_max;  // of one loop, kept for the next request; 0: 64
    int64_t connect_timeout_ms; // 0: 10 s
};

// The strings are borrowed until the response is closed.
struct http_client_request {
    const char *method; // "GET"
    const char *url;    // http: or https:, with nothing that must be percent-encoded
    const struct header *headers;
    size_t header_count;
    struct str body;
    // Instead of body: read by a fiber of its own as the server takes it, chunked when its length
    // is unknown, and closed when the response is.
    struct stream *stream;
    int64_t deadline_ns;     // for the response's head; DEADLINE_NEVER: none
    int64_t read_timeout_ms; // for each read of its body; 0: 60 s
};

struct http_client_response {
    int status;
    struct header *headers; // names as sent
    size_t header_count;
    struct stream *stream; // the body: read by the fiber that asked, and closed once
    const char *problem;   // on failure: what went wrong, in the arena; else NULL
};

struct http_client;
// Touches nothing yet: libcurl is loaded by the first request.
struct http_client *http_client_new(struct runtime *rt, const struct http_client_options *options);
// All responses are closed. From outside the loops, or a fiber, which parks. NULL is accepted.
void http_client_free(struct http_client *c);

// Sends a request and parks the calling fiber until the head of the response is there; redirects
// are answers like others. The response's head is in the arena; its stream is the caller's to close
// when the result is OK. Connections are kept, one pool per loop; HTTP/2 is spoken where TLS offers
// it. E_INVALID: URL, method or a header is not valid. E_TIMEOUT, E_CANCELLED. E_CLOSED: no
// connection, or it ended. E_LIMIT: the head is too large, or there are too many fibers.
// E_NOT_FOUND: there is no libcurl. E_IO: all else, a certificate that is not trusted too. Where
// the request's stream fails, its code.
MUST_USE int http_client_send(struct http_client *c, struct arena *arena,
                              const struct http_client_request *request,
                              struct http_client_response *out);
