// The outbox: events for other services, delivered after the commit that caused them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/job.h"

// An event is written in the transaction that causes it, so there is one exactly if that happened;
// it is delivered at least once, by the one process that has the job, and those of one source in
// the order of their commits. A source is whatever order matters for: a bucket's key, a topic.
struct outbox;

struct outbox_event {
    struct str id; // unique, the same at every delivery: for receivers that must not act twice
    struct str destination;
    struct str source;
    struct str payload;
};

enum { OUTBOX_DESTINATIONS_MAX = 128, OUTBOX_PAYLOAD_BYTES_MAX = 512 * 1024 };

struct outbox *outbox_new(const struct jobs_options *options);
void outbox_free(struct outbox *o); // the background has stopped. NULL is accepted

// Called in a fiber of the background, outside of any transaction; may wait. OK: taken, and never
// given again unless this process dies first. Any other code is logged, and the event given again
// every second; meanwhile later events of its source wait, those of others do not. Before
// outbox_start; the destination is in static storage.
typedef int outbox_fn(void *arg, const struct outbox_event *event);
void outbox_handle(struct outbox *o, const char *destination, outbox_fn *fn, void *arg);
void outbox_start(struct outbox *o);

// E_LIMIT: the payload is too long.
MUST_USE int outbox_add(struct outbox *o, struct kv_txn *txn, const char *destination,
                        struct str source, struct str payload);
