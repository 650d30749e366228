// Responses as bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/timestamp.h"
#include "src/http/parser.h"

// The text of the Date header, printed once a second. Zeroed at first.
struct http_date {
    int64_t second;
    char text[TIMESTAMP_HTTP_BYTES];
};
struct str http_date_get(struct http_date *d, int64_t wall_ms);

// Status line and headers, up to the empty line. Adds Date, Content-Length or, for a stream of
// unknown length, Transfer-Encoding (neither to 204 and 304, the latter not for HTTP/1.0), and what
// the client must know about the connection. The result is in the arena.
struct str http_response_encode(const struct http_response *r, const struct http_head *request,
                                bool keep_alive, struct str date, struct arena *arena);
// False for HEAD, 204 and 304: then the body is not sent, and only counted in Content-Length.
bool http_response_has_body(const struct http_response *r, const struct http_request *request);
