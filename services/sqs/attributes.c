// Queue attributes: names, limits, defaults.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/attributes.h"

#include "services/sqs/counts.h"
#include "services/sqs/policy.h"
#include "services/sqs/redrive.h"

enum attribute_kind {
    ATTRIBUTE_NUMBER,  // an integer within limits
    ATTRIBUTE_FLAG,    // "true" or "false"
    ATTRIBUTE_CHOICE,  // one of two words, kept as a flag
    ATTRIBUTE_FIFO,    // FifoQueue: only "true", only at creation
    ATTRIBUTE_COUNT,   // computed from the messages
    ATTRIBUTE_TIME,    // seconds since 1970, read only
    ATTRIBUTE_ARN,     // read only
    ATTRIBUTE_JSON,    // a document with a syntax of its own; absent unless it was set
    ATTRIBUTE_UNBUILT, // refused by name unless it asks for what is so anyway
};

struct attribute {
    const char *name;
    enum attribute_kind kind;
    size_t offset; // in struct sqs_queue_record, or in struct counts
    int64_t min;
    int64_t max;
    int64_t initial;
    bool is_fifo_only;
    const char *no; // the words of a flag or choice
    const char *yes;
    // Checks a document and puts it into the record.
    int (*apply)(struct call *c, struct str value, struct sqs_queue_record *record);
};

#define IN_RECORD(member) offsetof(struct sqs_queue_record, member)
#define IN_COUNTS(member) offsetof(struct counts, member)

static const struct attribute attributes[] = {
    {"VisibilityTimeout", ATTRIBUTE_NUMBER, IN_RECORD(visibility_timeout_s), 0, 43200, 30},
    {"MaximumMessageSize", ATTRIBUTE_NUMBER, IN_RECORD(message_bytes_max), 1024, 1048576, 1048576},
    {"MessageRetentionPeriod", ATTRIBUTE_NUMBER, IN_RECORD(retention_s), 60, 1209600, 345600},
    {"DelaySeconds", ATTRIBUTE_NUMBER, IN_RECORD(delay_s), 0, 900, 0},
    {"ReceiveMessageWaitTimeSeconds", ATTRIBUTE_NUMBER, IN_RECORD(wait_s), 0, 20, 0},
    {"ApproximateNumberOfMessages", ATTRIBUTE_COUNT, IN_COUNTS(visible)},
    {"ApproximateNumberOfMessagesNotVisible", ATTRIBUTE_COUNT, IN_COUNTS(in_flight)},
    {"ApproximateNumberOfMessagesDelayed", ATTRIBUTE_COUNT, IN_COUNTS(delayed)},
    {"CreatedTimestamp", ATTRIBUTE_TIME, IN_RECORD(created_ms)},
    {"LastModifiedTimestamp", ATTRIBUTE_TIME, IN_RECORD(modified_ms)},
    {"QueueArn", ATTRIBUTE_ARN, 0},
    {"FifoQueue", ATTRIBUTE_FIFO, IN_RECORD(is_fifo), .is_fifo_only = true, .yes = "true"},
    {"ContentBasedDeduplication", ATTRIBUTE_FLAG, IN_RECORD(deduplicates_content),
     .is_fifo_only = true, .no = "false", .yes = "true"},
    {"DeduplicationScope", ATTRIBUTE_CHOICE, IN_RECORD(deduplicates_per_group),
     .is_fifo_only = true, .no = "queue", .yes = "messageGroup"},
    {"FifoThroughputLimit", ATTRIBUTE_CHOICE, IN_RECORD(limits_throughput_per_group),
     .is_fifo_only = true, .no = "perQueue", .yes = "perMessageGroupId"},
    {"SqsManagedSseEnabled", ATTRIBUTE_FLAG, IN_RECORD(seals_bodies), .initial = true,
     .no = "false", .yes = "true"},
    {"Policy", ATTRIBUTE_JSON, IN_RECORD(policy), .apply = policy_apply},
    {"RedrivePolicy", ATTRIBUTE_JSON, IN_RECORD(redrive_policy), .apply = redrive_apply},
    {"RedriveAllowPolicy", ATTRIBUTE_JSON, IN_RECORD(redrive_allow_policy),
     .apply = redrive_allow_apply},
    {"KmsMasterKeyId", ATTRIBUTE_UNBUILT, .no = ""},
    {"KmsDataKeyReusePeriodSeconds", ATTRIBUTE_UNBUILT, .no = ""},
};

static const struct attribute *
attribute_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(attributes); i++)
        if (str_eq(str_of(attributes[i].name), name))
            return &attributes[i];
    return NULL;
}

static struct opt_long *
number_of(const struct attribute *at, const struct sqs_queue_record *record)
{
    return (struct opt_long *)((char *)record + at->offset);
}

static struct opt_bool *
flag_of(const struct attribute *at, const struct sqs_queue_record *record)
{
    return (struct opt_bool *)((char *)record + at->offset);
}

static struct str *
text_of(const struct attribute *at, const struct sqs_queue_record *record)
{
    return (struct str *)((char *)record + at->offset);
}

