// SendMessage and SendMessageBatch.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/batch.h"
#include "services/sqs/fifo.h"
#include "services/sqs/measure.h"
#include "services/sqs/message.h"
#include "services/sqs/sqs.h"
#include "services/sqs/standard.h"

struct send_entry {
    struct message message;
    struct fault fault; // of this entry alone
    struct message_id id;
    int64_t due_ms;
    struct sequence sequence; // FIFO only
    bool is_duplicate;
    struct send_entry *same; // an earlier entry of the batch with the same deduplication id
};

struct send {
    struct call *c;
    struct str url;
    struct send_entry *entries;
    size_t count;
    bool is_batch;
    struct queue queue;
};

// What cannot be seen in the store yet: entries of one batch that deduplicate each other.
static struct send_entry *
same_before(const struct send *s, const struct send_entry *e)
{
    const struct sqs_message_record *m = &e->message.record;
    for (struct send_entry *other = s->entries; other < e; other++) {
        const struct sqs_message_record *o = &other->message.record;
        if (!other->fault.is_set && str_eq(o->deduplication_id, m->deduplication_id) &&
            (!s->queue.record.deduplicates_per_group.value || str_eq(o->group_id, m->group_id)))
            return other;
    }
    return NULL;
}

static int
entry_put_fifo(struct kv_txn *txn, struct send *s, struct send_entry *e)
{
    e->same = same_before(s, e);
    if (e->same)
        return OK;
    return fifo_put(txn, &s->queue, &e->id, &e->message.record, e->due_ms,
                    (uint16_t)(e - s->entries), &e->is_duplicate, &e->sequence);
}

static int
entry_put(struct kv_txn *txn, struct send *s, struct send_entry *e)
{
    struct call *c = s->c;
    TRY(message_check(c, &s->queue, &e->message));
    int64_t delay_s =
        e->message.delay_s.is_present ? e->message.delay_s.value : s->queue.record.delay_s.value;
    e->due_ms = e->message.record.sent_ms.value + delay_s * 1000;
    e->id = message_id_new(c->cloud->runtime);
    if (s->queue.record.is_fifo.value)
        return entry_put_fifo(txn, s, e);
    return standard_put(txn, &s->queue, &e->id, &e->message.record, e->due_ms, NULL);
}

static int
batch_bytes_check(struct send *s)
{
    size_t bytes = 0;
    for (size_t i = 0; i < s->count; i++)
        bytes += s->entries[i].message.bytes;
    if (s->is_batch && bytes > BATCH_BYTES_MAX)
        return fault(s->c, SQS_BATCH_REQUEST_TOO_LONG,
                     "Batch requests cannot be longer than %d bytes. You have sent %zu bytes.",
                     BATCH_BYTES_MAX, bytes);
    return OK;
}

// One transaction for the whole batch. An entry with a fault of its own does not keep the others
// back.
static int
send_body(struct kv_txn *txn, void *arg)
{
    struct send *s = arg;
    TRY(queue_get(s->c, txn, s->url, &s->queue));
    for (size_t i = 0; i < s->count; i++) {
        struct send_entry *e = &s->entries[i];
        e->fault = (struct fault){0};
        int code = entry_put(txn, s, e);
        if (code == E_FAULT && s->is_batch) {
            e->fault = s->c->fault;
            s->c->fault = (struct fault){0};
        } else if (code != OK) {
            return code;
        }
    }
    return batch_bytes_check(s);
}

static void
entry_finish_fifo(struct send_entry *e, const struct kv_stamp *stamp, size_t index)
{
    if (e->same) {
        e->id = e->same->id;
        e->sequence = e->same->sequence;
    } else if (!e->is_duplicate) {
        e->sequence = sequence_of(stamp, (uint16_t)index);
    }
}

static int32_t
entry_share(const struct send_entry *e)
{
    struct str group_id = e->message.record.group_id;
    return str_is_present(group_id) ? share_of(group_id) : 0;
}

static void
send_announce(struct send *s, size_t sent)
{
    struct sqs *sqs = sqs_of(s->c);
    struct str generation = s->queue.place.generation;
    if (!s->queue.record.is_fifo.value) {
        struct head *h = heads_ref(sqs->heads, generation);
        for (size_t i = 0; i < s->count; i++) {
            const struct send_entry *e = &s->entries[i];
            struct head_entry entry = due_entry(e->due_ms, &e->id, entry_share(e));
            if (!e->fault.is_set)
                head_add(h, &entry);
        }
        head_unref(sqs->heads, h);
    }
    lot_wake(sqs->receivers, generation, sent);
}

