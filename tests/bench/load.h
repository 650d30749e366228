// The load generator's two halves: requests, and the connections that carry them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/sigv4.h"

enum { BATCH_ENTRIES = 10, HANDLE_BYTES_MAX = 2048 };

enum mode {
    MODE_BARE,  // GET /
    MODE_STS,   // GetCallerIdentity
    MODE_SQS,   // the cycle of send, receive and delete
    MODE_BATCH, // the same by tens
    MODE_SEND,  // sends alone
    MODE_FILL,  // sends alone, by tens
};
enum step { STEP_SEND, STEP_RECEIVE, STEP_DELETE, STEPS };

// Signed requests are the same for a second, but those that show receipt handles.
struct requests {
    enum mode mode;
    const char *queue_url;
    char host[32];
    char *message;
    struct arena arena;      // of one request
    struct arena kept_arena; // of the second
    struct str kept[STEPS];  // absent: not made in this second
    char kept_date[sizeof("YYYYMMDDThhmmssZ")];
};

// message_bytes long messages of one letter.
void requests_init(struct requests *r, enum mode mode, const char *port, const char *queue_url,
                   size_t message_bytes);
void requests_fini(struct requests *r);
// The request of that step; handles are those of the receive before, absent ones left out. Valid
// until the next call.
struct str request_next(struct requests *r, enum step step, const struct str *handles,
                        size_t handle_count);
// The receipt handles in an answer, zero-terminated; they borrow from it.
size_t handles_find(char *answer, struct str *out, size_t max);
