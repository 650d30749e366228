// Under which names c10m answers, and which service and region a name stands for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/text_list.h"
#include "src/task/socket.h"

// What stands before the port of a Host header: "localhost", "[::1]". Without a final dot.
struct str host_name(struct str authority);

// Whether a Host header is ours. Else a page from elsewhere could make its own name mean this
// machine (DNS rebinding), and be taken for one of ours. Ours are loopback names and addresses,
// everything below .localhost and localhost.localstack.cloud, the address that c10m listens on (any
// address when that is 0.0.0.0 or [::]), and `allowed`: names, or *.NAME for all below one.
bool host_is_allowed(struct str authority, const struct socket_address *listen,
                     const struct text_list *allowed);

struct service;

// SERVICE.REGION.localhost, SERVICE.localhost and the same below localhost.localstack.cloud;
// further labels may stand in front. NULL: the name says nothing of a service.
const struct service *host_service(struct str authority, struct str *region);
