// Batches: the rules for their entries, and the entries that fail alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/sqs_api.h"
#include "src/cloud/call.h"

enum { BATCH_ENTRIES_MAX = 10, BATCH_ENTRY_ID_MAX = 80, BATCH_BYTES_MAX = 1048576 };

// Counts, and ids that are distinct and well-formed. `entry` is the entry's shape, for AWS's
// message. E_FAULT.
MUST_USE int batch_check(struct call *c, const char *entry, const struct str *ids, size_t count);

// Moves the call's fault to an entry of the list of failures, which has room.
void batch_fail(struct call *c, struct str id, struct sqs_batch_result_error_entry_list *failed);