static int
attribute_unknown(struct call *c, struct str name)
{
    return fault(c, SQS_INVALID_ATTRIBUTE_NAME, "Unknown Attribute " STR_FMT ".", STR_ARG(name));
}

static int
value_invalid(struct call *c, const struct attribute *at)
{
    return fault(c, SQS_INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.", at->name);
}

static int
number_apply(struct call *c, const struct attribute *at, struct str value,
             struct sqs_queue_record *record)
{
    int64_t number;
    if (str_to_int64(value, &number) != OK || number < at->min || number > at->max)
        return value_invalid(c, at);
    *number_of(at, record) = OPT_LONG(number);
    return OK;
}

static int
flag_apply(struct call *c, const struct attribute *at, struct str value,
           struct sqs_queue_record *record)
{
    bool is_yes = str_eq_nocase(value, str_of(at->yes));
    if (!is_yes && !str_eq_nocase(value, str_of(at->no)))
        return value_invalid(c, at);
    *flag_of(at, record) = OPT_BOOL(is_yes);
    return OK;
}

// AWS knows FifoQueue only as "true" and only at creation: the type of a queue never changes.
static int
fifo_apply(struct call *c, const struct attribute *at, struct str value, enum attributes_when when,
           struct sqs_queue_record *record)
{
    bool is_yes = str_eq_nocase(value, STR("true"));
    if (when == ATTRIBUTES_AT_CREATION && !is_yes)
        return attribute_unknown(c, STR("FifoQueue"));
    if (!is_yes || !record->is_fifo.value)
        return fault(c, SQS_INVALID_ATTRIBUTE_VALUE,
                     "Invalid value for the parameter %s. Reason: Modifying queue type is not "
                     "supported.",
                     at->name);
    return OK;
}

static int
attribute_apply(struct call *c, const struct attribute *at, struct str value,
                enum attributes_when when, struct sqs_queue_record *record)
{
    if (at->is_fifo_only && !record->is_fifo.value)
        return attribute_unknown(c, str_of(at->name));
    switch (at->kind) {
    case ATTRIBUTE_NUMBER:
        return number_apply(c, at, value, record);
    case ATTRIBUTE_FLAG:
    case ATTRIBUTE_CHOICE:
        return flag_apply(c, at, value, record);
    case ATTRIBUTE_FIFO:
        return fifo_apply(c, at, value, when, record);
    case ATTRIBUTE_JSON:
        return at->apply(c, value, record);
    case ATTRIBUTE_UNBUILT:
        if (str_eq(value, str_of(at->no)))
            return OK;
        return fault(c, FAULT_NOT_IMPLEMENTED,
                     "c10m does not implement the queue attribute %s yet.", at->name);
    default:
        return attribute_unknown(c, str_of(at->name));
    }
}

// High throughput needs both: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
// SQSDeveloperGuide/high-throughput-fifo.html
static int
throughput_check(struct call *c, const struct sqs_queue_record *record)
{
    if (record->limits_throughput_per_group.value && !record->deduplicates_per_group.value)
        return fault(c, SQS_INVALID_ATTRIBUTE_VALUE,
                     "Invalid value for the parameter FifoThroughputLimit. Reason: The value "
                     "perMessageGroupId is allowed only when the value for DeduplicationScope is "
                     "messageGroup.");
    return OK;
}

static bool
is_fifo_asked(const struct sqs_queue_attribute_map *given)
{
    for (size_t i = 0; i < given->count; i++)
        if (str_eq(given->items[i].key, STR("FifoQueue")))
            return str_eq_nocase(given->items[i].value, STR("true"));
    return false;
}

void
attributes_default(struct sqs_queue_record *out)
{
    *out = (struct sqs_queue_record){.is_fifo = OPT_BOOL(false)};
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        const struct attribute *at = &attributes[i];
        if (at->kind == ATTRIBUTE_NUMBER)
            *number_of(at, out) = OPT_LONG(at->initial);
        else if (at->kind == ATTRIBUTE_FLAG || at->kind == ATTRIBUTE_CHOICE)
            *flag_of(at, out) = OPT_BOOL(at->initial);
    }
}

int
attributes_apply(struct call *c, const struct sqs_queue_attribute_map *given,
                 enum attributes_when when, struct sqs_queue_record *record)
{
    // Before the others, whose meaning depends on it; a map has no order.
    if (when == ATTRIBUTES_AT_CREATION && is_fifo_asked(given))
        record->is_fifo = OPT_BOOL(true);
    for (size_t i = 0; i < given->count; i++) {
        const struct attribute *at = attribute_find(given->items[i].key);
        if (!at)
            return attribute_unknown(c, given->items[i].key);
        TRY(attribute_apply(c, at, given->items[i].value, when, record));
    }
    return throughput_check(c, record);
}

