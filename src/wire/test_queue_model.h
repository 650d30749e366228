// Parts of SQS's model by hand, with the names of its query protocol.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

#define QUEUE_NAMES(X)                                                                             \
    X(QueueUrl)                                                                                    \
    X(MessageBody)                                                                                 \
    X(DelaySeconds)                                                                                \
    X(MessageAttributes)                                                                           \
    X(MessageAttribute)                                                                            \
    X(MessageGroupId)                                                                              \
    X(StringValue)                                                                                 \
    X(BinaryValue)                                                                                 \
    X(DataType)                                                                                    \
    X(Name)                                                                                        \
    X(Value)                                                                                       \
    X(Key)                                                                                         \
    X(QueueName)                                                                                   \
    X(Attributes)                                                                                  \
    X(Attribute)                                                                                   \
    X(tags)                                                                                        \
    X(Tag)                                                                                         \
    X(AttributeNames)                                                                              \
    X(AttributeName)                                                                               \
    X(Id)                                                                                          \
    X(Entries)                                                                                     \
    X(SendMessageBatchRequestEntry)

struct queue_text {
    char none[1];
#define X(name) char name[sizeof(#name)];
    QUEUE_NAMES(X)
#undef X
};

static const struct queue_text queue_text = {"",
#define X(name) #name,
                                             QUEUE_NAMES(X)
#undef X
};

struct queue_value {
    struct str StringValue;
    struct str BinaryValue;
    struct str DataType;
};

struct queue_values {
    struct queue_values_entry {
        struct str key;
        struct queue_value value;
    } *items;
    size_t count;
};

struct queue_strings {
    struct str *items;
    size_t count;
};

struct queue_map {
    struct queue_map_entry {
        struct str key;
        struct str value;
    } *items;
    size_t count;
};

struct queue_send {
    struct str QueueUrl;
    struct str MessageBody;
    struct opt_int DelaySeconds;
    struct queue_values MessageAttributes;
    struct str MessageGroupId;
};

struct queue_create {
    struct str QueueName;
    struct queue_map Attributes;
    struct queue_map tags;
};

struct queue_get {
    struct str QueueUrl;
    struct queue_strings AttributeNames;
};

struct queue_send_batch {
    struct str QueueUrl;
    struct {
        struct queue_entry {
            struct str Id;
            struct str MessageBody;
            struct queue_values MessageAttributes;
        } *items;
        size_t count;
    } Entries;
};

enum queue_shape {
    QUEUE_STRING,
    QUEUE_BLOB,
    QUEUE_INTEGER,
    QUEUE_VALUE,
    QUEUE_VALUES,
    QUEUE_NAME_LIST,
    QUEUE_ATTRIBUTES,
    QUEUE_TAGS,
    QUEUE_SEND,
    QUEUE_CREATE,
    QUEUE_GET,
    QUEUE_ENTRY,
    QUEUE_ENTRIES,
    QUEUE_SEND_BATCH,
};

enum queue_row {
    QROW_VALUE = 0,
    QROW_VALUES = 3,
    QROW_NAME_LIST = 5,
    QROW_ATTRIBUTES = 6,
    QROW_TAGS = 8,
    QROW_SEND = 10,
    QROW_CREATE = 15,
    QROW_GET = 18,
    QROW_ENTRY = 20,
    QROW_ENTRIES = 23,
    QROW_SEND_BATCH = 24,
    QROW_END = 26,
};

#define QTEXT(name) offsetof(struct queue_text, name)
#define QROW(type, field, shape_, wire_name, flags_)                                               \
    {.name = QTEXT(field),                                                                         \
     .json_name = QTEXT(field),                                                                    \
     .query_name = QTEXT(wire_name),                                                               \
     .xml_name = QTEXT(wire_name),                                                                 \
     .offset = offsetof(struct type, field),                                                       \
     .shape = (shape_),                                                                            \
     .flags = (flags_)}
#define QPART(type, field, shape_, wire_name)                                                      \
    {.name = QTEXT(wire_name),                                                                     \
     .json_name = QTEXT(wire_name),                                                                \
     .query_name = QTEXT(wire_name),                                                               \
     .xml_name = QTEXT(wire_name),                                                                 \
     .offset = offsetof(struct type, field),                                                       \
     .shape = (shape_)}

