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
    // An overlay's changes as they are: owners, all of the modes, times, what overlayfs notes in
    // attributes of users, and its marks of what was removed.
    bool keeps;
};
MUST_USE int tree_clone(struct runtime *rt, const struct tree_clone *copy);
// One file, whose owner we are. A fiber parks.
MUST_USE int tree_clone_file(struct runtime *rt, const char *from, const char *to);
// Takes a guest's first id from the owners and groups of everything, modes as they are; what
// belongs to smaller ids stays. E_IO. A fiber parks.
MUST_USE int tree_unshift(struct runtime *rt, const char *dir, int64_t first_id);
// Gives everything that is not his to that owner and his group, modes as they are. E_IO. A fiber
// parks.
MUST_USE int tree_own(struct runtime *rt, const char *dir, int64_t uid);
// What was written to its file system is on disk. E_IO. A fiber parks.
MUST_USE int tree_sync(struct runtime *rt, const char *dir);
