// CreateQueue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/attributes.h"
#include "services/sqs/queue.h"
#include "services/sqs/redrive.h"
#include "services/sqs/tags.h"

static const struct str fifo_suffix = {".fifo", 5};

static bool
is_name_char(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '-' || ch == '_';
}

static int
name_check(struct call *c, struct str name, bool is_fifo)
{
    struct str stem = name;
    if (is_fifo && str_ends(name, fifo_suffix))
        stem.len -= fifo_suffix.len;
    else if (is_fifo)
        return fault(
            c, FAULT_INVALID_PARAMETER,
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
            "underscores, must end with .fifo suffix and be 1 to 80 in length");
    bool is_valid = stem.len > 0 && name.len <= QUEUE_NAME_MAX;
    for (size_t i = 0; i < stem.len; i++)
        is_valid = is_valid && is_name_char(stem.ptr[i]);
    if (!is_valid)
        return fault(
            c, FAULT_INVALID_PARAMETER,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
            "length");
    return OK;
}

struct create {
    struct call *c;
    const struct sqs_create_queue_request *in;
    struct sqs_queue_record wanted;
};

// A random one.
static struct str
generation_new(struct call *c)
{
    char *bytes = arena_alloc_bytes(c->arena, GENERATION_BYTES);
    random_bytes(c->cloud->runtime, bytes, GENERATION_BYTES);
    return (struct str){bytes, GENERATION_BYTES};
}

static int
recent_check(struct call *c, struct kv_txn *txn, const struct queue_name *name)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_deleted_record deleted;
    int code =
        record_get(txn, &sqs_deleted_record_type, key_deleted(a, name), KV_SERIALIZABLE, &deleted);
    if (code == OK && deleted.until_ms.value > call_now_ms(c))
        return fault(c, SQS_QUEUE_DELETED_RECENTLY,
                     "You must wait 60 seconds after deleting a queue before you can create "
                     "another with the same name.");
    return code == E_NOT_FOUND ? OK : code;
}

// Creating a queue that is already there is no error when nothing that the caller gave differs.
static int
create_body(struct kv_txn *txn, void *arg)
{
    struct create *s = arg;
    struct queue queue;
    struct queue_name name = own_queue_name(s->c, s->in->QueueName);
    int code = queue_find(txn, NULL, &name, &queue);
    if (code == OK)
        return attributes_compare(s->c, &s->in->Attributes, &s->wanted, &queue.record);
    if (code != E_NOT_FOUND)
        return code;
    TRY(recent_check(s->c, txn, &name));
    queue.name = s->in->QueueName;
    queue.record = s->wanted;
    queue.place = (struct place){name.account, name.region, s->wanted.generation};
    TRY(redrive_check(s->c, txn, &queue, &s->in->Attributes));
    TRY(tags_add(s->c, txn, &queue, &s->in->tags));
    return queue_set(txn, &queue);
}

int
sqs_create_queue(struct call *c, const struct sqs_create_queue_request *in,
                 struct sqs_create_queue_result *out)
{
    struct create s = {.c = c, .in = in};
    attributes_default(&s.wanted);
    TRY(attributes_apply(c, &in->Attributes, ATTRIBUTES_AT_CREATION, &s.wanted));
    TRY(name_check(c, in->QueueName, s.wanted.is_fifo.value));
    TRY(tags_check(c, &in->tags));
    s.wanted.generation = generation_new(c);
    s.wanted.data_key = data_key_new(c->cloud->data_keys, queue_id(&s.wanted), c->arena);
    s.wanted.created_ms = s.wanted.modified_ms = OPT_LONG(call_now_ms(c));
    TRY(kv_run(c->kv, c->arena, create_body, &s));
    out->QueueUrl = queue_url(c, c->principal.account, in->QueueName);
    return OK;
}
