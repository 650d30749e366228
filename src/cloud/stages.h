// The stages of a call, in the order of src/cloud/pipeline.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// Each returns OK, or a code that ends the call: E_FAULT with the call's fault, or another one for
// fault_of_code.
MUST_USE int route(struct call *c);
MUST_USE int admit(struct call *c); // within the budget; pipeline_run gives it back
MUST_USE int authenticate(struct call *c);
MUST_USE int throttle(struct call *c);
MUST_USE int require_handler(struct call *c);
MUST_USE int decode(struct call *c);
MUST_USE int authorise(struct call *c);
MUST_USE int run(struct call *c);

// In place of route and decode, for calls from inside (src/cloud/invoke.h).
MUST_USE int route_names(struct call *c, struct str service, struct str operation);
MUST_USE int decode_typed(struct call *c, const void *input);

// These two see every call, whatever happened to it.
void encode(struct call *c);
void record(struct call *c);

// Whether a request speaks one of AWS's protocols, and which. A JSON service is named by
// X-Amz-Target, but only in a request whose Content-Type a web page cannot send unasked; a query
// service by Action in a form or in the query string.
bool route_protocol(const struct http_request *request, enum wire_protocol *out);
