// The inside of a socket, for the files of src/task only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>

#include "src/task/loop.h"
#include "src/task/socket.h"

// Registered once, edge-triggered for everything; what the edges said is kept in `ready` until a
// read or a write finds the contrary. So a request on a connection that stays open costs no
// epoll_ctl.
struct socket {
    struct source source;
    struct loop *loop;
    socket_ready_fn *fn;
    void *arg;
    struct fiber *reader;
    struct fiber *writer;
    uint8_t ready;   // enum socket_event
    uint8_t watched; // enum socket_event
    char peer[sizeof(((struct socket_address *)NULL)->text)];
};
static_assert(sizeof(struct socket) <= 256, "idle connections are many");

// Takes the descriptor, also on failure. What is ready is learnt from the first events.
MUST_USE int socket_new(struct loop *loop, int fd, const struct socket_address *peer,
                        struct socket **out);
