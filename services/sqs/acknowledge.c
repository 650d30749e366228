// DeleteMessage and ChangeMessageVisibility, and their batches.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/batch.h"
#include "services/sqs/fifo.h"
#include "services/sqs/sqs.h"
#include "services/sqs/standard.h"

struct acknowledge_entry {
    struct str receipt_handle;
    struct opt_int timeout_s; // absent: delete the message
    struct receipt receipt;
    int64_t due_ms;
    int32_t share;      // standard queues: of the group of the message, if it had one
    struct fault fault; // of this entry alone
};

struct acknowledge {
    struct call *c;
    struct str url;
    struct acknowledge_entry *entries;
    size_t count;
    bool is_batch;
    struct queue queue;
};

static int
receipt_fault(struct call *c, const struct acknowledge_entry *e, const char *reason)
{
    return fault(c, FAULT_INVALID_PARAMETER,
                 "Value " STR_FMT " for parameter ReceiptHandle is invalid. Reason: %s",
                 STR_ARG(e->receipt_handle), reason);
}

static int
entry_read(struct acknowledge *s, struct acknowledge_entry *e)
{
    const struct queue *q = &s->queue;
    int code = receipt_parse(s->c->arena, e->receipt_handle, &e->receipt);
    // A receipt from before a purge is good, but its message is gone.
    if (code != OK || memcmp(e->receipt.generation, q->place.generation.ptr, QUEUE_ID_BYTES) != 0 ||
        str_is_present(e->receipt.group) != q->record.is_fifo.value)
        return fault(s->c, SQS_RECEIPT_HANDLE_IS_INVALID,
                     "The input receipt handle \"" STR_FMT "\" is not a valid receipt handle.",
                     STR_ARG(e->receipt_handle));
    return OK;
}

static int
entry_delete(struct kv_txn *txn, struct acknowledge *s, struct acknowledge_entry *e)
{
    if (!s->queue.record.is_fifo.value)
        return standard_delete(txn, &s->queue, &e->receipt, &e->share);
    int code = fifo_delete(txn, &s->queue, &e->receipt, call_now_ms(s->c));
    if (code == E_NOT_FOUND)
        return receipt_fault(s->c, e, "The receipt handle has expired.");
    return code;
}

static int
entry_hide(struct kv_txn *txn, struct acknowledge *s, struct acknowledge_entry *e)
{
    int64_t now_ms = call_now_ms(s->c);
    int32_t timeout_s = e->timeout_s.value;
    if (timeout_s < 0 || timeout_s > VISIBILITY_S_MAX)
        return fault(
            s->c, FAULT_INVALID_PARAMETER,
            "Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout "
            "must be an integer between 0 and 43200.",
            timeout_s);
    e->due_ms = now_ms + timeout_s * 1000LL;
    int code = s->queue.record.is_fifo.value
                   ? fifo_hide(txn, &s->queue, &e->receipt, now_ms, e->due_ms)
                   : standard_hide(txn, &s->queue, &e->receipt, now_ms, e->due_ms, &e->share);
    if (code == E_NOT_FOUND)
        return receipt_fault(
            s->c, e, "Message does not exist or is not available for visibility timeout change.");
    if (code == E_LIMIT)
        return fault(s->c, FAULT_INVALID_PARAMETER,
                     "Value %d for parameter VisibilityTimeout is invalid. Reason: Total "
                     "VisibilityTimeout for the message is beyond the limit [43200 seconds].",
                     timeout_s);
    return code;
}

static int
entry_run(struct kv_txn *txn, struct acknowledge *s, struct acknowledge_entry *e)
{
    TRY(entry_read(s, e));
    return e->timeout_s.is_present ? entry_hide(txn, s, e) : entry_delete(txn, s, e);
}

static int
acknowledge_body(struct kv_txn *txn, void *arg)
{
    struct acknowledge *s = arg;
    kv_makes_room(txn);
    TRY(queue_get(s->c, txn, s->url, &s->queue));
    for (size_t i = 0; i < s->count; i++) {
        struct acknowledge_entry *e = &s->entries[i];
        e->fault = (struct fault){0};
        int code = entry_run(txn, s, e);
        if (code == E_FAULT && s->is_batch) {
            e->fault = s->c->fault;
            s->c->fault = (struct fault){0};
        } else if (code != OK) {
            return code;
        }
    }
    return OK;
}

static void
head_tell(struct heads *heads, struct str generation, const struct acknowledge_entry *e,
          int64_t now_ms)
{
    struct head *h;
    if (!e->timeout_s.is_present && e->share == 0)
        return;
    h = heads_ref(heads, generation);
    struct head_entry entry = due_entry(e->due_ms, &e->receipt.id, e->share);
    if (e->timeout_s.is_present)
        head_add(h, &entry);
    else
        due_share_remove(h, e->share, now_ms);
    head_unref(heads, h);
}

