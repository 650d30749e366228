// /_c10m/host: what runs on this machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/admin.h"

// GET /_c10m/host: every unit with its state, as machine_print has it.
void admin_host_print(const struct cloud *cloud, struct buf *out);
// POST /_c10m/host/units: a wish, as machine_wish has it. 202 when it is durable: the reconciler
// does the rest. Who may do this is root of what c10m is root of, as the admin token is.
void admin_host_wish(struct cloud *cloud, const struct http_request *request,
                     struct http_response *response);
// POST /_c10m/host/functions: runs a function and waits for its end, as machine_call has it.
void admin_host_call(struct cloud *cloud, const struct http_request *request,
                     struct http_response *response);
// POST /_c10m/host/faults: what is to fail, as machine_fail has it. 202 when it is durable;
// "is_in_force" of the page's zones says when it is so everywhere.
void admin_host_fail(struct cloud *cloud, const struct http_request *request,
                     struct http_response *response);
// POST /_c10m/host/flows: takes a network's flow records, as machine_flows has it.
void admin_host_flows(struct cloud *cloud, const struct http_request *request,
                      struct http_response *response);
