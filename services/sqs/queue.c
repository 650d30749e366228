// Queues: create, find, list, delete.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/queue.h"

#include "services/sqs/attributes.h"
#include "services/sqs/reaper.h"
#include "services/sqs/sqs.h"
#include "services/sqs/sqs_api.h"
#include "src/base/encoding.h"

static const struct str fifo_suffix = {".fifo", 5};

struct str
queue_url(const struct call *c, struct str account, struct str name)
{
    struct str host = call_host(c);
    return arena_print(c->arena, "http://" STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(host),
                       STR_ARG(account), STR_ARG(name));
}

int
queue_url_parse(struct call *c, struct str url, struct str *account, struct str *name)
{
    struct str path = url;
    ptrdiff_t scheme = str_find(url, STR("://"));
    struct str host;
    bool has_path =
        scheme >= 0 && str_cut(str_slice(url, (size_t)scheme + 3, url.len), '/', &host, &path);
    if (!has_path || !str_cut(path, '/', account, name) || name->len == 0 ||
        str_find_char(*name, '/') >= 0)
        return fault(c, SQS_INVALID_ADDRESS,
                     "The address " STR_FMT " is not valid for this endpoint.", STR_ARG(url));
    return OK;
}

int
queue_missing(struct call *c)
{
    if (c->protocol == WIRE_QUERY)
        return fault(c, SQS_QUEUE_DOES_NOT_EXIST,
                     "The specified queue does not exist for this wsdl version.");
    return fault(c, SQS_QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
}

static int
queue_read(struct kv_txn *txn, struct str account, struct str region, struct str name,
           struct queue *out)
{
    struct arena *a = kv_txn_arena(txn);
    TRY(record_get(txn, &sqs_queue_record_type, key_queue(a, account, region, name),
                   KV_SERIALIZABLE, &out->record));
    out->name = name;
    out->place = (struct place){account, region, out->record.generation};
    return OK;
}

int
queue_get(struct call *c, struct kv_txn *txn, struct str url, struct queue *out)
{
    struct str account = {0}, name = {0};
    TRY(queue_url_parse(c, url, &account, &name));
    if (!str_eq(account, c->principal.account))
        return fault(c, FAULT_ACCESS_DENIED, "Access to the resource " STR_FMT " is denied.",
                     STR_ARG(url));
    int code = queue_read(txn, account, c->region, name, out);
    return code == E_NOT_FOUND ? queue_missing(c) : code;
}

int
queue_set(struct kv_txn *txn, const struct queue *queue)
{
    const struct place *p = &queue->place;
    return record_set(txn, &sqs_queue_record_type,
                      key_queue(kv_txn_arena(txn), p->account, p->region, queue->name),
                      &queue->record);
}

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

// Creating a queue that is already there is no error when nothing that the caller gave differs.
static int
create_body(struct kv_txn *txn, void *arg)
{
    struct create *s = arg;
    struct queue queue;
    int code = queue_read(txn, s->c->principal.account, s->c->region, s->in->QueueName, &queue);
    if (code == OK)
        return attributes_compare(s->c, &s->in->Attributes, &s->wanted, &queue.record);
    if (code != E_NOT_FOUND)
        return code;
    queue.name = s->in->QueueName;
    queue.record = s->wanted;
    queue.place = (struct place){s->c->principal.account, s->c->region, s->wanted.generation};
    return queue_set(txn, &queue);
}

static struct str
generation_new(struct call *c)
{
    char *bytes = arena_alloc_bytes(c->arena, GENERATION_BYTES);
    random_bytes(c->cloud->runtime, bytes, GENERATION_BYTES);
    return (struct str){bytes, GENERATION_BYTES};
}

int
sqs_create_queue(struct call *c, const struct sqs_create_queue_request *in,
                 struct sqs_create_queue_result *out)
{
    struct create s = {.c = c, .in = in};
    if (in->tags.count > 0)
        return fault(c, FAULT_NOT_IMPLEMENTED,
                     "c10m does not implement the parameter tags of CreateQueue yet.");
    attributes_default(&s.wanted);
    TRY(attributes_apply(c, &in->Attributes, ATTRIBUTES_AT_CREATION, &s.wanted));
    TRY(name_check(c, in->QueueName, s.wanted.is_fifo.value));
    s.wanted.generation = generation_new(c);
    s.wanted.created_ms = s.wanted.modified_ms = OPT_LONG(call_now_ms(c));
    TRY(kv_run(c->kv, c->arena, create_body, &s));
    out->QueueUrl = queue_url(c, c->principal.account, in->QueueName);
    return OK;
}

struct lookup {
    struct call *c;
    struct str account;
    struct str name;
    struct str url;
    struct queue queue;
};

static int
lookup_body(struct kv_txn *txn, void *arg)
{
    struct lookup *s = arg;
    int code = queue_read(txn, s->account, s->c->region, s->name, &s->queue);
    return code == E_NOT_FOUND ? queue_missing(s->c) : code;
}

int
sqs_get_queue_url(struct call *c, const struct sqs_get_queue_url_request *in,
                  struct sqs_get_queue_url_result *out)
{
    struct lookup s = {.c = c, .account = c->principal.account, .name = in->QueueName};
    if (str_is_present(in->QueueOwnerAWSAccountId))
        s.account = in->QueueOwnerAWSAccountId;
    // AWS does not tell another account whether a queue exists unless its policy admits it.
    if (!str_eq(s.account, c->principal.account))
        return queue_missing(c);
    TRY(kv_run(c->kv, c->arena, lookup_body, &s));
    out->QueueUrl = queue_url(c, s.account, s.name);
    return OK;
}

struct listing {
    struct call *c;
    struct str prefix;
    struct str after;
    size_t limit;
    struct sqs_list_queues_result *out;
    struct str last;
    bool is_cut;
};

static int
listing_body(struct kv_txn *txn, void *arg)
{
    struct listing *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = s->limit + 1, .read = KV_SNAPSHOT};
    key_queue_range(a, s->c->principal.account, s->c->region, s->prefix, s->after, &range.from,
                    &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    s->out->QueueUrls.count = 0;
    s->is_cut = false;
    struct str key, value, name = {0};
    int code;
    while ((code = kv_iter_next(it, &key, &value)) == OK) {
        code = key_queue_name(a, key, &name);
        if (code != OK || !str_starts(name, s->prefix))
            break;
        s->is_cut = s->out->QueueUrls.count == s->limit;
        if (s->is_cut)
            break;
        s->out->QueueUrls.items[s->out->QueueUrls.count++] =
            queue_url(s->c, s->c->principal.account, name);
        s->last = name;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
listing_init(struct call *c, const struct sqs_list_queues_request *in, struct listing *s)
{
    s->limit = QUEUES_PER_PAGE_MAX;
    s->prefix = str_is_present(in->QueueNamePrefix) ? in->QueueNamePrefix : STR("");
    s->after = STR("");
    if (in->MaxResults.is_present) {
        if (in->MaxResults.value < 1 || in->MaxResults.value > QUEUES_PER_PAGE_MAX)
            return fault(c, FAULT_INVALID_PARAMETER,
                         "Value %d for parameter MaxResults is invalid. Reason: Must be an integer "
                         "from 1 to 1000.",
                         in->MaxResults.value);
        s->limit = (size_t)in->MaxResults.value;
    }
    if (in->NextToken.len > 0 && base64url_decode(c->arena, in->NextToken, &s->after) != OK)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value for parameter NextToken is invalid. Reason: it was not made by this "
                     "operation.");
    return OK;
}

int
sqs_list_queues(struct call *c, const struct sqs_list_queues_request *in,
                struct sqs_list_queues_result *out)
{
    struct listing s = {.c = c, .out = out};
    TRY(listing_init(c, in, &s));
    out->QueueUrls.items = ARENA_ARRAY(c->arena, s.limit, struct str);
    TRY(kv_run(c->kv, c->arena, listing_body, &s));
    // AWS leaves the member out when there are no queues.
    if (out->QueueUrls.count == 0)
        out->QueueUrls.items = NULL;
    if (s.is_cut && in->MaxResults.is_present) {
        struct buf token;
        buf_init(&token, c->arena, QUEUE_NAME_MAX * 2);
        base64url_encode(s.last, &token);
        out->NextToken = buf_str(&token);
    }
    return OK;
}

// Only the record goes; the messages become garbage that the reaper deletes in bounded batches.
static int
delete_body(struct kv_txn *txn, void *arg)
{
    struct lookup *s = arg;
    struct arena *a = kv_txn_arena(txn);
    TRY(queue_get(s->c, txn, s->url, &s->queue));
    const struct place *p = &s->queue.place;
    struct sqs_garbage_record garbage = {.account = p->account, .region = p->region};
    TRY(record_set(txn, &sqs_garbage_record_type, key_garbage(a, p->generation), &garbage));
    return kv_del(txn, key_queue(a, p->account, p->region, s->queue.name));
}

int
sqs_delete_queue(struct call *c, const struct sqs_delete_queue_request *in)
{
    struct lookup s = {.c = c, .url = in->QueueUrl};
    TRY(kv_run(c->kv, c->arena, delete_body, &s));
    heads_del(sqs_of(c)->heads, s.queue.place.generation);
    lot_wake(sqs_of(c)->receivers, s.queue.place.generation, SIZE_MAX);
    reaper_run(c);
    return OK;
}
