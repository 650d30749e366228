// awsQuery and EC2, the client's side: what src/wire/client.h hands on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"
#include "src/wire/value.h"

// The form, with Action and Version.
void query_encode_request(const struct wire_service *s, const struct wire_operation *op,
                          const void *in, struct buf *out);
// The same in EC2's way: every list is flat, an empty one is left out.
void ec2_encode_request(const struct wire_service *s, const struct wire_operation *op,
                        const void *in, struct buf *out);
// Both protocols.
MUST_USE int query_decode_reply(struct decoder *d, const struct wire_operation *op, struct str body,
                                void *out);
