// Web pages of somebody else's are not clients: the development key is public.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"

// False for what a browser sends on behalf of a page that did not come from this server.
bool origin_is_allowed(const struct http_request *request);
