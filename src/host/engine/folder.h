// An engine's folder on the host, and the sandboxes that work in it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/engine/kind.h"

// Below files/ everything belongs to the guest, who may put links there: c10m goes there by
// engine_open only. etc/ is c10m's, and read-only for the guest.
char *engine_path(const struct engine_run *r, const char *name); // in the arena
// The host's id of ENGINE_UID in this guest; -1: whoever we are.
int64_t engine_owner(const struct engine_run *r);
// A folder of the guest's.
MUST_USE int engine_folder_make(struct engine_run *r, const char *name);
// As open, below files/, without following any link; -1 and errno.
int engine_open(const struct engine_run *r, const char *path, int flags);
struct str engine_sandbox_name(const struct engine_run *r, bool is_tool);
MUST_USE int engine_sandbox_start(struct engine_run *r, const struct engine_command *c,
                                  bool is_tool);
// The end of what it printed, as one line.
struct str engine_last_words(struct engine_run *r, bool is_tool);
// files/ as of a new engine.
MUST_USE int engine_data_clear(struct engine_run *r);
bool engine_has_work(struct engine_run *r);
// Ends engine_work and what else runs beside the engine, and forgets it.
MUST_USE int engine_work_drop(struct engine_run *r);
// A copy of the template lies ready for the next engine, when there is a template.
void engine_spare_make(struct engine_run *r, const char *name);
