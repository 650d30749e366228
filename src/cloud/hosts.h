// Under which names c10m answers, and which service and region a name stands for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/text_list.h"
#include "src/task/socket.h"

// What stands before the port of a Host header: "localhost", "[::1]". Without a final dot.
struct str host_name(struct str authority);

// What stands in front of one of our own names, with the dots between; absent: nothing does.
struct str host_labels(struct str name);

// Whether a Host header is ours. Else a page from elsewhere could make its own name mean this
// machine (DNS rebinding), and be taken for one of ours. Ours are loopback names and addresses,
// everything below .localhost and localhost.localstack.cloud, the address that c10m listens on (any
// address when that is 0.0.0.0 or [::]), and `allowed`: names, or *.NAME for all below one.
bool host_is_allowed(struct str authority, const struct socket_address *listen,
                     const struct text_list *allowed);

struct service;

// What the name in a Host header stands for: LABELS.SERVICE.REGION.localhost,
// LABELS.SERVICE.localhost or LABELS.localhost, and the same below localhost.localstack.cloud.
struct host {
    struct str service; // as it was sent; absent: it names none
    struct str region;
    struct str labels; // in front of both, with the dots between them
};
void host_read(struct str authority, struct host *out);
// Whether a label names the service, by its name or by that in credential scopes, which several
// may share ("rds").
bool host_means(struct str label, const struct service *s);
