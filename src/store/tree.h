// Copying directories, for backups and restoring.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

struct tree_copy {
    const char *from;
    const char *to;          // made, mode 0700; what is there stays
    const char *const *skip; // names that are left out at the top, NULL at the end; may be NULL
    bool may_link;           // files that never change become further names of the same ones
    char *problem;           // gets a sentence
    size_t problem_size;
    uint64_t files, bytes; // filled in
};

// Regular files and directories, with their modes; everything is durable when it returns. Files
// that go away meanwhile are left out. Blocks. E_NOT_FOUND: there is no `from`; E_EXISTS: one of
// the files is there; E_INVALID: something else than files and directories; E_FULL, E_IO.
MUST_USE int tree_copy(struct tree_copy *t);
// One file, durable but for its name.
MUST_USE int tree_copy_file(struct tree_copy *t);
