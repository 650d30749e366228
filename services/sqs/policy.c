// The policy of a queue: kept and returned, and what AddPermission and RemovePermission do to it.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/policy.h"

#include "services/sqs/sqs_api.h"
#include "src/wire/json.h"

// One text, or an array of them.
static int
texts_count(struct json_reader *r, size_t *count)
{
    struct str text;
    bool more;
    if (json_peek(r) != JSON_ARRAY) {
        ++*count;
        return json_read_string(r, &text);
    }
    TRY(json_array_begin(r));
    for (;;) {
        TRY(json_array_next(r, &more));
        if (!more)
            return OK;
        TRY(json_read_string(r, &text));
        ++*count;
    }
}

// "*", or {"AWS": [...], "Service": "..."}.
static int
principals_count(struct json_reader *r, size_t *count)
{
    struct str kind;
    bool more;
    if (json_peek(r) != JSON_OBJECT)
        return texts_count(r, count);
    TRY(json_object_begin(r));
    for (;;) {
        TRY(json_object_next(r, &more, &kind));
        if (!more)
            return OK;
        TRY(texts_count(r, count));
    }
}

// {"StringEquals": {"aws:SourceAccount": ..., ...}, ...}: each key counts.
static int
conditions_count(struct json_reader *r, size_t *count)
{
    struct str name;
    bool more;
    TRY(json_object_begin(r));
    for (;;) {
        TRY(json_object_next(r, &more, &name));
        if (!more)
            return OK;
        TRY(json_object_begin(r));
        for (;;) {
            TRY(json_object_next(r, &more, &name));
            if (!more)
                break;
            TRY(json_skip(r));
            ++*count;
        }
    }
}

static int
statement_member_read(struct json_reader *r, struct str key, struct policy_statement *out)
{
    if (str_eq(key, STR("Sid")))
        return json_read_string(r, &out->sid);
    if (str_eq(key, STR("Effect")))
        return json_read_string(r, &out->effect);
    if (str_eq(key, STR("Principal")) || str_eq(key, STR("NotPrincipal")))
        return principals_count(r, &out->principals);
    if (str_eq(key, STR("Action")) || str_eq(key, STR("NotAction")))
        return texts_count(r, &out->actions);
    if (str_eq(key, STR("Condition")))
        return conditions_count(r, &out->conditions);
    return json_skip(r);
}

