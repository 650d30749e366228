// JSON text to C structs and back by the tables: what the protocols that carry JSON share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/protocol.h"
#include "src/wire/value.h"

// The whole body as an object of the structure's body members; the structure is zeroed or holds
// what came from elsewhere. E_INVALID or E_LIMIT, maybe with the problem set.
MUST_USE int json_decode_members(const struct decoder *base, uint16_t shape, struct str body,
                                 void *structure);
// The whole body as one value, written in place.
MUST_USE int json_decode_value(const struct decoder *base, const struct wire_member *row,
                               struct str body, void *at);
// A structure's body members without braces, each with a comma in front unless is_first; whether
// any was written.
bool json_put_members(const struct wire_model *m, uint16_t shape, const void *structure,
                      bool is_first, struct buf *out);
// An error's message, unless it is absent, its own members and its fields.
void json_put_error_members(const struct wire_error_text *e, bool is_first, struct buf *out);
// A value in place that is there.
void json_put_value(const struct wire_model *m, const struct wire_member *row, const void *at,
                    struct buf *out);
