// Inputs and outputs as records show them.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/model.h"

// CloudTrail leaves larger ones out, and says so.
enum { EVENT_VALUE_BYTES_MAX = 100 * 1024 };

// A structure as JSON, with the names of members beginning in small letters. What the model calls
// sensitive is hidden, and so are members of the names in `hidden` (a space between two; NULL:
// none). Blobs and streams are left out. `what` names it when it is too large: "requestParameters".
void event_put_value(const struct wire_model *m, uint16_t shape, const void *structure,
                     const char *hidden, const char *what, struct buf *out);
