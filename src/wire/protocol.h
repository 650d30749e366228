// The protocol interpreters: request bytes to typed structs, typed structs to response bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/base/header.h"
#include "src/wire/model.h"

// `out` and `in` point to the C struct of `shape`. Decoders zero it first, ignore unknown members
// as AWS does, treat JSON null as absent, and return E_INVALID with *problem filled. What they
// produce lives in the arena, or points into the body.

// awsJson1_0 and awsJson1_1. An empty body is an empty object.
MUST_USE int wire_json_decode(const struct wire_model *m, uint16_t shape, struct str body,
                              struct arena *arena, void *out, struct wire_problem *problem);
void wire_json_encode(const struct wire_model *m, uint16_t shape, const void *in, struct buf *out);

// awsQuery. The form's members as in the body or the query string:
// application/x-www-form-urlencoded.
MUST_USE int wire_query_decode(const struct wire_model *m, uint16_t shape, struct str form,
                               struct arena *arena, void *out, struct wire_problem *problem);
// One parameter of a form, such as Action or Version; absent when there is none.
struct str wire_form_get(struct str form, struct str name, struct arena *arena);
// <NameResponse xmlns=...><NameResult>...</NameResult><ResponseMetadata>...: the whole document.
void wire_query_encode(const struct wire_service *s, const struct wire_operation *op,
                       const void *in, struct str request_id, struct buf *out);

// Text that an error carries beside what is modelled, as S3's errors do: <Key>, <BucketName>.
struct wire_error_field {
    const char *name;
    struct str value;
};

// Error bodies. `code` and `name` as in struct wire_error.
struct wire_error_text {
    struct str name;       // JSON: after '#'
    struct str namespace_; // JSON: before '#'; empty: no prefix
    struct str query_code;
    struct str message; // absent: the error has none
    bool is_sender;
    struct str message_name;               // its spelling in JSON; absent: "message"
    const struct wire_model *m;            // of the context; NULL: none
    uint16_t shape;                        // of the context: as in struct wire_error
    const void *context;                   // the error's own members; NULL: none
    const struct wire_error_field *fields; // after the context, in this order
    size_t field_count;
    struct str host_id; // S3: beside the request id; absent: there is none
};
void wire_json_encode_error(const struct wire_error_text *e, struct buf *out);
void wire_query_encode_error(const struct wire_service *s, const struct wire_error_text *e,
                             struct str request_id, struct buf *out);

// REST requests and responses, as they are in HTTP.
struct wire_request {
    struct str method;
    struct str path;  // still percent-encoded
    struct str query; // what follows '?', still encoded; absent when there is none
    const struct header *headers;
    size_t header_count;
    struct str body;
    struct stream *stream; // instead of body, where the operation has a stream; NULL: body is it
};

// First header of that name, any case; absent when there is none.
struct str wire_request_header(const struct wire_request *r, struct str name);

struct wire_response {
    int status; // of errors: set by the caller
    struct header *headers;
    size_t header_count;
    size_t header_size; // room
    struct buf body;
    struct stream *stream; // instead of body; NULL: body is it
    bool is_head;          // the answer to a HEAD request has no body
};

// Begins empty. is_head as above.
void wire_response_init(struct wire_response *r, struct arena *arena, bool is_head);
// Name and value live as long as the arena.
void wire_response_add(struct wire_response *r, struct str name, struct str value);

// The operation that a method and URI mean; the most specific wins. NULL: none. A trailing slash
// of the path means nothing.
const struct wire_operation *wire_rest_match(const struct wire_service *s,
                                             const struct wire_request *request);
// WIRE_REST_JSON or WIRE_REST_XML. The operation is the one that matched.
MUST_USE int wire_rest_decode(const struct wire_service *s, const struct wire_operation *op,
                              enum wire_protocol protocol, const struct wire_request *request,
                              struct arena *arena, void *out, struct wire_problem *problem);
// Sets the status, adds headers and the body, or the stream that the output holds, which is the
// caller's then. `in` is NULL when the operation has no output. No body for HEAD, 204 and 304: a
// stream is closed.
void wire_rest_encode(const struct wire_service *s, const struct wire_operation *op,
                      enum wire_protocol protocol, const void *in, struct wire_response *response);
// Headers and body, with the request id where the protocol has it in the body (its header is the
// caller's, as is the status).
void wire_rest_encode_error(const struct wire_service *s, enum wire_protocol protocol,
                            const struct wire_error_text *e, struct str request_id,
                            struct wire_response *response);
