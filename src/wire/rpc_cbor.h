// Smithy RPC v2 CBOR: requests and responses as CBOR maps keyed by the members' names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"

// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html. Requests and responses carry
// the header smithy-protocol: rpc-v2-cbor; one with an X-Amz-Target is to be refused. Errors of a
// service that is query-compatible carry x-amzn-query-error, as in JSON. An operation without an
// output answers without a body and its Content-Type.

// /service/NAME/operation/OPERATION, which may stand behind a prefix. False: another path.
bool wire_rpc_cbor_parse_path(struct str path, struct str *service, struct str *operation);
// Whether a path's NAME means the service: "Name" or "com.example.Name".
bool wire_rpc_cbor_is_named(const struct wire_service *s, struct str name);
// The NAME that its clients use.
struct str wire_rpc_cbor_name(const struct wire_service *s);

// As wire_json_decode. Any well-formed CBOR is read: heads of any length, indefinite lengths,
// floats of all sizes; timestamps need their tag. An empty body is an empty map.
MUST_USE int wire_rpc_cbor_decode(const struct wire_model *m, uint16_t shape, struct str body,
                                  struct arena *arena, void *out, struct wire_problem *problem);
// Definite lengths, shortest integers, no halves.
void wire_rpc_cbor_encode(const struct wire_model *m, uint16_t shape, const void *in,
                          struct buf *out);
// {"__type": "namespace#name", "message": ..., the context's members and the fields}
void wire_rpc_cbor_encode_error(const struct wire_error_text *e, struct buf *out);
