// Asking a running c10m for something, from the command line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"
#include "src/task/socket.h"

struct ask {
    struct runtime *runtime;
    const struct socket_address *address;
    struct str token;  // admin token
    struct str target; // "/_c10m/backup?to=..."; sent as POST
    struct arena *arena;
    int status; // filled in, as is the body
    struct str body;
};

// From a fiber; waits as long as it takes. E_IO, E_TIMEOUT: nobody answers there; E_INVALID: what
// answers is no HTTP.
MUST_USE int ask_run(struct ask *a);
