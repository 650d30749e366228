// C structs to XML elements by the tables: what the protocols that answer in XML share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/protocol.h"

// A whole element around the present members of a structure, attributes included. `attributes`, as
// they are to stand in the tag, come first.
void xml_put_root(const struct wire_model *m, uint16_t shape, const char *name,
                  struct str attributes, const void *structure, struct buf *out);
// The present body members of a structure, in model order, without an element around them.
void xml_put_members(const struct wire_model *m, uint16_t shape, const void *structure,
                     struct buf *out);
// What every error has between its opening and its request id: code, message unless it is absent,
// its own members and its fields.
void xml_put_error_members(const struct wire_error_text *e, struct buf *out);
