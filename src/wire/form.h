// application/x-www-form-urlencoded bodies as a sorted array, to be walked by prefix.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

struct form_pair {
    struct str name;
    struct str value;
    size_t position; // in the form
};

struct form {
    struct form_pair *pairs;
    size_t count;
};

// Decodes and sorts. Names are compared segment by segment (between dots), shorter segments first:
// so everything below a name follows it, and the indexes of a list come in numeric order. Of pairs
// with one name the first in the form stands first. E_INVALID: a broken escape; E_LIMIT: more than
// pairs_max.
MUST_USE int form_parse(struct arena *arena, struct str text, size_t pairs_max, struct form *out);

// A name's own value, and the pairs below it.
struct form_range {
    struct str value; // of the name itself; absent when it was not sent
    size_t from, to;
    size_t prefix_bytes; // of the name and its dot
};

struct form_range form_all(const struct form *f);
// Takes the next segment and what is below it out of the front of a range; false at its end.
bool form_next(const struct form *f, struct form_range *range, struct str *segment,
               struct form_range *below);
// That segment of a range; false when it was not sent.
bool form_find(const struct form *f, const struct form_range *range, struct str segment,
               struct form_range *below);
