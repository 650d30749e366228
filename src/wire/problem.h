// What was wrong with an input: its kind and sentence first, its path while the walk returns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

// Sets what is wrong where the walk stands, and returns E_INVALID.
MUST_USE int problem_set(struct wire_problem *p, struct arena *arena, enum wire_problem_kind kind,
                         const char *format, ...) PRINTF(4, 5);
// Each puts one step in front of the path when a problem is set, so that a walk without problems
// pays nothing.
void problem_in_member(struct wire_problem *p, struct arena *arena, const char *name);
void problem_in_item(struct wire_problem *p, struct arena *arena, size_t index); // from 0
void problem_in_key(struct wire_problem *p, struct arena *arena, struct str key);
// For the end of a walk: turns a code that no sentence was found for into a problem. E_INVALID.
MUST_USE int problem_of_code(struct wire_problem *p, struct arena *arena, int code,
                             const char *syntax);
