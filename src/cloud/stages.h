// The stages of a call, in the order of src/cloud/pipeline.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// Each returns OK, or a code that ends the call: E_FAULT with the call's fault, or another one for
// fault_of_code.
MUST_USE int call_route(struct call *c);
MUST_USE int call_check_page(struct call *c); // where a CORS rule let it in
MUST_USE int call_admit(struct call *c);      // within the budget; pipeline_run gives it back
MUST_USE int call_authenticate(struct call *c);
MUST_USE int call_throttle(struct call *c);
MUST_USE int call_split(struct call *c); // between services of one endpoint, by what the input says
MUST_USE int call_require_handler(struct call *c);
MUST_USE int call_check_coding(struct call *c); // of the body: compressed ones are refused
MUST_USE int call_check_digest(struct call *c); // by Content-MD5 and x-amz-checksum-*
MUST_USE int call_decode(struct call *c);
MUST_USE int call_authorise(struct call *c);
MUST_USE int call_run(struct call *c);
// What became of a handler that read c->stream: where its body was not what was signed, that.
MUST_USE int call_judge_body(struct call *c, int code);
MUST_USE int call_judge_digest(struct call *c, int code);

// In place of route and decode, for calls from inside (src/cloud/invoke.h).
MUST_USE int call_route_names(struct call *c, struct str service, struct str operation);
MUST_USE int call_decode_typed(struct call *c, const void *input);

// Within split and decode: the input by the service's tables, unchecked; only once.
MUST_USE int call_decode_input(struct call *c);
// Within decode: what the model says of an input has to hold, and no member may be set that nothing
// reads.
MUST_USE int call_check(struct call *c);
// The fault for an input that a decoder or the validator refused, in the service's words.
MUST_USE int fault_of_problem(struct call *c, const struct wire_problem *p);

// These two see every call, whatever happened to it.
void call_encode(struct call *c);
void call_record(struct call *c);

// Whether a request speaks one of AWS's protocols, and which, as far as it can be told before its
// service is known: call_route sets the final one. A JSON service is named by X-Amz-Target, but
// only in a request whose Content-Type a web page cannot send unasked; a query service by Action in
// a form or in the query string; RPC v2 CBOR by its header; a REST request is one that is signed,
// or sent to the host of a service that speaks REST, or that one which admits callers without a
// signature answers.
bool route_protocol(const struct http_request *request, enum wire_protocol *out);

// For the HTTP server: whether the operation's input has a stream, so that the handler starts
// before the body was read. `cloud` is a struct cloud.
bool call_wants_stream(void *cloud, const struct http_request *request);
