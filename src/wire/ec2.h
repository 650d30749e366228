// The EC2 protocol: query's requests with flat lists, and XML of its own form in return.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"

// https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html. As wire_query_decode, but every
// list is flat: Filter.1.Value.2.
MUST_USE int wire_ec2_decode(const struct wire_model *m, uint16_t shape, struct str form,
                             struct arena *arena, void *out, struct wire_problem *problem);
// <NameResponse xmlns=...><requestId>...</requestId>members</NameResponse>: the whole document. An
// operation without an output answers <return>true</return>, as AWS's API reference has it.
void wire_ec2_encode(const struct wire_service *s, const struct wire_operation *op, const void *in,
                     struct str request_id, struct buf *out);
// <Response><Errors><Error>...</Error></Errors><RequestID>...</RequestID></Response>
void wire_ec2_encode_error(const struct wire_error_text *e, struct str request_id, struct buf *out);
