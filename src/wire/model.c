// Finds things in the generated tables.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/model.h"

const struct wire_operation *
wire_operation_find(const struct wire_service *s, struct str name)
{
    size_t from = 0, to = s->operation_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_cmp(name, str_of(wire_text(s->model, s->operations[middle].name)));
        if (order == 0)
            return &s->operations[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

size_t
wire_operation_index(const struct wire_service *s, const struct wire_operation *op)
{
    CHECK(op >= s->operations && op < s->operations + s->operation_count);
    return (size_t)(op - s->operations);
}
