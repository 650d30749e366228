// Socket addresses and the system's form of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include "src/task/socket.h"

// Private to src/task; socket.h has the rest.
void address_set(struct socket_address *out, const struct sockaddr *sa, socklen_t len);
void address_get(const struct socket_address *a, struct sockaddr_storage *out);
