// Sockets between processes of this machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/socket.h"

// Two connected ends: one on the loop, the other a descriptor to hand to a child (close-on-exec;
// the caller closes it). E_IO: errno says why.
MUST_USE int local_pair(struct loop *loop, struct socket **out, int *out_fd);
// Connects to the socket `name` in a folder, whose path may be of any length. Never waits.
// E_NOT_FOUND: there is no such socket, or nobody listens any more; E_IO: errno says why.
MUST_USE int local_connect(struct loop *loop, const char *dir, const char *name,
                           struct socket **out);
// Sends bytes and, with them, a descriptor, which stays the caller's; at most LOCAL_SEND_BYTES_MAX,
// at once or not at all: E_AGAIN, E_CLOSED, E_IO.
enum { LOCAL_SEND_BYTES_MAX = 4096 };
MUST_USE int local_send_fd(struct socket *s, struct str bytes, int fd);
