// Counters and latencies per operation, and their text for Prometheus.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// Lock-free to record: one slot per operation and loop.
struct metrics;
struct cloud;

struct metrics *metrics_new(const struct cloud *cloud);
void metrics_free(struct metrics *m);
// loop: index of the recording loop. service, operation: indexes in the registry and the model.
void metrics_record(struct metrics *m, int loop, size_t service, size_t operation, int status,
                    int64_t duration_ns);
// The body of /_c10m/metrics.
void metrics_print(const struct cloud *cloud, struct buf *out);
