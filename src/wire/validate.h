// Checks inputs against the model: required members, unions, patterns, enums, lengths and ranges.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/pattern.h"

struct wire_checks {
    const struct wire_model *m;
    enum wire_wording wording;
    struct wire_patterns *patterns; // of the calling thread
};

// In model order, depth first; of one value its pattern, then its enum, then its length or range
// (Lambda's answer for code.s3Bucket has the pattern before the length). How many violations are
// told, and in which words, is the wording's. Takes time in proportion to the input, whatever its
// patterns are. E_INVALID with *problem, whose message is whole.
MUST_USE int wire_validate(const struct wire_checks *checks, uint16_t shape, const void *in,
                           struct arena *arena, struct wire_problem *problem);
