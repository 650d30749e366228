// What IAM asks for before an operation runs, as tools/generate.py writes it from AWS's service
// authorization reference and from service.json.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum access_level {
    ACCESS_LIST,
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_TAGGING,
    ACCESS_PERMISSIONS,
};

// Texts are offsets into the service's model, as in src/wire/model.h; 0 is "".
struct action_resource {
    uint32_t name;           // "queue"
    uint32_t arn;            // "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"
    uint32_t cloud_type;     // "AWS::SQS::Queue", as records and CloudFormation name it
    uint32_t condition_keys; // that go with it, a space between two
    bool is_required;
};

struct action {
    uint32_t name;           // "sqs:SendMessage"; not always the operation's
    uint32_t condition_keys; // that go with every call, a space between two
    uint16_t resource_first; // rows in the service's action_resources
    uint8_t resource_count;
    uint8_t level; // enum access_level
};

// Of an operation: rows in the service's actions. It asks for all of them; none: for nothing.
struct action_span {
    uint16_t first;
    uint8_t count;
    bool is_data_event; // CloudTrail: about what is in a resource, not about the resource
};
