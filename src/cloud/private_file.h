// Files that hold a secret and that nobody else may read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

enum { PRIVATE_FILE_BYTES_MAX = 1024 * 1024 };

// Both give a sentence in `problem` that names the file.
// E_NOT_FOUND; E_INVALID: no file, others may read it, or it is too long; E_IO. The text is in the
// arena.
MUST_USE int private_file_read(struct arena *arena, const char *path, struct str *out,
                               char *problem, size_t problem_size);
// Mode 0600, synced, whole or not at all. E_EXISTS; E_IO.
MUST_USE int private_file_add(const char *path, struct str text, char *problem,
                              size_t problem_size);
