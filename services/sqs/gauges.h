// What CloudWatch is told of queues each minute: how many messages, and how old.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"

// Queues that hold messages, or were called by a message operation within this time, are sampled.
enum { GAUGES_ACTIVE_MS = 6 * 3600 * 1000 };

struct sqs;
struct gauges;

struct gauges *gauges_new(struct sqs *s);
void gauges_free(struct gauges *g); // the background has stopped
// One job of the whole store, a transaction for each queue, at the beginning of each minute of the
// service clock.
void gauges_start(struct gauges *g);
// The queue is active. Any thread; lost with the process.
void gauges_touch(struct gauges *g, struct arena *arena, const struct queue_name *name);
