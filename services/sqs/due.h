// The heads of queues, as src/store/head.h keeps them: their index, and what SQS remembers beside.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"
#include "services/sqs/share.h"
#include "src/cloud/call.h"
#include "src/store/head.h"

// All of it is a hint.
struct due_state {
    struct shares *shares; // NULL: no message had a group
    // An upper bound of the messages in flight (flights.h). Not known at first.
    bool are_flights_known;
    int64_t flights_most;
    int64_t flights_counted_ms;
};

// Entries of noisy groups (share.h) stand aside.
struct heads *due_heads_new(void);

// The index of a standard queue by the time at which its messages become visible.
struct head_index due_index(const struct place *p);

struct head_entry due_entry(int64_t due_ms, const struct message_id *id, int32_t share);
// The id in the entry.
const struct message_id *due_id(const struct head_entry *e);

// A message of that share was received for the first time, or is gone again.
void due_share_add(struct head *h, int32_t share, int64_t now_ms);
void due_share_remove(struct head *h, int32_t share, int64_t now_ms);
// All of them, as of now. False: no message with a group was received yet.
bool due_shares_get(struct head *h, int64_t now_ms, struct shares *out);
