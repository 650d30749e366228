// Checks strings against the patterns of a model, in bounded time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

// Patterns as they were compiled, each on its first use; kept on the heap until the end. Not
// thread-safe: every loop has its own. Zeroed is empty.
struct wire_patterns {
    struct pattern_slot *slots; // a hash table
    size_t count, size;
    struct pattern_matcher *matcher; // memory that all matches share; NULL before the first one
};

void wire_patterns_init(struct wire_patterns *p);
void wire_patterns_fini(struct wire_patterns *p);

// Whether the whole string matches the pattern, as Java's matches() has it and AWS's services use
// it: a pattern needs no ^ and $. Without a pattern everything does. E_INVALID: it does not match;
// E_LIMIT: no answer within a number of steps that grows with the string's length only.
MUST_USE int wire_pattern_check(struct wire_patterns *p, const struct wire_model *m,
                                const struct wire_constraint *c, struct str s);
// Whether a pattern is one that can be checked at all. For tests of models.
bool wire_pattern_compiles(const char *pattern);
