// The record of an API call, as CloudTrail has it.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/queue.h>

#include "src/auth/credentials.h"
#include "src/base/buf.h"
#include "src/task/runtime.h"

// Texts live as long as the call. Absent ones are left out of the JSON.
struct api_event {
    struct principal identity; // anonymous: who called was not found out
    int64_t time_ms;           // service clock
    struct str source;         // "sqs.amazonaws.com"
    struct str name;           // "SendMessage"
    struct str region;
    struct str source_ip; // or the service that called from inside: "states.amazonaws.com"
    struct str user_agent;
    struct str error_code;
    struct str error_message;
    struct str request_id;
    char event_id[UUID_BYTES + 1];
    bool is_read_only;
};

// Every call, refused ones too, once its response is made; in the call's fiber. It may wait, but
// the caller of the API waits with it.
typedef void event_fn(void *arg, const struct api_event *event);

struct event_subscriber {
    event_fn *fn;
    void *arg;
    SLIST_ENTRY(event_subscriber) link; // the list's
};

// eventVersion 1.11, eventType AwsApiCall.
void event_print(const struct api_event *event, struct buf *out);
// CloudTrail's readOnly: whether the operation's name says that it only reads.
bool event_is_read_only(struct str name);
