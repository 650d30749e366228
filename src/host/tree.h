// Folders with all that is in them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/fiber.h"

// Removes it, without following links or leaving its file system. OK also when there is none. E_IO.
// A fiber parks.
MUST_USE int tree_remove(struct runtime *rt, const char *dir);
// Makes a folder with those above it. E_IO, E_FULL. Does not wait.
MUST_USE int tree_make(const char *dir, unsigned mode);
// Copies files, folders and links into a folder that does not exist yet, for an owner (-1: us).
// Everything else is left out. E_IO, E_FULL. A fiber parks.
struct tree_clone {
    const char *from, *to;
    int64_t uid, gid;
};
MUST_USE int tree_clone(struct runtime *rt, const struct tree_clone *copy);
// What was written to its file system is on disk. E_IO. A fiber parks.
MUST_USE int tree_sync(struct runtime *rt, const char *dir);
