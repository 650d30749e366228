// Members that no code reads are refused by name: what service.json lists as "refused".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

// E_INVALID when a refused member is present; *out is then its path by AWS's names, in the arena:
// "Entries.MessageAttributes.value.DataType". An empty list or map is present.
MUST_USE int wire_refuse(const struct wire_model *m, const struct wire_refusal *rows, size_t count,
                         uint16_t shape, const void *in, struct arena *arena, struct str *out);