static bool
attribute_is_same(const struct attribute *at, const struct sqs_queue_record *a,
                  const struct sqs_queue_record *b)
{
    if (at->kind == ATTRIBUTE_NUMBER)
        return number_of(at, a)->value == number_of(at, b)->value;
    if (at->kind == ATTRIBUTE_JSON)
        return str_eq(*text_of(at, a), *text_of(at, b));
    if (at->kind == ATTRIBUTE_FLAG || at->kind == ATTRIBUTE_CHOICE || at->kind == ATTRIBUTE_FIFO)
        return flag_of(at, a)->value == flag_of(at, b)->value;
    return true;
}

int
attributes_compare(struct call *c, const struct sqs_queue_attribute_map *given,
                   const struct sqs_queue_record *wanted, const struct sqs_queue_record *existing)
{
    for (size_t i = 0; i < given->count; i++) {
        const struct attribute *at = attribute_find(given->items[i].key);
        if (!attribute_is_same(at, wanted, existing))
            return fault(c, SQS_QUEUE_NAME_EXISTS,
                         "A queue already exists with the same name and a different value for "
                         "attribute %s",
                         at->name);
    }
    return OK;
}

static struct str
attribute_print(struct call *c, const struct attribute *at, const struct queue *q,
                const struct counts *counts)
{
    switch (at->kind) {
    case ATTRIBUTE_NUMBER:
        return arena_print(c->arena, "%lld", (long long)number_of(at, &q->record)->value);
    case ATTRIBUTE_TIME:
        return arena_print(c->arena, "%lld", (long long)number_of(at, &q->record)->value / 1000);
    case ATTRIBUTE_COUNT:
        return arena_print(c->arena, "%lld",
                           (long long)*(const int64_t *)((const char *)counts + at->offset));
    case ATTRIBUTE_ARN:
        return call_arn(c, q->name);
    case ATTRIBUTE_JSON:
        return *text_of(at, &q->record);
    case ATTRIBUTE_UNBUILT:
        return at->no[0] ? str_of(at->no) : (struct str){0};
    default:
        return str_of(flag_of(at, &q->record)->value ? at->yes : at->no);
    }
}

static bool
is_asked(const struct sqs_attribute_name_list *names, const struct attribute *at)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_eq(names->items[i], STR("All")) || str_eq(names->items[i], str_of(at->name)))
            return true;
    return false;
}

struct read {
    struct call *c;
    struct str url;
    bool wants_counts;
    struct queue queue;
    struct counts counts;
};

static int
read_body(struct kv_txn *txn, void *arg)
{
    struct read *s = arg;
    TRY(queue_get(s->c, txn, s->url, &s->queue));
    return s->wants_counts ? counts_get(txn, &s->queue, call_now_ms(s->c), &s->counts) : OK;
}

static int
names_check(struct call *c, const struct sqs_attribute_name_list *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (!str_eq(names->items[i], STR("All")) && !attribute_find(names->items[i]))
            return attribute_unknown(c, names->items[i]);
    return OK;
}

// Counting reads every message in flight, so it is done only when a count is asked for.
static bool
is_count_asked(const struct sqs_attribute_name_list *names)
{
    for (size_t i = 0; i < COUNT_OF(attributes); i++)
        if (attributes[i].kind == ATTRIBUTE_COUNT && is_asked(names, &attributes[i]))
            return true;
    return false;
}

int
sqs_get_queue_attributes(struct call *c, const struct sqs_get_queue_attributes_request *in,
                         struct sqs_get_queue_attributes_result *out)
{
    struct read s = {
        .c = c, .url = in->QueueUrl, .wants_counts = is_count_asked(&in->AttributeNames)};
    TRY(names_check(c, &in->AttributeNames));
    TRY(kv_run(c->kv, c->arena, read_body, &s));
    struct sqs_queue_attribute_map *map = &out->Attributes;
    map->items = arena_alloc_array(c->arena, COUNT_OF(attributes), sizeof(map->items[0]));
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        const struct attribute *at = &attributes[i];
        if (!is_asked(&in->AttributeNames, at) ||
            (at->is_fifo_only && !s.queue.record.is_fifo.value))
            continue;
        struct str value = attribute_print(c, at, &s.queue, &s.counts);
        if (!str_is_present(value))
            continue;
        map->items[map->count].key = str_of(at->name);
        map->items[map->count++].value = value;
    }
    // AWS leaves the member out when nothing was asked for.
    if (map->count == 0)
        map->items = NULL;
    return OK;
}

struct change {
    struct call *c;
    const struct sqs_set_queue_attributes_request *in;
};

static int
change_body(struct kv_txn *txn, void *arg)
{
    struct change *s = arg;
    struct queue queue;
    TRY(queue_get(s->c, txn, s->in->QueueUrl, &queue));
    TRY(attributes_apply(s->c, &s->in->Attributes, ATTRIBUTES_LATER, &queue.record));
    TRY(redrive_check(s->c, txn, &queue, &s->in->Attributes));
    queue.record.modified_ms = OPT_LONG(call_now_ms(s->c));
    return queue_set(txn, &queue);
}

int
sqs_set_queue_attributes(struct call *c, const struct sqs_set_queue_attributes_request *in)
{
    return kv_run(c->kv, c->arena, change_body, &(struct change){c, in});
}
