// A connection of HTTP/1.1 after its upgrade.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/connection_state.h"

// Sends the head of a 101 and runs its function.
void h1_tunnel(struct http_connection *c, const struct http_response *r);
