// Headers and bodies of REST messages, alike in requests and responses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"
#include "src/wire/value.h"

#define REST_XML_PROLOG STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")

// The members that a body holds, zeroed before. E_INVALID or E_LIMIT, maybe with the problem set.
// A stream's member gets the stream, or one over the body where that is NULL.
MUST_USE int rest_read_body(struct decoder *d, enum wire_protocol protocol, uint16_t shape,
                            struct str body, struct stream *stream, void *structure);
// The stream, or one over the body where it is NULL.
struct stream *rest_body_stream(struct arena *arena, struct str body, struct stream *stream);
// A structure that is all of a body. Nothing of an empty one.
MUST_USE int rest_read_structure(struct decoder *d, enum wire_protocol protocol, uint16_t shape,
                                 struct str body, void *structure);

// The members that have their place in headers and status.
void rest_put_places(const struct wire_model *m, uint16_t shape, const void *structure,
                     struct wire_response *r);
// The payload or the body members. Nothing when the shape has none of both.
void rest_put_body(const struct wire_service *s, enum wire_protocol protocol, uint16_t shape,
                   uint32_t root, const void *structure, struct wire_response *r);
// Unless a member has said it.
void rest_add_content_type(struct wire_response *r, struct str value);
// `xmlns="..."`, or absent for a service without a namespace.
struct str rest_xmlns(const struct wire_service *s, struct arena *arena);
