// The forms of a request target (RFC 9112 section 3.2).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"

// host [ ":" port ], as in the Host header: the host may be empty there.
bool http_authority_is_valid(struct str s);
// Sets path and query from r->method and r->target. *authority is absent unless the target is a
// URL. False when the target has no valid form.
bool http_target_split(struct http_request *r, struct str *authority);
