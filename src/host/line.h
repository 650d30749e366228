// Lines from the programs that stand beside us.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/local.h"

enum { HOST_LINE_BYTES = 1024 };

// One line, without its end. E_CLOSED: the socket ended before; E_INVALID: it is too long;
// E_TIMEOUT, E_CANCELLED.
MUST_USE int host_line_read(struct socket *s, int64_t deadline_ns, char out[HOST_LINE_BYTES]);
