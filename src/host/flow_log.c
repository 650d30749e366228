// Flow records as lines of a VPC flow log.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/flow_log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

bool
flow_log_put(const struct flow_record *r, const struct flow_view *view, struct buf *out)
{
    char source[INET_ADDRSTRLEN], destination[INET_ADDRSTRLEN];
    enum flow_outcome refused = view->is_sender ? FLOW_REFUSED_OUT : FLOW_REFUSED_IN;
    int64_t last_s = view->end_s - r->idle_ms / 1000;
    if (!view->is_sender && r->outcome == FLOW_REFUSED_OUT)
        return false;
    inet_ntop(AF_INET, &r->source, source, sizeof(source));
    inet_ntop(AF_INET, &r->destination, destination, sizeof(destination));
    buf_print(out, "2 " STR_FMT " " STR_FMT " %s %s %u %u %u", STR_ARG(view->account),
              STR_ARG(view->interface), source, destination, r->source_port, r->destination_port,
              r->protocol);
    buf_print(out, " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s OK\n", r->packets, r->bytes,
              view->begin_s, last_s > view->begin_s ? last_s : view->begin_s,
              r->outcome == refused ? "REJECT" : "ACCEPT");
    return true;
}

void
flow_log_put_status(const struct flow_view *view, const char *status, struct buf *out)
{
    buf_print(out, "2 " STR_FMT " " STR_FMT " - - - - - - - %" PRId64 " %" PRId64 " - %s\n",
              STR_ARG(view->account), STR_ARG(view->interface), view->begin_s, view->end_s, status);
}
