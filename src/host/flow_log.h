// Flow records as lines of a VPC flow log.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/host/flow_record.h"

// Whose log it is, and of which time, in seconds of Unix time.
struct flow_view {
    struct str account, interface;
    bool is_sender; // the interface sent this; else it received it
    int64_t begin_s, end_s;
};

// A line of version 2 (https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html):
// version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end
// action log-status. What its sender's side refused never reached the receiver: then there is no
// line for it, and false. `start` is the beginning of the time, since a first packet's is not kept.
bool flow_log_put(const struct flow_record *r, const struct flow_view *view, struct buf *out);
// "NODATA" where nothing was counted, "SKIPDATA" where more was than there is room for.
void flow_log_put_status(const struct flow_view *view, const char *status, struct buf *out);
