// XML elements to C structs by the tables: what the protocols that carry XML share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/value.h"
#include "src/wire/xml_reader.h"

// The body members that stand in an element, whatever its name; the structure is zeroed or holds
// what came from elsewhere. E_INVALID or E_LIMIT, maybe with the problem set.
MUST_USE int xml_decode_members(const struct decoder *base, uint16_t shape,
                                const struct xml_node *node, void *structure);
