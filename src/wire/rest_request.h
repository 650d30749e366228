// restJson1 and restXml, the client's side: what src/wire/client.h hands on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/client.h"
#include "src/wire/value.h"

// Whether the output is answered by events, which client.c hands out.
bool client_has_events(const struct wire_model *m, const struct wire_operation *op);
MUST_USE int rest_encode_request(const struct wire_service *s, const struct wire_operation *op,
                                 enum wire_protocol protocol, const void *in, struct arena *arena,
                                 struct wire_request *out);
MUST_USE int rest_decode_reply(struct decoder *d, const struct wire_operation *op,
                               enum wire_protocol protocol, const struct wire_reply *reply,
                               void *out);
