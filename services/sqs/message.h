// Messages: what a sender may put into one, and its digests.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"
#include "services/sqs/sqs_api.h"

enum {
    MESSAGE_ATTRIBUTES_MAX = 10,
    ATTRIBUTE_NAME_MAX = 256,
    GROUP_ID_MAX = 128,
    DELAY_S_MAX = 900,
};

// One message to send, from SendMessage or from an entry of its batch. Texts borrow from the
// request.
struct message {
    struct str body;
    struct str group_id;
    struct str deduplication_id;
    struct opt_int delay_s;
    const struct sqs_message_body_attribute_map *attributes;
    const struct sqs_message_body_system_attribute_map *system_attributes;

    // What message_check finds and makes.
    struct sqs_message_record record;
    size_t bytes; // body and attributes, as the size limits count them
};

// Checks m against the model's silence and the queue's attributes, and fills the record. E_FAULT.
MUST_USE int message_check(struct call *c, const struct queue *q, struct message *m);

// Ids that the caller chooses, of groups, duplicates and attempts: 1 to 128 letters, digits and
// punctuation. E_FAULT.
MUST_USE int chosen_id_check(struct call *c, struct str id, const char *parameter);

// A message's id is a version 7 UUID: text to its users, sixteen bytes in the store, where messages
// that were sent together lie together.
struct message_id message_id_new(struct runtime *rt);
struct str message_id_print(struct arena *a, const struct message_id *id);

// "5d41402abc4b2a76b9719d911017c592", in the arena.
struct str message_body_md5(struct arena *a, struct str body);
// The digest of attributes that SDKs compare with their own; absent when there are none. Sorts the
// list. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/
// sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
struct str message_attributes_md5(struct arena *a, struct sqs_attribute_list_record *attributes);
// The same of the system attributes, of which there is only the trace header.
struct str message_system_md5(struct arena *a, struct str trace_header);
