// /_c10m/clock: reading and moving the service clock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/admin.h"

void admin_clock_print(const struct cloud *cloud, struct buf *out);
// POST with one of the parameters advance_s=SECONDS (which may be negative) and to=TIME (ISO 8601),
// in the query string. Answers when nothing that is due remains, as a GET does: 200; 504 after
// ADMIN_CLOCK_SETTLE_MS, when the clock is moved and work goes on; 400 and 409 when it is not
// moved.
void admin_clock_move(struct cloud *cloud, const struct http_request *request,
                      struct http_response *response);
enum { ADMIN_CLOCK_SETTLE_MS = 5 * 60 * 1000 };
