// The way of an API call from request to response.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

// In the request's fiber. page_of: the service whose CORS rule let a page of another origin in,
// which reaches no other; NULL: none was needed.
void pipeline_run(struct cloud *cloud, const struct http_request *request,
                  enum wire_protocol protocol, const struct service *page_of,
                  struct http_response *response);
