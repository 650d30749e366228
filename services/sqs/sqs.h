// What SQS keeps in memory: hints only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/head.h"
#include "src/cloud/call.h"

struct sqs {
    struct heads *heads;
    struct lot *receivers; // long polls, by the queue's generation
};

static inline struct sqs *
sqs_of(const struct call *c)
{
    return c->state;
}
