// Timers that last: what a service wants to be woken for at a time of the service clock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/job.h"

// State that depends on time is decided when it is read; an alarm only wakes or acts (a lifecycle
// rule, a schedule, a state that ends by itself). It is a key (due, service, id) of the store, so
// that it survives a restart, and it rings once: what is done about it and its end are one
// transaction. It rings at its time or later, never earlier, as far as the service clock goes.
struct alarms;

struct alarm {
    struct str service;
    struct str id; // the service's own: what it is about
    int64_t due_ms;
};

enum { ALARM_HANDLERS_MAX = 128, ALARM_BATCH = 64 };

struct alarms *alarms_new(const struct jobs_options *options);
void alarms_free(struct alarms *as); // the background has stopped. NULL is accepted

// Called in the transaction that ends the alarm, from the one process that has the job; may run
// twice, may set other alarms. What has to happen after it is for kv_after_commit or the outbox.
// Any result but OK leaves the alarm as it was: it is logged and tried again every second, while
// other alarms ring. Before alarms_start; service in static storage.
typedef int alarm_fn(void *arg, struct kv_txn *txn, const struct alarm *alarm);
void alarms_handle(struct alarms *as, const char *service, alarm_fn *fn, void *arg);
void alarms_start(struct alarms *as);

// Set again with the same due time it stays one. The caller keeps due_ms where it can find it, to
// take the alarm back; alarms of an id at other times are others.
MUST_USE int alarm_set(struct alarms *as, struct kv_txn *txn, const struct alarm *alarm);
MUST_USE int alarm_del(struct kv_txn *txn, const struct alarm *alarm);

// For fsck: alarms of services that are none of these.
MUST_USE int alarm_parse(struct arena *a, struct str key, struct alarm *out);
void alarm_range(struct arena *a, struct str *from, struct str *to);
