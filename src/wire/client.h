// The client's side of the protocols, for calls between services and for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"

// Requests from typed structs and typed structs from responses, by the tables that the server's
// side uses, in every protocol.

struct wire_reply {
    int status;
    const struct header *headers;
    size_t header_count;
    struct str body;
    struct stream
        *stream; // instead of body, for operations that answer in pieces; NULL: body is it
};

// Gives the text to absent members of the top that are idempotency tokens.
void wire_client_fill_tokens(const struct wire_model *m, uint16_t shape, void *in,
                             struct str token);
// A request without host and signature. `in` is NULL when the operation has no input. E_INVALID: a
// member that stands in the path is absent or empty. What it holds is in the arena, or in `in`.
MUST_USE int wire_client_encode(const struct wire_service *s, const struct wire_operation *op,
                                enum wire_protocol protocol, const void *in, struct arena *arena,
                                struct wire_request *out);
// Of a success. `out` is NULL when the operation has no output. E_INVALID with *problem. The
// reply's stream is the output's then: as it is, or within the event source, which is to be closed
// also after an error. An RPC protocol's first event is read, which may wait.
MUST_USE int wire_client_decode(const struct wire_service *s, const struct wire_operation *op,
                                enum wire_protocol protocol, const struct wire_reply *reply,
                                struct arena *arena, void *out, struct wire_problem *problem);
// Of an error: name and query_code get its code without namespace and URI, which is empty when
// there is none, and message its message, absent when there is none. is_sender is by the status.
void wire_client_decode_error(enum wire_protocol protocol, const struct wire_reply *reply,
                              struct arena *arena, struct wire_error_text *out);
