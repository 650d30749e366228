// Starting programs of the host's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"

enum { SPAWN_FDS_MAX = 8, SPAWN_ARGS_MAX = 24 };

// A program, with nothing open but what it is given: descriptors 0 to 2 are /dev/null, then come
// fds as 3, 4, ....
struct spawn {
    int program_fd;
    const char *name;        // its argv[0]
    const char *const *args; // and the others, NULL-terminated; NULL: none
    const int *fds;
    size_t fd_count;
};

// Starts it and waits until it has ended, which one that stays beside us does when it has handed
// itself over to a child of its own: E_IO, errno says why or is 0 when it ended badly. A fiber
// parks meanwhile.
MUST_USE int spawn_detached(struct runtime *rt, const struct spawn *spawn);
// A descriptor that executes these bytes. E_IO.
MUST_USE int spawn_program_new(struct str bytes, int *out);