static int
statement_members_read(struct json_reader *r, struct policy_statement *out)
{
    struct str key;
    bool more;
    TRY(json_object_begin(r));
    for (;;) {
        TRY(json_object_next(r, &more, &key));
        if (!more)
            return OK;
        TRY(statement_member_read(r, key, out));
    }
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
static int
statement_read(struct json_reader *r, struct policy_document *out)
{
    if (out->count == POLICY_STATEMENTS_MAX) {
        out->count_over++;
        return json_skip(r);
    }
    struct policy_statement *statement = &out->statements[out->count++];
    *statement = (struct policy_statement){0};
    json_peek(r); // skips white space
    const char *begin = r->at;
    TRY(statement_members_read(r, statement));
    statement->text = (struct str){begin, (size_t)(r->at - begin)};
    bool is_effect =
        str_eq(statement->effect, STR("Allow")) || str_eq(statement->effect, STR("Deny"));
    return is_effect && statement->principals > 0 && statement->actions > 0 ? OK : E_INVALID;
}

// One statement, or an array of them.
static int
statements_read(struct json_reader *r, struct policy_document *out)
{
    bool more;
    if (json_peek(r) == JSON_OBJECT)
        return statement_read(r, out);
    TRY(json_array_begin(r));
    for (;;) {
        TRY(json_array_next(r, &more));
        if (!more)
            return OK;
        TRY(statement_read(r, out));
    }
}

int
policy_parse(struct arena *a, struct str text, struct policy_document *out)
{
    struct json_reader r;
    struct str key;
    bool more;
    out->version = out->id = (struct str){0};
    out->count = out->count_over = 0;
    json_reader_init(&r, text, a, POLICY_DEPTH_MAX);
    TRY(json_object_begin(&r));
    for (;;) {
        TRY(json_object_next(&r, &more, &key));
        if (!more)
            break;
        if (str_eq(key, STR("Version")))
            TRY(json_read_string(&r, &out->version));
        else if (str_eq(key, STR("Id")))
            TRY(json_read_string(&r, &out->id));
        else if (str_eq(key, STR("Statement")))
            TRY(statements_read(&r, out));
        else
            TRY(json_skip(&r));
    }
    TRY(json_end(&r));
    if (out->count_over > 0)
        return E_LIMIT;
    return out->count > 0 ? OK : E_INVALID;
}

static void
member_print(struct buf *b, const char *name, struct str value)
{
    if (!str_is_present(value))
        return;
    buf_print(b, "\"%s\":", name);
    json_put_string(b, value);
    buf_put_char(b, ',');
}

struct str
policy_print(struct arena *a, const struct policy_document *d)
{
    struct buf b;
    buf_init(&b, a, 512);
    buf_put_char(&b, '{');
    member_print(&b, "Version", d->version);
    member_print(&b, "Id", d->id);
    buf_put(&b, STR("\"Statement\":["));
    for (size_t i = 0; i < d->count; i++) {
        if (i > 0)
            buf_put_char(&b, ',');
        buf_put(&b, d->statements[i].text);
    }
    buf_put(&b, STR("]}"));
    return buf_str(&b);
}

static int
over_limit(struct call *c, size_t found, const char *what, int max)
{
    return fault(c, SQS_OVER_LIMIT, "%zu %s were found in the submitted policy, max allowed is %d",
                 found, what, max);
}

int
policy_limits_check(struct call *c, const struct policy_document *d)
{
    size_t statements = d->count + d->count_over, principals = 0, conditions = 0;
    // aws/aws-cdk#16303
    if (statements > POLICY_STATEMENTS_MAX)
        return over_limit(c, statements, "statements", POLICY_STATEMENTS_MAX);
    for (size_t i = 0; i < d->count; i++) {
        const struct policy_statement *s = &d->statements[i];
        // ministryofjustice/cloud-platform-environments#9082
        if (s->actions > POLICY_ACTIONS_MAX)
            return fault(c, SQS_OVER_LIMIT,
                         "%zu actions were found in a statement from the submitted policy, max "
                         "allowed is %d",
                         s->actions, POLICY_ACTIONS_MAX);
        principals += s->principals;
        conditions += s->conditions;
    }
    if (principals > POLICY_PRINCIPALS_MAX)
        return over_limit(c, principals, "principals", POLICY_PRINCIPALS_MAX);
    if (conditions > POLICY_CONDITIONS_MAX)
        return over_limit(c, conditions, "conditions", POLICY_CONDITIONS_MAX);
    return OK;
}

int
policy_apply(struct call *c, struct str value, struct sqs_queue_record *record)
{
    record->policy = (struct str){0};
    if (value.len == 0)
        return OK;
    struct policy_document *d = ARENA_NEW(c->arena, struct policy_document);
    // BishopFox/cloudfoxable#29
    if (value.len > POLICY_BYTES_MAX)
        return fault(c, SQS_OVER_LIMIT, "Submitted policy is over max allowed size.");
    int code = policy_parse(c->arena, value, d);
    if (code != OK && code != E_LIMIT)
        return fault(c, SQS_INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter Policy.");
    TRY(policy_limits_check(c, d));
    for (size_t i = 0; i < d->count; i++)
        if (str_eq(d->statements[i].effect, STR("Deny")))
            return fault(c, FAULT_NOT_IMPLEMENTED,
                         "c10m does not evaluate queue policies yet, so it refuses a Policy with "
                         "the Effect Deny.");
    record->policy = value;
    return OK;
}
