// What units need of each other: who must be up before, and down after.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/worker.h"

// What the record says, as read.
void needs_note(struct worker *w);
// Whether all that it needs is up, and knows what fails in zones; else `problem` names one.
bool needs_are_up(const struct worker *w, char *problem);
// Whether something that needs it may still be up; `problem` names it.
bool needs_are_busy(const struct worker *w, char *problem);
// Whether what it needs that is up knows what fails in zones, as far as it has to know.
bool needs_know_zones(const struct worker *w);
// Says that it has seen what fails in zones, as read, and wakes those that waited for it.
void needs_tell_zones(struct worker *w);
// Says how it is, and wakes those that waited to hear it.
void needs_tell(struct worker *w, bool is_up, bool may_be_up);
