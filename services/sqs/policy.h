// The policy of a queue: kept and returned, and what AddPermission and RemovePermission do to it.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"

enum {
    POLICY_BYTES_MAX = 8192,
    POLICY_STATEMENTS_MAX = 20,
    POLICY_PRINCIPALS_MAX = 50, // of all statements
    POLICY_CONDITIONS_MAX = 10, // of all statements
    POLICY_ACTIONS_MAX = 7,     // of one statement
    POLICY_LABEL_MAX = 80,
    POLICY_DEPTH_MAX = 16,
};

struct policy_statement {
    struct str text; // as it stands in the document
    struct str sid;
    struct str effect;
    size_t principals, actions, conditions; // how many it names
};

struct policy_document {
    struct str version;
    struct str id;
    struct policy_statement statements[POLICY_STATEMENTS_MAX];
    size_t count;
    size_t count_over; // of those that found no place
};

// E_INVALID: not a policy; E_LIMIT: too many statements.
MUST_USE int policy_parse(struct arena *a, struct str text, struct policy_document *out);
struct str policy_print(struct arena *a, const struct policy_document *d);
// E_FAULT: it has more than it may.
MUST_USE int policy_limits_check(struct call *c, const struct policy_document *d);

// The attribute Policy: checks the document and puts it into the record as it is; an empty one
// takes it away. E_FAULT: not a policy, or one that denies something, which nothing would enforce.
MUST_USE int policy_apply(struct call *c, struct str value, struct sqs_queue_record *record);
