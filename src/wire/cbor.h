// CBOR (RFC 8949) by the same tables, with field ids for keys: the form of records.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/model.h"

// A structure is a map from ids to values, in id order, absent members left out; a list an array; a
// map a CBOR map; timestamps are integers (ms). Shortest forms only, definite lengths.
void wire_cbor_encode(const struct wire_model *m, uint16_t shape, const void *in, struct buf *out);
// E_INVALID: not such bytes. Unknown ids are skipped. Strings point into `bytes`.
MUST_USE int wire_cbor_decode(const struct wire_model *m, uint16_t shape, struct str bytes,
                              struct arena *arena, void *out);
