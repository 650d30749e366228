// Web pages of somebody else's are not clients: the development key is public.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/text_list.h"
#include "src/http/message.h"

// False for what a browser sends on behalf of a page that did not come from this server, nor from
// one of the `allowed` origins ("http://app.example:3000").
bool origin_is_allowed(const struct http_request *request, const struct text_list *allowed);
bool origin_is_listed(const struct http_request *request, const struct text_list *allowed);
// What lets the browser's page of a listed origin send any call and read the answer.
// https://fetch.spec.whatwg.org/#http-responses
void origin_add_headers(const struct http_request *request, struct http_response *response);
