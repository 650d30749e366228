// The way of an API call from request to response.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

// In the request's fiber.
void pipeline_run(struct cloud *cloud, const struct http_request *request,
                  enum wire_protocol protocol, struct http_response *response);
