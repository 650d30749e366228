// The operator's pages under /_c10m/.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

bool admin_is_path(struct str path);
// health, which is open to all; metrics (Prometheus text), tasks and clock, which ask for the admin
// token as `Authorization: Bearer TOKEN`.
void admin_answer(struct cloud *cloud, const struct http_request *request,
                  struct http_response *response);
// What the page of that path shows to a GET.
void admin_answer_print(struct cloud *cloud, const struct http_request *request,
                        struct http_response *response);
// An answer in plain text, one line, for whatever is no API call.
void admin_answer_text(const struct http_request *request, struct http_response *response,
                       int status, const char *text);
