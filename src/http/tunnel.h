// A connection that a handler has taken over: bytes both ways, after a 101.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// Lives until the function that was given it (http_response.upgrade) returns; then the connection
// is closed. Used on its loop only. One fiber may read while another one writes.
struct http_tunnel;

struct loop;
struct loop *tunnel_loop(const struct http_tunnel *t);
// At least one byte. E_CLOSED: the other side is at its end; E_TIMEOUT, E_CANCELLED (also when the
// server drains), E_IO.
MUST_USE int tunnel_read(struct http_tunnel *t, void *out, size_t size, int64_t deadline_ns,
                         size_t *got);
// Everything or an error; E_TIMEOUT when the other side takes nothing for too long.
MUST_USE int tunnel_write(struct http_tunnel *t, const struct str *parts, size_t count);
