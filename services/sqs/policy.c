// The policy of a queue: kept and returned, and what AddPermission and RemovePermission do to it.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/policy.h"

#include "services/sqs/sqs_api.h"
#include "src/wire/json.h"

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
        if (str_eq(key, STR("Sid")))
            TRY(json_read_string(r, &out->sid));
        else if (str_eq(key, STR("Effect")))
            TRY(json_read_string(r, &out->effect));
        else
            TRY(json_skip(r));
    }
}

static int
statement_read(struct json_reader *r, struct policy_document *out)
{
    if (out->count == POLICY_STATEMENTS_MAX)
        return E_LIMIT;
    struct policy_statement *statement = &out->statements[out->count++];
    *statement = (struct policy_statement){0};
    json_peek(r); // skips white space
    const char *begin = r->at;
    TRY(statement_members_read(r, statement));
    statement->text = (struct str){begin, (size_t)(r->at - begin)};
    bool is_effect =
        str_eq(statement->effect, STR("Allow")) || str_eq(statement->effect, STR("Deny"));
    return is_effect ? OK : E_INVALID;
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
    out->count = 0;
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

int
policy_apply(struct call *c, struct str value, struct sqs_queue_record *record)
{
    record->policy = (struct str){0};
    if (value.len == 0)
        return OK;
    struct policy_document *d = ARENA_NEW(c->arena, struct policy_document);
    if (value.len > POLICY_BYTES_MAX || policy_parse(c->arena, value, d) != OK)
        return fault(c, SQS_INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter Policy.");
    for (size_t i = 0; i < d->count; i++)
        if (str_eq(d->statements[i].effect, STR("Deny")))
            return fault(c, FAULT_NOT_IMPLEMENTED,
                         "c10m does not evaluate queue policies yet, so it refuses a Policy with "
                         "the Effect Deny.");
    record->policy = value;
    return OK;
}
