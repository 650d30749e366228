// What becomes of an HTTP request: whose page sent it, and who answers it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"

// For the HTTP server (http_handler_fn, http_wants_stream_fn); `arg` is a struct cloud. Services'
// own routes come first. All else must be sent to one of c10m's names and by no page of another
// origin, unless a flag or a rule of a service admits it; then it is the operator's page or an API
// call.
void cloud_answer(void *arg, const struct http_request *request, struct http_response *response);
bool cloud_wants_stream(void *arg, const struct http_request *request);
