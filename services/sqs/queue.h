// Queues: their names and URLs, and how every other operation finds one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"
#include "services/sqs/sqs_records.h"
#include "src/cloud/call.h"
#include "src/store/index.h"

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
enum {
    QUEUE_NAME_MAX = 80,
    QUEUES_PER_PAGE_MAX = 1000,
    QUEUE_DELETED_MS = 60 * 1000, // the name may not be used again for so long
    QUEUE_PURGED_MS = 60 * 1000,  // between two purges
};

struct queue {
    struct str name;
    struct place place;
    struct sqs_queue_record record;
    struct data_keys *keys; // what opens its data key
};

// The queue that a caller's URL names, read in the transaction so that deleting or changing the
// queue conflicts with it. E_FAULT: no such queue, not an address of a queue, or another account's.
MUST_USE int queue_get(struct call *c, struct kv_txn *txn, struct str url, struct queue *out);
// The queue of that name, without a call; keys NULL: no bodies are read. E_NOT_FOUND.
MUST_USE int queue_find(struct kv_txn *txn, struct data_keys *keys, const struct queue_name *name,
                        struct queue *out);
// With their entries in the lists of all queues and of a dead-letter queue's sources.
MUST_USE int queue_set(struct kv_txn *txn, const struct queue *queue);
MUST_USE int queue_del(struct kv_txn *txn, const struct queue *queue);
// What queue_set and queue_del write, with its indexes.
extern const struct indexed queue_indexed;
extern const struct index *const queue_known;
extern const struct index *const queue_sources;

// http://HOST/ACCOUNT/NAME with the host that the caller used.
struct str queue_url(const struct call *c, struct str account, struct str name);
// arn:aws:sqs:REGION:ACCOUNT:NAME
struct str queue_arn(struct arena *a, const struct queue *q);
// E_INVALID: not the ARN of a queue.
MUST_USE int queue_arn_parse(struct str arn, struct queue_name *out);
// The last two segments of the URL's path. E_FAULT: InvalidAddress.
MUST_USE int queue_url_parse(struct call *c, struct str url, struct str *account, struct str *name);

// The part of the generation that stays for the queue's life.
static inline struct str
queue_id(const struct sqs_queue_record *record)
{
    return str_slice(record->generation, 0, QUEUE_ID_BYTES);
}

// A queue of the caller's account, in the call's region.
static inline struct queue_name
own_queue_name(const struct call *c, struct str name)
{
    return (struct queue_name){c->principal.account, c->region, name};
}

// Pages of queues, as ListQueues and ListDeadLetterSourceQueues cut them.
struct queue_page {
    struct str after;     // what the page before ended with, a name or a key; empty: there was none
    struct str chosen_by; // the prefix, or the dead-letter queue's URL
    size_t limit;
    struct str *urls; // room for `limit`
    size_t count;
    struct str last;
    bool is_cut; // there are more
};
// Checks MaxResults and NextToken. E_FAULT.
MUST_USE int queue_page_init(struct call *c, struct str chosen_by, struct opt_int results_max,
                             struct str token, struct queue_page *out);
// False: the page is full.
bool queue_page_add(struct call *c, struct queue_page *p, struct str name);
// Absent when there is nothing to follow, or the caller gave no MaxResults.
struct str queue_page_token(struct call *c, const struct queue_page *p, struct opt_int results_max);

// The fault of a queue that is not there, in the wording of the call's protocol.
MUST_USE int queue_missing(struct call *c);
