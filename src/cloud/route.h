// How a request finds its service and operation: a function for each kind of protocol.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/stages.h"

enum {
    ROUTE_JSON = 1u << WIRE_JSON_1_0 | 1u << WIRE_JSON_1_1, // one's clients are answered by both
    ROUTE_FORM = 1u << WIRE_QUERY | 1u << WIRE_EC2,
    ROUTE_REST = 1u << WIRE_REST_JSON | 1u << WIRE_REST_XML,
};

// Each sets the call's service, operation and final protocol, or its fault.
MUST_USE int route_form(struct call *c);
MUST_USE int route_rest(struct call *c);

// Whether host and signature let a service be meant that speaks one of the protocols. What a
// request does not say excludes nobody. Guests are never meant: their host's split finds them.
bool route_is_candidate(const struct call *c, const struct service *s, unsigned protocols);
void route_set_service(struct call *c, size_t index);
// An operation of a service that c10m does not know at all is not built; of others it does not
// exist.
MUST_USE int route_fault_unknown(struct call *c, struct str operation);
// S3 and its control plane, which name their requests in a way of their own.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/get-request-ids.html
bool route_has_host_id(const struct wire_service *s);
// A POST of a form, or an Action in the query string.
bool route_is_form(const struct http_request *r);
