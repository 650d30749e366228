// The protocol interpreters: request bytes to typed structs, typed structs to response bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
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

// Error bodies. `code` and `name` as in struct wire_error.
struct wire_error_text {
    struct str name;       // JSON: after '#'
    struct str namespace_; // JSON: before '#'; empty: no prefix
    struct str query_code;
    struct str message;
    bool is_sender;
};
void wire_json_encode_error(const struct wire_error_text *e, struct buf *out);
void wire_query_encode_error(const struct wire_service *s, const struct wire_error_text *e,
                             struct str request_id, struct buf *out);

// Required members, then lengths, ranges and enums, in model order, depth first; stops at the
// first. E_INVALID with *problem.
MUST_USE int wire_validate(const struct wire_model *m, uint16_t shape, const void *in,
                           struct arena *arena, struct wire_problem *problem);
