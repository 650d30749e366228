// Dead-letter queues: the policies that name them, and the move when a message was received too
// often.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/redrive.h"

#include "src/wire/json.h"

enum { JSON_DEPTH_MAX = 8 };

struct policy {
    struct str target_arn;
    struct str receives_max; // as given: a number, or a text that is one
    struct str permission;
    struct str sources[REDRIVE_SOURCES_MAX];
    size_t source_count;
};

static int
policy_invalid(struct call *c, const char *parameter, struct str value, const char *reason)
{
    return fault(c, FAULT_INVALID_PARAMETER,
                 "Value " STR_FMT " for parameter %s is invalid. Reason: %s", STR_ARG(value),
                 parameter, reason);
}

// E_LIMIT: too many.
static int
sources_read(struct json_reader *r, struct policy *out)
{
    bool more;
    TRY(json_array_begin(r));
    for (;;) {
        TRY(json_array_next(r, &more));
        if (!more)
            return OK;
        if (out->source_count == REDRIVE_SOURCES_MAX)
            return E_LIMIT;
        TRY(json_read_string(r, &out->sources[out->source_count++]));
    }
}

static int
member_read(struct json_reader *r, struct str key, struct policy *out)
{
    if (str_eq(key, STR("deadLetterTargetArn")))
        return json_read_string(r, &out->target_arn);
    if (str_eq(key, STR("maxReceiveCount")))
        return json_peek(r) == JSON_STRING ? json_read_string(r, &out->receives_max)
                                           : json_read_number(r, &out->receives_max);
    if (str_eq(key, STR("redrivePermission")))
        return json_read_string(r, &out->permission);
    if (str_eq(key, STR("sourceQueueArns")))
        return sources_read(r, out);
    return json_skip(r);
}

// Both policies: their members have different names.
static int
policy_read(struct arena *a, struct str value, struct policy *out)
{
    struct json_reader r;
    struct str key;
    bool more;
    *out = (struct policy){0};
    json_reader_init(&r, value, a, JSON_DEPTH_MAX);
    TRY(json_object_begin(&r));
    for (;;) {
        TRY(json_object_next(&r, &more, &key));
        if (!more)
            return json_end(&r);
        TRY(member_read(&r, key, out));
    }
}

static int
receives_read(struct call *c, struct str value, const struct policy *p, int64_t *out)
{
    *out = RECEIVES_DEFAULT;
    if (!str_is_present(p->receives_max))
        return OK;
    if (str_to_int64(p->receives_max, out) == OK && *out >= 1 && *out <= RECEIVES_MAX)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER,
                 "Value " STR_FMT " for parameter RedrivePolicy is invalid. Reason: Invalid value "
                 "for maxReceiveCount: " STR_FMT
                 ", valid values are from 1 to 1000 both inclusive.",
                 STR_ARG(value), STR_ARG(p->receives_max));
}

static struct str
redrive_print(struct arena *a, struct str target_arn, int64_t receives_max)
{
    struct buf b;
    buf_init(&b, a, 128);
    buf_put(&b, STR("{\"deadLetterTargetArn\":"));
    json_put_string(&b, target_arn);
    buf_print(&b, ",\"maxReceiveCount\":%lld}", (long long)receives_max);
    return buf_str(&b);
}

// Of {} AWS misses the count first (ansible-collections/community.aws#2321), though the reference
// has a default for it.
static int
target_missing(struct call *c, struct str value, const struct policy *p)
{
    return policy_invalid(c, "RedrivePolicy", value,
                          str_is_present(p->receives_max)
                              ? "Redrive policy does not contain mandatory attribute: "
                                "deadLetterTargetArn."
                              : "Redrive policy does not contain mandatory attribute: "
                                "maxReceiveCount.");
}

