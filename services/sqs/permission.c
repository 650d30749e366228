// AddPermission and RemovePermission: statements of the queue's policy, by their Sid.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/policy.h"
#include "services/sqs/sqs_api.h"

static int
label_check(struct call *c, struct str label)
{
    bool is_valid = label.len > 0 && label.len <= POLICY_LABEL_MAX;
    for (size_t i = 0; i < label.len; i++) {
        char ch = label.ptr[i];
        is_valid = is_valid && ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                                (ch >= '0' && ch <= '9') || ch == '-' || ch == '_');
    }
    if (label.len == 0)
        return fault(c, FAULT_MISSING_PARAMETER, "The request must contain the parameter Label.");
    if (!is_valid)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value " STR_FMT " for parameter Label is invalid. Reason: Label can only "
                     "include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
                     STR_ARG(label));
    return OK;
}

static int
accounts_check(struct call *c, const struct sqs_aws_account_id_list *ids)
{
    if (ids->count == 0)
        return fault(c, FAULT_MISSING_PARAMETER,
                     "The request must contain the parameter PrincipalId.");
    for (size_t i = 0; i < ids->count; i++) {
        struct str id = ids->items[i];
        bool is_valid = id.len == 12;
        for (size_t at = 0; at < id.len; at++)
            is_valid = is_valid && id.ptr[at] >= '0' && id.ptr[at] <= '9';
        // aws/aws-cli#7416, amazon-archives/aws-sdk-core-ruby#138
        if (!is_valid)
            return fault(c, FAULT_INVALID_PARAMETER,
                         "Value [" STR_FMT "] for parameter PrincipalId is invalid. Reason: Unable "
                         "to verify principal.",
                         STR_ARG(id));
    }
    return OK;
}

// A batch is admitted with its single operation, and has no name of its own here
// (cloudtools/awacs#34).
static bool
is_action(const struct call *c, struct str name)
{
    if (str_eq(name, STR("*")))
        return true;
    return wire_operation_find(c->service->wire, name) && !str_ends(name, STR("Batch"));
}

static int
actions_check(struct call *c, const struct sqs_action_name_list *actions)
{
    if (actions->count == 0)
        return fault(c, FAULT_MISSING_PARAMETER,
                     "The request must contain the parameter ActionName.");
    for (size_t i = 0; i < actions->count; i++)
        if (!is_action(c, actions->items[i]))
            return fault(c, FAULT_INVALID_PARAMETER,
                         "Value SQS:" STR_FMT " for parameter ActionName is invalid. Reason: "
                         "Please refer to the appropriate WSDL for a list of valid actions.",
                         STR_ARG(actions->items[i]));
    return OK;
}

// One text alone, several in an array, each between the same words.
static void
texts_print(struct buf *b, const struct str *texts, size_t count, const char *before,
            const char *after)
{
    if (count > 1)
        buf_put_char(b, '[');
    for (size_t i = 0; i < count; i++)
        buf_print(b, "%s\"%s" STR_FMT "%s\"", i > 0 ? "," : "", before, STR_ARG(texts[i]), after);
    if (count > 1)
        buf_put_char(b, ']');
}

// All of it was checked: nothing needs to be escaped.
static struct str
statement_print(struct arena *a, const struct sqs_add_permission_request *in, struct str arn)
{
    struct buf b;
    buf_init(&b, a, 256);
    buf_print(&b, "{\"Sid\":\"" STR_FMT "\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":",
              STR_ARG(in->Label));
    texts_print(&b, in->AWSAccountIds.items, in->AWSAccountIds.count, "arn:aws:iam::", ":root");
    buf_put(&b, STR("},\"Action\":"));
    texts_print(&b, in->Actions.items, in->Actions.count, "SQS:", "");
    buf_print(&b, ",\"Resource\":\"" STR_FMT "\"}", STR_ARG(arn));
    return buf_str(&b);
}

static struct policy_statement *
statement_find(struct policy_document *d, struct str label)
{
    for (size_t i = 0; i < d->count; i++)
        if (str_eq(d->statements[i].sid, label))
            return &d->statements[i];
    return NULL;
}

// An empty document when the queue has no policy.
static int
document_get(struct arena *a, const struct queue *q, struct policy_document **out)
{
    *out = ARENA_NEW(a, struct policy_document);
    if (str_is_present(q->record.policy))
        return policy_parse(a, q->record.policy, *out);
    (*out)->version = STR("2008-10-17");
    struct str arn = queue_arn(a, q);
    (*out)->id = arena_print(a, STR_FMT "/SQSDefaultPolicy", STR_ARG(arn));
    return OK;
}

static int
document_set(struct call *c, struct kv_txn *txn, struct queue *q, const struct policy_document *d)
{
    TRY(policy_limits_check(c, d));
    q->record.policy = d->count > 0 ? policy_print(kv_txn_arena(txn), d) : (struct str){0};
    if (q->record.policy.len > POLICY_BYTES_MAX)
        return fault(c, SQS_OVER_LIMIT, "Submitted policy is over max allowed size.");
    q->record.modified_ms = OPT_LONG(call_now_ms(c));
    return queue_set(txn, q);
}

struct add {
    struct call *c;
    const struct sqs_add_permission_request *in;
};

static int
add_body(struct kv_txn *txn, void *arg)
{
    struct add *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct queue q;
    struct policy_document *d;
    TRY(queue_get(s->c, txn, s->in->QueueUrl, &q));
    TRY(document_get(a, &q, &d));
    if (statement_find(d, s->in->Label))
        return fault(s->c, FAULT_INVALID_PARAMETER,
                     "Value " STR_FMT " for parameter Label is invalid. Reason: Already exists.",
                     STR_ARG(s->in->Label));
    if (d->count == POLICY_STATEMENTS_MAX) {
        d->count_over++;
        return policy_limits_check(s->c, d);
    }
    d->statements[d->count++] = (struct policy_statement){
        .text = statement_print(a, s->in, queue_arn(a, &q)),
        .principals = s->in->AWSAccountIds.count,
        .actions = s->in->Actions.count,
    };
    return document_set(s->c, txn, &q, d);
}

int
sqs_add_permission(struct call *c, const struct sqs_add_permission_request *in)
{
    TRY(label_check(c, in->Label));
    TRY(accounts_check(c, &in->AWSAccountIds));
    TRY(actions_check(c, &in->Actions));
    return kv_run(c->kv, c->arena, add_body, &(struct add){c, in});
}

struct remove {
    struct call *c;
    const struct sqs_remove_permission_request *in;
};

static int
remove_body(struct kv_txn *txn, void *arg)
{
    struct remove *s = arg;
    struct queue q;
    struct policy_document *d;
    TRY(queue_get(s->c, txn, s->in->QueueUrl, &q));
    TRY(document_get(kv_txn_arena(txn), &q, &d));
    struct policy_statement *statement = statement_find(d, s->in->Label);
    if (!statement)
        return fault(s->c, FAULT_INVALID_PARAMETER,
                     "Value " STR_FMT " for parameter Label is invalid. Reason: can't find label "
                     "on existing policy.",
                     STR_ARG(s->in->Label));
    size_t behind = (size_t)(&d->statements[d->count--] - statement) - 1;
    memmove(statement, statement + 1, behind * sizeof(*statement));
    return document_set(s->c, txn, &q, d);
}

int
sqs_remove_permission(struct call *c, const struct sqs_remove_permission_request *in)
{
    TRY(label_check(c, in->Label));
    return kv_run(c->kv, c->arena, remove_body, &(struct remove){c, in});
}
