// Small files that are read and written whole.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

// Puts the file in place at once: whoever opens it sees the old bytes or the new ones. Blocks
// shortly. E_FULL, E_IO.
MUST_USE int file_replace(const char *path, struct str bytes, unsigned mode);
// E_NOT_FOUND; E_LIMIT: it is longer than limit; E_IO. Blocks shortly.
MUST_USE int file_read(const char *path, size_t limit, struct arena *arena, struct str *out);
// As file_read, of one whose size the system does not tell, such as those of /proc.
MUST_USE int file_stream(const char *path, size_t limit, struct arena *arena, struct str *out);