int
redrive_apply(struct call *c, struct str value, struct sqs_queue_record *record)
{
    struct policy p;
    struct queue_name target;
    int64_t receives_max;
    record->redrive_policy = record->dead_letter_name = (struct str){0};
    record->receives_max = (struct opt_int){0};
    if (value.len == 0)
        return OK;
    if (policy_read(c->arena, value, &p) != OK)
        return policy_invalid(c, "RedrivePolicy", value, "Redrive policy is not a valid JSON map.");
    if (!str_is_present(p.target_arn))
        return target_missing(c, value, &p);
    TRY(receives_read(c, value, &p, &receives_max));
    if (queue_arn_parse(p.target_arn, &target) != OK)
        return policy_invalid(c, "RedrivePolicy", value, "Invalid value for deadLetterTargetArn.");
    if (!str_eq(target.account, c->principal.account) || !str_eq(target.region, c->region))
        return policy_invalid(c, "RedrivePolicy", value,
                              "Dead letter target must be in the same account and Region as the "
                              "source.");
    record->redrive_policy = redrive_print(c->arena, p.target_arn, receives_max);
    record->dead_letter_name = target.name;
    record->receives_max = OPT_INT((int32_t)receives_max);
    return OK;
}

static struct str
allow_print(struct arena *a, const struct policy *p)
{
    struct buf b;
    buf_init(&b, a, 128);
    buf_put(&b, STR("{\"redrivePermission\":"));
    json_put_string(&b, p->permission);
    for (size_t i = 0; i < p->source_count; i++) {
        buf_put(&b, i == 0 ? STR(",\"sourceQueueArns\":[") : STR(","));
        json_put_string(&b, p->sources[i]);
    }
    buf_put(&b, p->source_count > 0 ? STR("]}") : STR("}"));
    return buf_str(&b);
}

static const char *
allow_problem(const struct policy *p)
{
    struct queue_name name;
    bool is_by_queue = str_eq(p->permission, STR("byQueue"));
    if (!str_is_present(p->permission))
        return "Redrive allow policy does not contain mandatory attribute: redrivePermission.";
    if (!is_by_queue && !str_eq(p->permission, STR("allowAll")) &&
        !str_eq(p->permission, STR("denyAll")))
        return "Invalid value for redrivePermission, valid values are allowAll, denyAll and "
               "byQueue.";
    if (is_by_queue != (p->source_count > 0))
        return "sourceQueueArns must be given when redrivePermission is byQueue, and only then.";
    for (size_t i = 0; i < p->source_count; i++)
        if (queue_arn_parse(p->sources[i], &name) != OK)
            return "Invalid value for sourceQueueArns.";
    return NULL;
}

int
redrive_allow_apply(struct call *c, struct str value, struct sqs_queue_record *record)
{
    struct policy p;
    record->redrive_allow_policy = (struct str){0};
    if (value.len == 0)
        return OK;
    int code = policy_read(c->arena, value, &p);
    const char *problem = code == E_LIMIT ? "sourceQueueArns can hold up to 10 ARNs."
                          : code != OK    ? "Redrive allow policy is not a valid JSON map."
                                          : allow_problem(&p);
    if (problem)
        return policy_invalid(c, "RedriveAllowPolicy", value, problem);
    record->redrive_allow_policy = allow_print(c->arena, &p);
    return OK;
}

// Whether the dead-letter queue's own policy lets this source use it.
static int
is_allowed(struct arena *a, const struct queue *target, const struct queue *source, bool *out)
{
    struct policy p;
    *out = true;
    if (!str_is_present(target->record.redrive_allow_policy))
        return OK;
    TRY(policy_read(a, target->record.redrive_allow_policy, &p));
    *out = str_eq(p.permission, STR("allowAll"));
    for (size_t i = 0; i < p.source_count; i++)
        *out = *out || str_eq(p.sources[i], queue_arn(a, source));
    return OK;
}

static struct str
given_policy(const struct sqs_queue_attribute_map *given)
{
    for (size_t i = 0; i < given->count; i++)
        if (str_eq(given->items[i].key, STR("RedrivePolicy")))
            return given->items[i].value;
    return (struct str){0};
}

