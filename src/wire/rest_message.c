// REST requests and responses as they are in HTTP.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

enum { HEADERS_FIRST = 8, BODY_SIZE_HINT = 512 };

struct str
wire_request_header(const struct wire_request *r, struct str name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, name))
            return r->headers[i].value;
    }
    return (struct str){0};
}

void
wire_response_init(struct wire_response *r, struct arena *arena, bool is_head)
{
    *r = (struct wire_response){.status = 200, .is_head = is_head};
    buf_init(&r->body, arena, is_head ? 0 : BODY_SIZE_HINT);
}

void
wire_response_add(struct wire_response *r, struct str name, struct str value)
{
    if (r->header_count == r->header_size) {
        size_t old_bytes = r->header_size * sizeof(r->headers[0]);
        r->header_size = r->header_size == 0 ? HEADERS_FIRST : 2 * r->header_size;
        r->headers = arena_grow(r->body.arena, r->headers, old_bytes,
                                r->header_size * sizeof(r->headers[0]));
    }
    r->headers[r->header_count++] = (struct header){name, value};
}
