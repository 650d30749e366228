// What a validator found, in the words of the service.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/model.h"

// The way to a value, from the innermost step outwards. A step is a member, an element or an entry.
struct violation_step {
    const struct violation_step *up; // NULL: the input itself
    const struct wire_member *row;   // of a member; NULL: of an element or entry
    const struct str *key;           // of an entry; NULL: an element
    size_t index;                    // of an element, from 0
};

// So many are told, the others are counted. Beyond VIOLATIONS_COUNTED_MAX the walk stops, so that a
// bad input costs no more than a good one.
enum { VIOLATIONS_TOLD_MAX = 20, VIOLATIONS_COUNTED_MAX = 1000 };

struct violations {
    const struct wire_model *m;
    enum wire_wording wording;
    struct arena *arena;
    struct wire_problem *problem; // of the first one; its message is that of all
    struct buf told;              // "Value ...; Value ..."
    size_t count;
};

// Adds one. `value` is "", " null" or " 'text'", `constraint` a sentence: "Member must not be
// null". Returns whether the walk is to go on.
bool violations_add(struct violations *v, enum wire_problem_kind kind,
                    const struct violation_step *step, struct str value, struct str constraint);
// E_INVALID when there is any; then the problem's message is complete.
MUST_USE int violations_end(struct violations *v);
