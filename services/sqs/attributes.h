// Queue attributes: names, limits, defaults.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/sqs_api.h"
#include "services/sqs/sqs_records.h"

struct call;

enum attributes_when { ATTRIBUTES_AT_CREATION, ATTRIBUTES_LATER };

void attributes_default(struct sqs_queue_record *out);
// Checks what the caller gave and puts it into the record. E_FAULT: unknown names, values out of
// range, attributes that cannot be changed or that are not built.
MUST_USE int attributes_apply(struct call *c, const struct sqs_queue_attribute_map *given,
                              enum attributes_when when, struct sqs_queue_record *record);
// E_FAULT: QueueNameExists, when an attribute that the caller gave is another in `existing`.
MUST_USE int attributes_compare(struct call *c, const struct sqs_queue_attribute_map *given,
                                const struct sqs_queue_record *wanted,
                                const struct sqs_queue_record *existing);