static const struct wire_member queue_members[QROW_END] = {
    [QROW_VALUE] = QROW(queue_value, StringValue, QUEUE_STRING, StringValue, 0),
    QROW(queue_value, BinaryValue, QUEUE_BLOB, BinaryValue, 0),
    QROW(queue_value, DataType, QUEUE_STRING, DataType, WIRE_REQUIRED),
    [QROW_VALUES] = QPART(queue_values_entry, key, QUEUE_STRING, Name),
    QPART(queue_values_entry, value, QUEUE_VALUE, Value),
    [QROW_NAME_LIST] = {.query_name = QTEXT(AttributeName),
                        .xml_name = QTEXT(AttributeName),
                        .shape = QUEUE_STRING},
    [QROW_ATTRIBUTES] = QPART(queue_map_entry, key, QUEUE_STRING, Name),
    QPART(queue_map_entry, value, QUEUE_STRING, Value),
    [QROW_TAGS] = QPART(queue_map_entry, key, QUEUE_STRING, Key),
    QPART(queue_map_entry, value, QUEUE_STRING, Value),
    [QROW_SEND] = QROW(queue_send, QueueUrl, QUEUE_STRING, QueueUrl, WIRE_REQUIRED),
    QROW(queue_send, MessageBody, QUEUE_STRING, MessageBody, WIRE_REQUIRED),
    QROW(queue_send, DelaySeconds, QUEUE_INTEGER, DelaySeconds, 0),
    QROW(queue_send, MessageAttributes, QUEUE_VALUES, MessageAttribute, WIRE_FLATTENED),
    QROW(queue_send, MessageGroupId, QUEUE_STRING, MessageGroupId, 0),
    [QROW_CREATE] = QROW(queue_create, QueueName, QUEUE_STRING, QueueName, WIRE_REQUIRED),
    QROW(queue_create, Attributes, QUEUE_ATTRIBUTES, Attribute, WIRE_FLATTENED),
    QROW(queue_create, tags, QUEUE_TAGS, Tag, WIRE_FLATTENED),
    [QROW_GET] = QROW(queue_get, QueueUrl, QUEUE_STRING, QueueUrl, WIRE_REQUIRED),
    QROW(queue_get, AttributeNames, QUEUE_NAME_LIST, AttributeName, WIRE_FLATTENED),
    [QROW_ENTRY] = QROW(queue_entry, Id, QUEUE_STRING, Id, WIRE_REQUIRED),
    QROW(queue_entry, MessageBody, QUEUE_STRING, MessageBody, WIRE_REQUIRED),
    QROW(queue_entry, MessageAttributes, QUEUE_VALUES, MessageAttribute, WIRE_FLATTENED),
    [QROW_ENTRIES] = {.query_name = QTEXT(SendMessageBatchRequestEntry),
                      .xml_name = QTEXT(SendMessageBatchRequestEntry),
                      .shape = QUEUE_ENTRY},
    [QROW_SEND_BATCH] = QROW(queue_send_batch, QueueUrl, QUEUE_STRING, QueueUrl, WIRE_REQUIRED),
    QROW(queue_send_batch, Entries, QUEUE_ENTRIES, SendMessageBatchRequestEntry,
         WIRE_FLATTENED | WIRE_REQUIRED),
};

#define QSHAPE(type_, c_size_, item_size_, row, count)                                             \
    {.type = (type_),                                                                              \
     .c_size = (c_size_),                                                                          \
     .item_size = (item_size_),                                                                    \
     .member_first = (row),                                                                        \
     .member_count = (count)}

static const struct wire_shape queue_shapes[] = {
    [QUEUE_STRING] = QSHAPE(WIRE_STRING, sizeof(struct str), 0, 0, 0),
    [QUEUE_BLOB] = QSHAPE(WIRE_BLOB, sizeof(struct str), 0, 0, 0),
    [QUEUE_INTEGER] = QSHAPE(WIRE_INTEGER, sizeof(struct opt_int), 0, 0, 0),
    [QUEUE_VALUE] = QSHAPE(WIRE_STRUCTURE, sizeof(struct queue_value), 0, QROW_VALUE, 3),
    [QUEUE_VALUES] = QSHAPE(WIRE_MAP, sizeof(struct queue_values),
                            sizeof(struct queue_values_entry), QROW_VALUES, 2),
    [QUEUE_NAME_LIST] =
        QSHAPE(WIRE_LIST, sizeof(struct queue_strings), sizeof(struct str), QROW_NAME_LIST, 1),
    [QUEUE_ATTRIBUTES] = QSHAPE(WIRE_MAP, sizeof(struct queue_map), sizeof(struct queue_map_entry),
                                QROW_ATTRIBUTES, 2),
    [QUEUE_TAGS] =
        QSHAPE(WIRE_MAP, sizeof(struct queue_map), sizeof(struct queue_map_entry), QROW_TAGS, 2),
    [QUEUE_SEND] = QSHAPE(WIRE_STRUCTURE, sizeof(struct queue_send), 0, QROW_SEND, 5),
    [QUEUE_CREATE] = QSHAPE(WIRE_STRUCTURE, sizeof(struct queue_create), 0, QROW_CREATE, 3),
    [QUEUE_GET] = QSHAPE(WIRE_STRUCTURE, sizeof(struct queue_get), 0, QROW_GET, 2),
    [QUEUE_ENTRY] = QSHAPE(WIRE_STRUCTURE, sizeof(struct queue_entry), 0, QROW_ENTRY, 3),
    [QUEUE_ENTRIES] =
        QSHAPE(WIRE_LIST, sizeof(struct wire_array), sizeof(struct queue_entry), QROW_ENTRIES, 1),
    [QUEUE_SEND_BATCH] =
        QSHAPE(WIRE_STRUCTURE, sizeof(struct queue_send_batch), 0, QROW_SEND_BATCH, 2),
};

static const struct wire_model queue_model = {
    .text = (const char *)&queue_text,
    .shapes = queue_shapes,
    .members = queue_members,
};
