// What a validator found, in the words of the service.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/violation.h"

#include "src/wire/problem.h"

// Texts as services are seen to answer them. Every row begins with the first violation; only
// some tell more than one.
static const struct wording {
    bool is_joined; // "2 validation errors detected: ...; ..."
    const char *missing, *wrong;
} wordings[] = {
    // Value null at 'tableName' failed to satisfy constraint: Member must not be null
    // (aws-cli#790, terraform-provider-aws#36076 for two of them).
    [WIRE_WORDING_JOINED] = {true, "Value%V at '%P' failed to satisfy constraint: %C",
                             "Value%V at '%P' failed to satisfy constraint: %C"},
    // The request must contain the parameter MessageBody. (SQS: aws-controllers-k8s#2139)
    [WIRE_WORDING_SQS] = {false, "The request must contain the parameter %N.",
                          "1 validation error detected: Value%V at '%P' failed to satisfy "
                          "constraint: %C"},
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    [WIRE_WORDING_EC2] = {false, "The request must contain the parameter %Q",
                          "Value%B for parameter %Q is invalid. %C"},
};

// AWS prints the getter's name: QueueUrl is queueUrl, DBName is dBName.
static void
put_member(struct buf *out, const char *name)
{
    size_t at = out->len;
    buf_put(out, str_of(name));
    if (out->ptr[at] >= 'A' && out->ptr[at] <= 'Z')
        out->ptr[at] |= 0x20;
}

// "entries.1.member.messageBody"
static void
put_path(const struct violations *v, struct buf *out, const struct violation_step *step)
{
    if (step == NULL)
        return;
    put_path(v, out, step->up);
    if (step->up != NULL)
        buf_put_char(out, '.');
    if (step->row != NULL)
        put_member(out, wire_text(v->m, step->row->name));
    else if (step->key != NULL)
        buf_print(out, STR_FMT ".member", STR_ARG(*step->key));
    else
        buf_print(out, "%zu.member", step->index + 1);
}

// "BlockDeviceMapping.1.Ebs.VolumeSize": the name that the parameter has in the form.
static void
put_parameter(const struct violations *v, struct buf *out, const struct violation_step *step)
{
    if (step == NULL)
        return;
    put_parameter(v, out, step->up);
    if (step->up != NULL)
        buf_put_char(out, '.');
    if (step->row != NULL)
        buf_put(out, str_of(wire_text(v->m, step->row->query_name)));
    else if (step->key != NULL)
        buf_put(out, *step->key);
    else
        buf_print(out, "%zu", step->index + 1);
}

static struct str
path_of(const struct violations *v, const struct violation_step *step)
{
    struct buf out;
    buf_init(&out, v->arena, 0);
    put_path(v, &out, step);
    return buf_str(&out);
}

static struct str
member_of(const struct violations *v, const struct violation_step *step)
{
    while (step != NULL && step->row == NULL)
        step = step->up;
    return step == NULL ? STR("") : str_of(wire_text(v->m, step->row->name));
}

// EC2 has parentheses where the others have quotes.
static void
put_in_parentheses(struct buf *out, struct str value)
{
    if (value.len > 3)
        buf_print(out, " (" STR_FMT ")", STR_ARG(str_slice(value, 2, value.len - 1)));
}

static void
put_sentence(struct violations *v, const char *form, const struct violation_step *step,
             struct str value, struct str constraint)
{
    for (; *form != '\0'; form++) {
        if (*form != '%') {
            buf_put_char(&v->told, *form);
            continue;
        }
        switch (*++form) {
        case 'V':
            buf_put(&v->told, value);
            break;
        case 'B':
            put_in_parentheses(&v->told, value);
            break;
        case 'P':
            put_path(v, &v->told, step);
            break;
        case 'N':
            buf_put(&v->told, member_of(v, step));
            break;
        case 'Q':
            put_parameter(v, &v->told, step);
            break;
        default:
            buf_put(&v->told, constraint);
        }
    }
}

bool
violations_add(struct violations *v, enum wire_problem_kind kind, const struct violation_step *step,
               struct str value, struct str constraint)
{
    const struct wording *w = &wordings[v->wording];
    if (v->count++ == 0) {
        *v->problem = (struct wire_problem){.kind = kind};
        v->problem->path = path_of(v, step);
        v->problem->member = member_of(v, step);
        buf_init(&v->told, v->arena, 0);
    }
    if (v->count <= VIOLATIONS_TOLD_MAX) {
        buf_put(&v->told, v->count == 1 ? STR("") : STR("; "));
        put_sentence(v, kind == WIRE_PROBLEM_MISSING ? w->missing : w->wrong, step, value,
                     constraint);
    }
    return w->is_joined && v->count < VIOLATIONS_COUNTED_MAX;
}

int
violations_end(struct violations *v)
{
    if (v->count == 0)
        return OK;
    v->problem->message = buf_str(&v->told);
    if (wordings[v->wording].is_joined)
        v->problem->message =
            arena_print(v->arena, "%zu validation error%s detected: " STR_FMT, v->count,
                        v->count == 1 ? "" : "s", STR_ARG(buf_str(&v->told)));
    return E_INVALID;
}
