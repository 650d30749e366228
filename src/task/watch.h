// Readiness of a descriptor that somebody else owns: a library's connection, a socket handed to us.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/socket.h"

// Touched on its loop only.
struct watch;

// Calls fn on the loop, outside of fibers, as long as one of the events (enum socket_event) is due:
// in every turn, until it reads or writes what there is. E_IO: errno says why.
MUST_USE int watch_new(struct loop *loop, int fd, unsigned events, socket_ready_fn *fn, void *arg,
                       struct watch **out);
// 0: none for now.
void watch_change(struct watch *w, unsigned events);
// Before the descriptor is closed. NULL is accepted. fn is not called again.
void watch_free(struct watch *w);
