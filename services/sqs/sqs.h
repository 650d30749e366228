// What SQS keeps in memory: hints only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/due.h"
#include "src/cloud/call.h"

struct sqs {
    struct cloud *cloud;
    struct heads *heads;
    struct lot *receivers; // long polls, by the queue's generation
    struct gauges *gauges;
    struct movers *movers;
    int64_t flights_max; // FLIGHTS_MAX, or less in tests
    bool is_upgraded;    // upgrade.h
};

// Whether other processes may use the store at the same time.
static inline bool
sqs_is_shared(const struct sqs *s)
{
    return s->cloud->jobs.is_shared;
}

static inline struct sqs *
sqs_of(const struct call *c)
{
    return c->state;
}
