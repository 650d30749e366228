// Finds a structure's member by a name of the request.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

// Rows are scanned, beginning behind the last hit: clients mostly send members in the model's
// order. A request that makes scans long gets a hash index per shape instead, so that no input
// costs more than a few comparisons per name.
struct lookup {
    const struct wire_model *m;
    struct arena *arena;
    size_t name_at; // of the name in struct wire_member: offsetof(struct wire_member, json_name)
    size_t scanned; // rows so far
    struct lookup_index *indexes;
};

// A member of a body. *hint begins as 0 and stays with one value of the shape. NULL: none such.
const struct wire_member *lookup_member(struct lookup *l, uint16_t shape, struct str name,
                                        size_t *hint);
