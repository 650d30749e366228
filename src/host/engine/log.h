// An engine's output, as lines of c10m's log.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/engine/kind.h"

// Passes on what its console has got since the last time, also by an earlier c10m: each line once,
// but for those of the moment of a crash. What the console no longer has is told as lost.
void engine_log_pass(struct engine_run *r, const char *kind);
