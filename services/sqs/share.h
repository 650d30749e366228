// Who has how much of a queue in flight: by which fair queues tell noisy groups from quiet ones.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// Groups share SHARE_BUCKETS places by the hash of their names, as in stochastic fair queueing. All
// of it is a hint, halved every so often, so that what it does not hear of (messages that expired)
// is forgotten. Not thread-safe.
enum {
    SHARE_BUCKETS = 1024,
    SHARE_NOISY_MIN = 30,
    SHARE_NOISY_PERCENT = 10,
    SHARE_HALVED_MS = 60 * 1000,
    SHARE_HALVED_MAX = 31,    // after so many minutes nothing is left
    SHARE_BUSY_MS_MIN = 1000, // less than that says nothing about a group
};

struct share {
    uint32_t in_flight;
    uint32_t seen_ms; // since all were halved: busy_ms counts up to then
    uint64_t busy_ms; // of consumers, recently: a millisecond for each that was in flight
};

struct shares {
    struct share groups[SHARE_BUCKETS];
    struct share all; // their sum
    int64_t halved_ms;
};

// Of a message's group: never 0, which means none.
int32_t share_of(struct str group_id);
void shares_add(struct shares *s, int32_t share, int64_t now_ms);
void shares_remove(struct shares *s, int32_t share, int64_t now_ms);
// Before they are asked at a time at which nothing was added or removed.
void shares_now(struct shares *s, int64_t now_ms);
// AWS: "more than 10% of in-flight messages in the queue and at least 30 of its own", or a "recent
// share of total consumer processing time" above 10%.
bool shares_is_noisy(const struct shares *s, int32_t share);
// The noisy group with the fewest goes first.
uint32_t shares_in_flight(const struct shares *s, int32_t share);
// How many are.
int64_t shares_noisy(const struct shares *s);
