// The record of an API call, as CloudTrail has it.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/queue.h>

#include "src/auth/principal.h"
#include "src/base/buf.h"
#include "src/store/kv.h"

struct call;
struct cloud;

enum { EVENT_SUBSCRIBERS_MAX = 8 };

// Texts live as long as the call. Absent ones are left out of the JSON.
struct api_event {
    const struct call *call;   // its input, output, resources and connection
    struct principal identity; // anonymous: nobody signed, or who did was not found out
    int64_t time_ms;           // service clock
    struct str source;         // "sqs.amazonaws.com"
    struct str name;           // "SendMessage"
    struct str region;
    struct str source_ip; // or the service that called from inside: "states.amazonaws.com"
    struct str user_agent;
    struct str error_code;
    struct str error_message;
    struct str request_id;
    struct str recipient; // the account that is told: the caller's, or the resource's owner
    char event_id[UUID_BYTES + 1];
    bool is_read_only;
    bool is_data; // about what is in a resource, not about the resource: eventCategory Data
};

// In the call's fiber, for every call, refused ones too, once its response is made. False: no
// record is made for this subscriber, which then costs nothing more.
typedef bool event_wants_fn(void *arg, const struct api_event *event);
// Gets each record that was wanted, in the order of the calls' ends, in a transaction that also
// takes it out of the log: so at least once, across restarts, and exactly once for what it writes
// there. May run twice. Another result than OK: it comes again.
typedef int event_consume_fn(void *arg, struct kv_txn *txn, struct str record);

struct event_subscriber {
    const char *name; // of its log in the store; static storage, at most 32 characters
    event_wants_fn *wants;
    event_consume_fn *consume; // NULL: it never wants
    void *arg;
    struct cloud *cloud; // filled in
    SLIST_ENTRY(event_subscriber) link;
};

// eventVersion 1.11, eventType AwsApiCall.
void event_print(const struct api_event *event, struct buf *out);
// Fills an event from a call whose response is made.
void event_of_call(const struct call *c, struct api_event *out);
// CloudTrail's readOnly for an operation of which IAM says nothing: whether its name says that it
// only reads.
bool event_is_read_only(struct str name);
