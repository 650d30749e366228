// The HTTP/1.1 request grammar (RFC 9112) as a push parser: bytes in, one request out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"

enum http_parse { HTTP_PARSE_MORE, HTTP_PARSE_DONE, HTTP_PARSE_BAD, HTTP_PARSE_HEAD };

enum { HTTP_LENGTH_DIGITS_MAX = 18 }; // of Content-Length: whatever it says fits int64_t

// The state of one request on a connection, zeroed before its first byte. The parser copies
// nothing: the caller keeps all bytes of the head contiguous in `bytes` (which may move while the
// answer is MORE) and calls again when more arrived.
struct http_head {
    struct http_request request;
    size_t head_bytes;      // including the empty line
    int64_t content_length; // -1: none given
    int minor_version;      // of HTTP/1: 0, or 1 for all later ones
    bool is_chunked;
    bool wants_continue; // Expect: 100-continue
    bool keep_alive;
    int error_status; // when BAD: 400, 413, 414, 417, 431, 501, 505
    const char *error_text;
    // The parser's own: after one walk in vain, how far it looked for the end of the head.
    bool was_walked;
    size_t searched_bytes;
};

// Looks for a complete head in bytes. Strict where leniency smuggles requests: bare LF, spaces
// before
// ':', both Content-Length and Transfer-Encoding, several lengths, a missing Host are all BAD.
// The request's strings point into bytes; headers are in the arena.
// An absolute target is reduced to its path, and its authority replaces the value of Host (RFC 9112
// section 3.2.2).
enum http_parse http_head_parse(struct str bytes, struct arena *arena, struct http_head *out);

// Chunked bodies, decoded in place piece by piece. Zeroed at the start of a body.
struct http_chunks {
    int state;
    uint64_t left;
    size_t line_bytes;
    size_t trailer_bytes;
    struct buf *trailers; // their lines are put here; NULL: they are dropped
};
// Decodes what it can of bytes[0..len): *consumed input bytes were used, and *produced body bytes
// were moved to the front of bytes. DONE after the last chunk and its trailers, whose
// grammar is checked; MORE has consumed everything.
enum http_parse http_chunks_decode(struct http_chunks *c, char *bytes, size_t len, size_t *consumed,
                                   size_t *produced);
// Gives the lines that were collected to the request. They live as long as the buffer.
void http_chunks_end(const struct http_chunks *c, struct http_request *request);