static int
send_run(struct send *s)
{
    struct kv_stamp stamp;
    size_t sent = 0, known = 0;
    TRY(kv_run_stamped(s->c->kv, s->c->arena, send_body, s, &stamp));
    for (size_t i = 0; i < s->count; i++) {
        if (s->entries[i].fault.is_set)
            continue;
        sent++;
        known += s->entries[i].is_duplicate || s->entries[i].same != NULL;
        if (s->queue.record.is_fifo.value)
            entry_finish_fifo(&s->entries[i], &stamp, i);
    }
    measure_deduplicated(s->c, s->url, known);
    send_announce(s, sent);
    return OK;
}

static struct str
entry_sequence(const struct send *s, const struct send_entry *e)
{
    if (!s->queue.record.is_fifo.value)
        return (struct str){0};
    return sequence_print(s->c->arena, &e->sequence);
}

int
sqs_send_message(struct call *c, const struct sqs_send_message_request *in,
                 struct sqs_send_message_result *out)
{
    struct send_entry e = {.message = {
                               .body = in->MessageBody,
                               .group_id = in->MessageGroupId,
                               .deduplication_id = in->MessageDeduplicationId,
                               .delay_s = in->DelaySeconds,
                               .attributes = &in->MessageAttributes,
                               .system_attributes = &in->MessageSystemAttributes,
                           }};
    struct send s = {.c = c, .url = in->QueueUrl, .entries = &e, .count = 1};
    TRY(send_run(&s));
    out->MessageId = message_id_print(c->arena, &e.id);
    out->MD5OfMessageBody = message_body_md5(c->arena, in->MessageBody);
    out->MD5OfMessageAttributes = message_attributes_md5(c->arena, &e.message.record.attributes);
    out->MD5OfMessageSystemAttributes = message_system_md5(c->arena, e.message.record.trace_header);
    out->SequenceNumber = entry_sequence(&s, &e);
    return OK;
}

static void
batch_read(const struct sqs_send_message_batch_request *in, struct send_entry *entries,
           struct str *ids)
{
    for (size_t i = 0; i < in->Entries.count; i++) {
        const struct sqs_send_message_batch_request_entry *from = &in->Entries.items[i];
        ids[i] = from->Id;
        entries[i].message = (struct message){
            .body = from->MessageBody,
            .group_id = from->MessageGroupId,
            .deduplication_id = from->MessageDeduplicationId,
            .delay_s = from->DelaySeconds,
            .attributes = &from->MessageAttributes,
            .system_attributes = &from->MessageSystemAttributes,
        };
    }
}

static struct sqs_send_message_batch_result_entry
batch_result(const struct send *s, struct send_entry *e, struct str id)
{
    struct arena *a = s->c->arena;
    return (struct sqs_send_message_batch_result_entry){
        .Id = id,
        .MessageId = message_id_print(a, &e->id),
        .MD5OfMessageBody = message_body_md5(a, e->message.body),
        .MD5OfMessageAttributes = message_attributes_md5(a, &e->message.record.attributes),
        .MD5OfMessageSystemAttributes = message_system_md5(a, e->message.record.trace_header),
        .SequenceNumber = entry_sequence(s, e),
    };
}

int
sqs_send_message_batch(struct call *c, const struct sqs_send_message_batch_request *in,
                       struct sqs_send_message_batch_result *out)
{
    size_t count = in->Entries.count;
    struct str *ids = ARENA_ARRAY(c->arena, count, struct str);
    struct send_entry *entries = ARENA_ARRAY(c->arena, count, struct send_entry);
    batch_read(in, entries, ids);
    TRY(batch_check(c, "SendMessageBatchRequestEntry", ids, count));
    struct send s = {
        .c = c, .url = in->QueueUrl, .entries = entries, .count = count, .is_batch = true};
    TRY(send_run(&s));
    out->Successful.items = arena_alloc_array(c->arena, count, sizeof(out->Successful.items[0]));
    out->Failed.items = arena_alloc_array(c->arena, count, sizeof(out->Failed.items[0]));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].fault.is_set) {
            c->fault = entries[i].fault;
            batch_fail(c, ids[i], &out->Failed);
        } else {
            out->Successful.items[out->Successful.count++] = batch_result(&s, &entries[i], ids[i]);
        }
    }
    return OK;
}
