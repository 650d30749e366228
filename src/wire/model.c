// Finds things in the generated tables.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/model.h"

const struct wire_operation *
wire_operation_find(const struct wire_service *s, struct str name)
{
    for (size_t i = 0; i < s->operation_count; i++) {
        if (str_eq(name, str_of(wire_text(s->model, s->operations[i].name))))
            return &s->operations[i];
    }
    return NULL;
}

size_t
wire_operation_index(const struct wire_service *s, const struct wire_operation *op)
{
    CHECK(op >= s->operations && op < s->operations + s->operation_count);
    return (size_t)(op - s->operations);
}
