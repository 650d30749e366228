// What IAM is told of a call: which queue it is about, and the tags that policies may ask for.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/queue.h"
#include "services/sqs/tags.h"
#include "src/wire/value.h"

#include "services/sqs/sqs_api.h"

// A text member of the input by AWS's name; absent: there is none.
static struct str
input_text(const struct call *c, const char *name)
{
    const struct wire_model *m = c->service->wire->model;
    uint16_t shape = c->operation->input;
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++)
        if (strcmp(wire_text(m, rows[i].name), name) == 0) {
            const struct str *text = value_get(m, &rows[i], c->in);
            return text != NULL ? *text : (struct str){0};
        }
    return (struct str){0};
}

static void
add_queue(struct call *c, struct access *access, struct str account, struct str region,
          struct str name)
{
    struct queue q = {.place = {.account = account, .region = region}, .name = name};
    access_add_resource(access, c->arena, queue_arn(c->arena, &q), account);
}

static int
add_by_url(struct call *c, struct access *access)
{
    struct str account, name;
    TRY(queue_url_parse(c, input_text(c, "QueueUrl"), &account, &name));
    add_queue(c, access, account, c->region, name);
    return OK;
}

// AWS does not tell another account whether a queue exists unless the queue's policy admits it.
static int
add_by_name(struct call *c, struct access *access)
{
    struct str owner = input_text(c, "QueueOwnerAWSAccountId");
    if (str_is_present(owner) && !str_eq(owner, c->principal.account))
        return queue_missing(c);
    add_queue(c, access, c->principal.account, c->region, input_text(c, "QueueName"));
    return OK;
}

// What is no ARN of a queue is for the operation to refuse, in words of its own.
static void
add_by_arn(struct call *c, struct access *access, struct str arn)
{
    struct queue_name name;
    if (queue_arn_parse(arn, &name) == OK)
        access_add_resource(access, c->arena, arn, name.account);
    else
        access_add_resource(access, c->arena, arn, c->principal.account);
}

static int
add_move(struct call *c, struct access *access)
{
    struct str destination = input_text(c, "DestinationArn");
    add_by_arn(c, access, input_text(c, "SourceArn"));
    if (str_is_present(destination))
        add_by_arn(c, access, destination);
    return OK;
}

// The queue stands in the handle, which the operation takes apart and compares with the caller's.
static int
add_by_handle(struct call *c, struct access *access)
{
    add_queue(c, access, c->principal.account, c->region, STR("*"));
    return OK;
}

static int
add_none(struct call *c, struct access *access)
{
    return OK;
}

// The others name their queue by QueueUrl.
static const struct {
    const char *operation;
    int (*add)(struct call *c, struct access *access);
} rows[] = {
    {"CancelMessageMoveTask", add_by_handle},
    {"CreateQueue", add_by_name},
    {"GetQueueUrl", add_by_name},
    {"ListMessageMoveTasks", add_move},
    {"ListQueues", add_none},
    {"StartMessageMoveTask", add_move},
};

static int
add_resources(struct call *c, struct access *access)
{
    const char *operation = wire_text(c->service->wire->model, c->operation->name);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(operation, rows[i].operation) == 0)
            return rows[i].add(c, access);
    return add_by_url(c, access);
}

static void
add_request_tags(struct call *c, struct access *access, const struct sqs_tag_map *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        struct str key = tags->items[i].key;
        access_add_condition(access, c->arena,
                             arena_print(c->arena, "aws:RequestTag/" STR_FMT, STR_ARG(key)),
                             tags->items[i].value);
        access_add_condition(access, c->arena, STR("aws:TagKeys"), key);
    }
}

static void
add_removed_tags(struct call *c, struct access *access, const struct sqs_tag_key_list *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        access_add_condition(access, c->arena, STR("aws:TagKeys"), keys->items[i]);
}

static void
add_input_tags(struct call *c, struct access *access)
{
    if (str_eq(access->action, STR("sqs:CreateQueue")))
        add_request_tags(c, access, &((const struct sqs_create_queue_request *)c->in)->tags);
    else if (str_eq(access->action, STR("sqs:TagQueue")))
        add_request_tags(c, access, &((const struct sqs_tag_queue_request *)c->in)->Tags);
    else if (str_eq(access->action, STR("sqs:UntagQueue")))
        add_removed_tags(c, access, &((const struct sqs_untag_queue_request *)c->in)->TagKeys);
}

struct tags_reading {
    struct call *c;
    struct queue_name name;
    struct store_tag_list_record tags;
};

static int
read_tags(struct kv_txn *txn, void *arg)
{
    struct tags_reading *r = arg;
    struct queue q;
    int code = queue_find(txn, NULL, &r->name, &q);
    if (code == OK)
        code = tags_get(txn, &q, &r->tags);
    return code == E_NOT_FOUND ? OK : code;
}

static int
add_queue_tags(struct call *c, struct access *access)
{
    const struct access_resource *about = STAILQ_FIRST(&access->resources);
    struct tags_reading r = {.c = c};
    if (about == NULL || queue_arn_parse(about->arn, &r.name) != OK)
        return OK;
    TRY(kv_run(c->kv, c->arena, read_tags, &r));
    for (size_t i = 0; i < r.tags.count; i++)
        access_add_condition(
            access, c->arena,
            arena_print(c->arena, "aws:ResourceTag/" STR_FMT, STR_ARG(r.tags.items[i].key)),
            r.tags.items[i].value);
    return OK;
}

// SQS's errors write its actions in small letters (aws/serverless-application-model#3633).
static struct str
small_letters(struct arena *a, struct str action)
{
    char *text = arena_copy_z(a, action);
    for (size_t i = 0; i < action.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] |= 0x20;
    return (struct str){text, action.len};
}

// Nothing more is told of the root of the queue's own account, whom no policy here can stop: it is
// nearly every caller, and tags would cost it a read.
int
sqs_authorise(struct call *c, struct access *access)
{
    TRY(add_resources(c, access));
    if (access_is_own_root(&c->principal, access))
        return OK;
    access->denied_action = small_letters(c->arena, access->action);
    add_input_tags(c, access);
    return add_queue_tags(c, access);
}
