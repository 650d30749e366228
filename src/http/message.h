// One HTTP request and its response, as a handler sees them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/base/header.h"
#include "src/base/stream.h"

enum {
    HTTP_HEAD_BYTES_MAX = 64 * 1024, // request line and headers together
    HTTP_HEADERS_MAX = 100,
    HTTP_TARGET_BYTES_MAX = 16 * 1024,
    HTTP_BODY_BYTES_MAX = 16 * 1024 * 1024, // buffered bodies; streams have their own limits
};

// Who counts the memory of bodies. take answers false when there is no room for so many bytes more.
// Either may be called on any loop, and must not wait. Zeroed: nobody counts.
struct http_memory {
    bool (*take)(void *arg, size_t bytes);
    void (*give)(void *arg, size_t bytes);
    void *arg;
};

// Everything lives in the request's arena.
struct http_request {
    struct str method;
    struct str target; // as sent
    struct str path;   // the target up to '?', still percent-encoded
    struct str query;  // what follows '?'; absent when there is none
    struct header *headers;
    size_t header_count;
    struct str body;
    // The body, when the handler started before it was read (http_server_options.wants_stream);
    // then body is absent. It belongs to the server, which closes it.
    struct stream *stream;
    struct header *trailers; // behind a chunked body, once its end was read
    size_t trailer_count;
    const char *peer;  // "127.0.0.1:53211"
    void *origin;      // of http_server_take; NULL: it came to the server's own address
    bool is_encrypted; // came over TLS
    const char *tls_version, *tls_cipher; // "TLSv1.3", "TLS_AES_128_GCM_SHA256", static; else NULL
    bool may_upgrade;                     // the response may be a 101: HTTP/1.1, and without a body
    int64_t received_ns;                  // monotonic, when the head was complete
    struct arena *arena;
};

struct http_tunnel;
// Runs in the request's fiber; when it returns, the connection ends.
typedef void http_upgrade_fn(void *arg, struct http_tunnel *tunnel);

struct http_response {
    int status; // 200 unless set
    struct header headers[24];
    size_t header_count;
    const struct header *more; // any number of further headers, behind those
    size_t more_count;
    struct str body; // Content-Length is added by the server
    // Instead of body: sent as it is read, chunked when its length is unknown, and closed.
    struct stream *stream;
    bool must_close; // ends the connection after this response
    // With status 101 and the header Upgrade: called after the head was sent (src/http/tunnel.h).
    http_upgrade_fn *upgrade;
    void *upgrade_arg;
};

// First header of that name, any case; absent when there is none.
struct str http_request_header(const struct http_request *r, struct str name);
// Asserts that there is room. Values must not hold CR or LF.
void http_response_add(struct http_response *r, struct str name, struct str value);
// The same of many at once, which live in the request's arena. Once.
void http_response_extend(struct http_response *r, const struct header *headers, size_t count);
// "Not Found" for 404; "Unknown" for what RFC 9110 does not name.
const char *http_status_text(int status);
