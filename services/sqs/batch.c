// Batches: the rules for their entries, and the entries that fail alone.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/batch.h"

static bool
is_entry_id(struct str id)
{
    bool is_valid = id.len > 0 && id.len <= BATCH_ENTRY_ID_MAX;
    for (size_t i = 0; i < id.len; i++) {
        char ch = id.ptr[i];
        is_valid = is_valid && ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                                (ch >= '0' && ch <= '9') || ch == '-' || ch == '_');
    }
    return is_valid;
}

static int
ids_check(struct call *c, const struct str *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_entry_id(ids[i]))
            return fault(c, SQS_INVALID_BATCH_ENTRY_ID,
                         "A batch entry id can only contain alphanumeric characters, hyphens and "
                         "underscores. It can be at most 80 letters long.");
        for (size_t j = 0; j < i; j++)
            if (str_eq(ids[i], ids[j]))
                return fault(c, SQS_BATCH_ENTRY_IDS_NOT_DISTINCT, "Id " STR_FMT " repeated.",
                             STR_ARG(ids[i]));
    }
    return OK;
}

int
batch_check(struct call *c, const char *entry, const struct str *ids, size_t count)
{
    if (count == 0)
        return fault(c, SQS_EMPTY_BATCH_REQUEST, "There should be at least one %s in the request.",
                     entry);
    if (count > BATCH_ENTRIES_MAX)
        return fault(c, SQS_TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
                     "Maximum number of entries per request are %d. You have sent %zu.",
                     BATCH_ENTRIES_MAX, count);
    return ids_check(c, ids, count);
}

void
batch_fail(struct call *c, struct str id, struct sqs_batch_result_error_entry_list *failed)
{
    failed->items[failed->count++] = (struct sqs_batch_result_error_entry){
        .Id = id,
        .SenderFault = OPT_BOOL(c->fault.is_sender),
        .Code = c->fault.query_code,
        .Message = c->fault.message,
    };
    c->fault = (struct fault){0};
}
