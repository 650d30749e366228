// Queues: their names and URLs, and how every other operation finds one.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/queue.h"

#include "services/sqs/listed.h"
#include "services/sqs/sqs_api.h"
#include "src/store/page_token.h"

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
    struct queue_name name = {q->place.account, q->place.region, q->name};
    struct arn arn = listed_arn(&name);
    return arn_print(a, &arn);
}

int
queue_arn_parse(struct str arn, struct queue_name *out)
{
    struct arn parts;
    TRY(arn_parse(arn, &parts));
    *out = (struct queue_name){parts.account, parts.region, parts.resource};
    bool is_of_sqs = str_eq(parts.partition, STR("aws")) && str_eq(parts.service, STR("sqs"));
    bool is_valid = is_of_sqs && out->region.len > 0 && out->account.len > 0;
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

static struct queue_name
name_of(struct arena *a, struct str queue_key)
{
    struct queue_name name;
    CHECK(key_queue_parse(a, queue_key, &name) == OK);
    return name;
}

static void
known_entries(struct arena *a, struct str key, const void *record, struct index_entries *out)
{
    struct queue_name name = name_of(a, key);
    index_add(out, key_known(a, &name));
}

static int
known_target(struct arena *a, struct str entry, struct str *key)
{
    struct queue_name name;
    TRY(key_known_parse(a, entry, &name));
    *key = key_queue(a, name.account, name.region, name.name);
    return OK;
}

static void
source_entries(struct arena *a, struct str key, const void *record, struct index_entries *out)
{
    const struct sqs_queue_record *r = record;
    struct queue_name name = name_of(a, key);
    if (r->dead_letter_name.len > 0)
        index_add(out, key_source(a, name.account, name.region, r->dead_letter_name, name.name));
}

static int
source_target(struct arena *a, struct str entry, struct str *key)
{
    struct queue_name source;
    TRY(key_source_parse(a, entry, &source));
    *key = key_queue(a, source.account, source.region, source.name);
    return OK;
}

static bool
is_queue_key(struct arena *a, struct str key)
{
    struct queue_name name;
    return key_queue_parse(a, key, &name) == OK;
}

static struct str
queue_label(struct arena *a, struct str key)
{
    return name_of(a, key).name;
}

static const struct index queue_indexes[] = {
    {"known", known_entries, known_target},
    {"source", source_entries, source_target},
};
const struct index *const queue_known = &queue_indexes[0];
const struct index *const queue_sources = &queue_indexes[1];

const struct indexed queue_indexed = {
    .type = &sqs_queue_record_type,
    .is_record = is_queue_key,
    .label = queue_label,
    .indexes = queue_indexes,
    .count = COUNT_OF(queue_indexes),
};

static struct str
queue_key(struct kv_txn *txn, const struct queue *q)
{
    return key_queue(kv_txn_arena(txn), q->place.account, q->place.region, q->name);
}

int
queue_set(struct kv_txn *txn, const struct queue *queue)
{
    struct sqs_queue_record record = queue->record;
    struct queue_name name = {queue->place.account, queue->place.region, queue->name};
    if (record.is_unlisted.value)
        TRY(listed_adopt(txn, &name, &record));
    record.is_unlisted = (struct opt_bool){0};
    return indexed_set(txn, &queue_indexed, queue_key(txn, queue), &record);
}

int
queue_del(struct kv_txn *txn, const struct queue *queue)
{
    struct queue_name name = {queue->place.account, queue->place.region, queue->name};
    TRY(listed_del(txn, &name));
    return indexed_del(txn, &queue_indexed, queue_key(txn, queue));
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
    struct lookup s = {.c = c, .name = own_queue_name(c, in->QueueName)};
    if (str_is_present(in->QueueOwnerAWSAccountId))
        s.name.account = in->QueueOwnerAWSAccountId;
    // AWS does not tell another account whether a queue exists unless its policy admits it.
    if (!str_eq(s.name.account, c->principal.account))
        return queue_missing(c);
    TRY(kv_run(c->kv, c->arena, lookup_body, &s));
    out->QueueUrl = queue_url(c, s.name.account, s.name.name);
    return OK;
}

static struct page_scope
page_scope_of(const struct call *c, const struct queue_page *p)
{
    return (struct page_scope){.account = c->principal.account,
                               .region = c->region,
                               .operation = c->operation_name,
                               .parameters = &p->chosen_by,
                               .parameter_count = 1};
}

int
queue_page_init(struct call *c, struct str chosen_by, struct opt_int results_max, struct str token,
                struct queue_page *out)
{
    *out =
        (struct queue_page){.chosen_by = chosen_by, .limit = QUEUES_PER_PAGE_MAX, .after = STR("")};
    struct page_scope scope = page_scope_of(c, out);
    if (results_max.is_present) {
        if (results_max.value < 1 || results_max.value > QUEUES_PER_PAGE_MAX)
            return fault(c, FAULT_INVALID_PARAMETER,
                         "Value %d for parameter MaxResults is invalid. Reason: Must be an integer "
                         "from 1 to 1000.",
                         results_max.value);
        out->limit = (size_t)results_max.value;
    }
    if (token.len > 0 &&
        page_token_decode(c->cloud->seal, &scope, token, 0, 0, c->arena, &out->after) != OK)
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
    struct page_scope scope = page_scope_of(c, p);
    if (!p->is_cut || !results_max.is_present)
        return (struct str){0};
    return page_token_encode(c->cloud->seal, &scope, p->last, clock_wall_ms(c->cloud->runtime),
                             c->arena);
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
    TRY(queue_page_init(c, s.prefix, in->MaxResults, in->NextToken, &s.page));
    TRY(kv_run(c->kv, c->arena, listing_body, &s));
    // AWS leaves the member out when there are no queues.
    if (s.page.count > 0)
        out->QueueUrls.items = s.page.urls;
    out->QueueUrls.count = s.page.count;
    out->NextToken = queue_page_token(c, &s.page, in->MaxResults);
    return OK;
}