static int
dead_letter_find(struct kv_txn *txn, const struct queue *q, struct queue *out)
{
    struct queue_name name = {q->place.account, q->place.region, q->record.dead_letter_name};
    return queue_find(txn, q->keys, &name, out);
}

int
redrive_check(struct call *c, struct kv_txn *txn, const struct queue *q,
              const struct sqs_queue_attribute_map *given)
{
    struct queue target;
    bool allows;
    struct str value = given_policy(given);
    if (value.len == 0)
        return OK;
    if (str_eq(q->record.dead_letter_name, q->name))
        return policy_invalid(c, "RedrivePolicy", value,
                              "Dead letter target must not be the source queue itself.");
    int code = dead_letter_find(txn, q, &target);
    if (code == E_NOT_FOUND)
        return policy_invalid(c, "RedrivePolicy", value, "Dead letter target does not exist.");
    TRY(code);
    if (target.record.is_fifo.value != q->record.is_fifo.value)
        return policy_invalid(c, "RedrivePolicy", value,
                              "Dead-letter queue must be same type of queue as the source.");
    TRY(is_allowed(kv_txn_arena(txn), &target, q, &allows));
    if (!allows)
        return policy_invalid(c, "RedrivePolicy", value,
                              "The RedriveAllowPolicy of the dead letter target does not allow "
                              "this source queue.");
    return OK;
}

int
redrive_is_dead_letter(struct kv_txn *txn, const struct queue *q, bool *out)
{
    struct kv_range range = {.limit = 1};
    struct kv_iter *it;
    struct str key, value;
    key_source_range(kv_txn_arena(txn), q->place.account, q->place.region, q->name, &range.from,
                     &range.to);
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &key, &value);
    kv_iter_close(it);
    *out = code == OK;
    return code == E_NOT_FOUND ? OK : code;
}

int
redrive_target(struct kv_txn *txn, const struct queue *q, int32_t receive_count, struct queue *out)
{
    if (!q->record.receives_max.is_present || receive_count < q->record.receives_max.value)
        return E_NOT_FOUND;
    TRY(dead_letter_find(txn, q, out));
    // A queue of that name was made again, as another type.
    return out->record.is_fifo.value == q->record.is_fifo.value ? OK : E_NOT_FOUND;
}

struct sources {
    struct call *c;
    struct str url;
    struct queue_page page;
};

static int
sources_body(struct kv_txn *txn, void *arg)
{
    struct sources *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct index_page found = {.after = s->page.after, .limit = s->page.limit};
    struct queue q;
    struct queue_name source;
    TRY(queue_get(s->c, txn, s->url, &q));
    key_source_range(a, q.place.account, q.place.region, q.name, &found.from, &found.to);
    TRY(index_page_read(txn, queue_sources, &found));
    s->page.count = 0;
    for (size_t i = 0; i < found.count; i++) {
        TRY(key_queue_parse(a, found.targets[i], &source));
        CHECK(queue_page_add(s->c, &s->page, source.name));
    }
    s->page.is_cut = str_is_present(found.next);
    s->page.last = found.next;
    return OK;
}

int
sqs_list_dead_letter_source_queues(struct call *c,
                                   const struct sqs_list_dead_letter_source_queues_request *in,
                                   struct sqs_list_dead_letter_source_queues_result *out)
{
    struct sources s = {.c = c, .url = in->QueueUrl};
    TRY(queue_page_init(c, s.url, in->MaxResults, in->NextToken, &s.page));
    TRY(kv_run(c->kv, c->arena, sources_body, &s));
    // Unlike QueueUrls of ListQueues, this member is required.
    out->queueUrls.items = s.page.urls;
    out->queueUrls.count = s.page.count;
    out->NextToken = queue_page_token(c, &s.page, in->MaxResults);
    return OK;
}
