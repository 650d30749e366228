// Datagrams (UDP) on a loop.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/socket.h"

struct datagram;

enum { DATAGRAM_BYTES_MAX = 64 * 1024 };

// Called on loop 0, outside of fibers, with each datagram; the bytes are there until it returns.
typedef void datagram_fn(void *arg, struct datagram *d, const struct socket_address *from,
                         struct str bytes);

// As listener_new. On loop 0 from then on.
MUST_USE int datagram_new(struct runtime *rt, struct socket_address *address, datagram_fn *fn,
                          void *arg, struct datagram **out);
// The same on a socket that is bound already, and belongs to the datagram then. address is filled
// in. E_INVALID: it is no datagram socket.
MUST_USE int datagram_adopt(struct runtime *rt, int fd, struct socket_address *address,
                            datagram_fn *fn, void *arg, struct datagram **out);
// On loop 0. OK, E_AGAIN: there is no room now, it is lost; E_LIMIT: too long; E_IO.
MUST_USE int datagram_send(struct datagram *d, const struct socket_address *to, struct str bytes);
// Blocks (a fiber parks) until fn is not called any more. NULL is accepted.
void datagram_free(struct datagram *d);
