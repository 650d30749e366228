// Folders with all that is in them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/fiber.h"

// Removes it, without following links or leaving its file system. OK also when there is none. E_IO.
// A fiber parks.
MUST_USE int tree_remove(struct runtime *rt, const char *dir);
// Makes a folder with those above it. E_IO, E_FULL. Does not wait.
MUST_USE int tree_make(const char *dir, unsigned mode);
