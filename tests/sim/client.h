// A client of the simulated clouds: signed calls over their sockets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/service.h"
#include "src/task/socket.h"

// One connection at a time; used by one fiber.
struct client {
    struct loop *loop;
    struct socket *socket; // NULL: none
    uint16_t port;         // that it goes to
};

enum call_result {
    CALL_DONE,
    CALL_REFUSED, // answered with an error of the client's: nothing happened
    CALL_UNKNOWN, // an error of the server's, or no answer: it may have happened
};

struct call_error {
    int status; // 0: no answer
    struct str name;
};

// What it returns is in the arena. `out` and `error` may be NULL.
enum call_result client_call(struct client *c, const struct service *s, const char *operation,
                             const void *in, struct arena *arena, int64_t wait_ms, void *out,
                             struct call_error *error);
void client_close(struct client *c);
