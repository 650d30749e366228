// Patterns that are one character class after the other, matched without a regular expression.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum { PLAIN_PARTS_MAX = 48 };

// What a class says of characters that are not ASCII: only a regular expression knows some.
enum plain_wide { PLAIN_WIDE_NONE, PLAIN_WIDE_ALL, PLAIN_WIDE_ASK };

// A class and how often it stands there.
struct plain_part {
    uint64_t ascii[2]; // a bit for each character
    enum plain_wide wide;
    uint32_t min;
    uint32_t max; // UINT32_MAX: any number
};

struct plain_pattern {
    struct plain_part parts[PLAIN_PARTS_MAX];
    size_t count;
};

enum plain_answer { PLAIN_NO, PLAIN_YES, PLAIN_ASK };

// False: it has groups, alternatives, or parts between which a match would have to choose.
bool plain_parse(struct str pattern, struct plain_pattern *out);
// Whether the whole text matches, in one pass. PLAIN_ASK: a regular expression must say.
enum plain_answer plain_match(const struct plain_part *parts, size_t count, struct str text);