// What became visible, now or earlier than a waiting receiver expects, wakes one.
static void
acknowledge_announce(struct acknowledge *s)
{
    struct sqs *sqs = sqs_of(s->c);
    struct str generation = s->queue.place.generation;
    bool is_fifo = s->queue.record.is_fifo.value;
    for (size_t i = 0; i < s->count; i++) {
        struct acknowledge_entry *e = &s->entries[i];
        if (e->fault.is_set)
            continue;
        if (!is_fifo)
            head_tell(sqs->heads, generation, e, call_now_ms(s->c));
        if (is_fifo || e->timeout_s.is_present)
            lot_wake(sqs->receivers, generation, 1);
    }
}

static int
acknowledge_run(struct acknowledge *s)
{
    TRY(kv_run(s->c->kv, s->c->arena, acknowledge_body, s));
    acknowledge_announce(s);
    return OK;
}

static int
acknowledge_one(struct call *c, struct str url, struct str receipt_handle, struct opt_int timeout_s)
{
    struct acknowledge_entry e = {.receipt_handle = receipt_handle, .timeout_s = timeout_s};
    return acknowledge_run(&(struct acknowledge){.c = c, .url = url, .entries = &e, .count = 1});
}

int
sqs_delete_message(struct call *c, const struct sqs_delete_message_request *in)
{
    return acknowledge_one(c, in->QueueUrl, in->ReceiptHandle, (struct opt_int){0});
}

int
sqs_change_message_visibility(struct call *c,
                              const struct sqs_change_message_visibility_request *in)
{
    return acknowledge_one(c, in->QueueUrl, in->ReceiptHandle,
                           OPT_INT(in->VisibilityTimeout.value));
}

// Runs a checked batch and lists what failed; the others' ids are left in ids, in order.
static int
acknowledge_batch(struct acknowledge *s, struct str *ids, size_t *succeeded,
                  struct sqs_batch_result_error_entry_list *failed)
{
    struct call *c = s->c;
    TRY(acknowledge_run(s));
    failed->items = arena_alloc_array(c->arena, s->count, sizeof(failed->items[0]));
    *succeeded = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->entries[i].fault.is_set) {
            c->fault = s->entries[i].fault;
            batch_fail(c, ids[i], failed);
        } else {
            ids[(*succeeded)++] = ids[i];
        }
    }
    return OK;
}

int
sqs_delete_message_batch(struct call *c, const struct sqs_delete_message_batch_request *in,
                         struct sqs_delete_message_batch_result *out)
{
    size_t count = in->Entries.count;
    struct str *ids = ARENA_ARRAY(c->arena, count, struct str);
    struct acknowledge s = {.c = c, .url = in->QueueUrl, .count = count, .is_batch = true};
    s.entries = ARENA_ARRAY(c->arena, count, struct acknowledge_entry);
    for (size_t i = 0; i < count; i++) {
        ids[i] = in->Entries.items[i].Id;
        s.entries[i].receipt_handle = in->Entries.items[i].ReceiptHandle;
    }
    TRY(batch_check(c, "DeleteMessageBatchRequestEntry", ids, count));
    TRY(acknowledge_batch(&s, ids, &out->Successful.count, &out->Failed));
    out->Successful.items = arena_alloc_array(c->arena, count, sizeof(out->Successful.items[0]));
    for (size_t i = 0; i < out->Successful.count; i++)
        out->Successful.items[i].Id = ids[i];
    return OK;
}

int
sqs_change_message_visibility_batch(struct call *c,
                                    const struct sqs_change_message_visibility_batch_request *in,
                                    struct sqs_change_message_visibility_batch_result *out)
{
    size_t count = in->Entries.count;
    struct str *ids = ARENA_ARRAY(c->arena, count, struct str);
    struct acknowledge s = {.c = c, .url = in->QueueUrl, .count = count, .is_batch = true};
    s.entries = ARENA_ARRAY(c->arena, count, struct acknowledge_entry);
    for (size_t i = 0; i < count; i++) {
        ids[i] = in->Entries.items[i].Id;
        s.entries[i].receipt_handle = in->Entries.items[i].ReceiptHandle;
        s.entries[i].timeout_s = OPT_INT(in->Entries.items[i].VisibilityTimeout.value);
    }
    TRY(batch_check(c, "ChangeMessageVisibilityBatchRequestEntry", ids, count));
    TRY(acknowledge_batch(&s, ids, &out->Successful.count, &out->Failed));
    out->Successful.items = arena_alloc_array(c->arena, count, sizeof(out->Successful.items[0]));
    for (size_t i = 0; i < out->Successful.count; i++)
        out->Successful.items[i].Id = ids[i];
    return OK;
}
