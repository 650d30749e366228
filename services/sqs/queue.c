// Queues: create, find, list.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/queue.h"

#include "services/sqs/attributes.h"
#include "services/sqs/redrive.h"
#include "services/sqs/tags.h"
#include "src/base/encoding.h"

static const struct str fifo_suffix = {".fifo", 5};

struct str
queue_url(const struct call *c, struct str account, struct str name)
{
    struct str endpoint = call_endpoint(c);
    return arena_print(c->arena, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(endpoint),
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

struct str
queue_arn(struct arena *a, const struct queue *q)
{
    return arena_print(a, "arn:aws:sqs:" STR_FMT ":" STR_FMT ":" STR_FMT, STR_ARG(q->place.region),
                       STR_ARG(q->place.account), STR_ARG(q->name));
}

int
queue_arn_parse(struct str arn, struct queue_name *out)
{
    const struct str prefix = STR("arn:aws:sqs:");
    struct str rest;
    if (!str_starts(arn, prefix) ||
        !str_cut(str_slice(arn, prefix.len, arn.len), ':', &out->region, &rest) ||
        !str_cut(rest, ':', &out->account, &out->name))
        return E_INVALID;
    bool is_valid = out->region.len > 0 && out->account.len > 0 && out->name.len > 0;
    return is_valid && str_find_char(out->name, ':') < 0 ? OK : E_INVALID;
}

int
queue_missing(struct call *c)
{
    if (c->protocol == WIRE_QUERY)
        return fault(c, SQS_QUEUE_DOES_NOT_EXIST,
                     "The specified queue does not exist for this wsdl version.");
    return fault(c, SQS_QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
}

int
queue_find(struct kv_txn *txn, struct data_keys *keys, const struct queue_name *name,
           struct queue *out)
{
    struct arena *a = kv_txn_arena(txn);
    TRY(record_get(txn, &sqs_queue_record_type,
                   key_queue(a, name->account, name->region, name->name), KV_SERIALIZABLE,
                   &out->record));
    out->name = name->name;
    out->place = (struct place){name->account, name->region, out->record.generation};
    out->keys = keys;
    return OK;
}

int
queue_get(struct call *c, struct kv_txn *txn, struct str url, struct queue *out)
{
    struct queue_name name = {.region = c->region};
    TRY(queue_url_parse(c, url, &name.account, &name.name));
    int code = queue_find(txn, c->cloud->data_keys, &name, out);
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

struct str
generation_new(struct call *c)
{
    char *bytes = arena_alloc_bytes(c->arena, GENERATION_BYTES);
    random_bytes(c->cloud->runtime, bytes, GENERATION_BYTES);
    return (struct str){bytes, GENERATION_BYTES};
}

static struct queue_name
name_of(const struct call *c, struct str name)
{
    return (struct queue_name){c->principal.account, c->region, name};
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
    struct queue_name name = name_of(s->c, s->in->QueueName);
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
    TRY(redrive_index(txn, &queue, (struct str){0}));
    TRY(tags_add(s->c, txn, &queue, &s->in->tags));
    TRY(kv_set(txn, key_known(kv_txn_arena(txn), &name), STR("")));
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

struct lookup {
    struct call *c;
    struct queue_name name;
};

static int
lookup_body(struct kv_txn *txn, void *arg)
{
    struct lookup *s = arg;
    struct queue queue;
    int code = queue_find(txn, NULL, &s->name, &queue);
    return code == E_NOT_FOUND ? queue_missing(s->c) : code;
}

int
sqs_get_queue_url(struct call *c, const struct sqs_get_queue_url_request *in,
                  struct sqs_get_queue_url_result *out)
{
    struct lookup s = {.c = c, .name = name_of(c, in->QueueName)};
    if (str_is_present(in->QueueOwnerAWSAccountId))
        s.name.account = in->QueueOwnerAWSAccountId;
    // AWS does not tell another account whether a queue exists unless its policy admits it.
    if (!str_eq(s.name.account, c->principal.account))
        return queue_missing(c);
    TRY(kv_run(c->kv, c->arena, lookup_body, &s));
    out->QueueUrl = queue_url(c, s.name.account, s.name.name);
    return OK;
}

int
queue_page_init(struct call *c, struct opt_int results_max, struct str token,
                struct queue_page *out)
{
    *out = (struct queue_page){.limit = QUEUES_PER_PAGE_MAX, .after = STR("")};
    if (results_max.is_present) {
        if (results_max.value < 1 || results_max.value > QUEUES_PER_PAGE_MAX)
            return fault(c, FAULT_INVALID_PARAMETER,
                         "Value %d for parameter MaxResults is invalid. Reason: Must be an integer "
                         "from 1 to 1000.",
                         results_max.value);
        out->limit = (size_t)results_max.value;
    }
    if (token.len > 0 && base64url_decode(c->arena, token, &out->after) != OK)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value for parameter NextToken is invalid. Reason: it was not made by this "
                     "operation.");
    out->urls = ARENA_ARRAY(c->arena, out->limit, struct str);
    return OK;
}

bool
queue_page_add(struct call *c, struct queue_page *p, struct str name)
{
    p->is_cut = p->count == p->limit;
    if (p->is_cut)
        return false;
    p->urls[p->count++] = queue_url(c, c->principal.account, name);
    p->last = name;
    return true;
}

struct str
queue_page_token(struct call *c, const struct queue_page *p, struct opt_int results_max)
{
    struct buf token;
    if (!p->is_cut || !results_max.is_present)
        return (struct str){0};
    buf_init(&token, c->arena, QUEUE_NAME_MAX * 2);
    base64url_encode(p->last, &token);
    return buf_str(&token);
}

struct listing {
    struct call *c;
    struct str prefix;
    struct queue_page page;
};

static int
listing_body(struct kv_txn *txn, void *arg)
{
    struct listing *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = s->page.limit + 1, .read = KV_SNAPSHOT};
    key_queue_range(a, s->c->principal.account, s->c->region, s->prefix, s->page.after, &range.from,
                    &range.to);
    struct kv_iter *it;
    TRY(kv_range_open(txn, &range, &it));
    s->page.count = 0;
    s->page.is_cut = false;
    struct str key, value, name = {0};
    int code;
    while ((code = kv_iter_next(it, &key, &value)) == OK) {
        code = key_queue_name(a, key, &name);
        if (code != OK || !str_starts(name, s->prefix) || !queue_page_add(s->c, &s->page, name))
            break;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

int
sqs_list_queues(struct call *c, const struct sqs_list_queues_request *in,
                struct sqs_list_queues_result *out)
{
    struct listing s = {.c = c};
    s.prefix = str_is_present(in->QueueNamePrefix) ? in->QueueNamePrefix : STR("");
    TRY(queue_page_init(c, in->MaxResults, in->NextToken, &s.page));
    TRY(kv_run(c->kv, c->arena, listing_body, &s));
    // AWS leaves the member out when there are no queues.
    if (s.page.count > 0)
        out->QueueUrls.items = s.page.urls;
    out->QueueUrls.count = s.page.count;
    out->NextToken = queue_page_token(c, &s.page, in->MaxResults);
    return OK;
}
