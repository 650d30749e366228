// Checks inputs against the model: required members, lengths, ranges and enums.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include "src/wire/problem.h"
#include "src/wire/scalar.h"
#include "src/wire/utf8.h"
#include "src/wire/value.h"

enum { SHOWN_ITEMS_BYTES_MAX = 1024 }; // of a list, in the message

struct validator {
    const struct wire_model *m;
    struct arena *arena;
    struct wire_problem *problem;
    struct str value; // " 'text'" of what broke the constraint, or nothing where it is not shown
};

static int check_value(struct validator *v, const struct wire_member *row, const void *at);

static void
put_scalar(struct buf *out, enum wire_type type, const void *at)
{
    if (type == WIRE_STRING)
        buf_put(out, *(const struct str *)at);
    else if (type == WIRE_INTEGER || type == WIRE_LONG)
        buf_put_int(out, value_int(type, at));
    else
        scalar_put_double(out, ((const struct opt_double *)at)->value);
}

static void
put_strings(struct buf *out, const struct wire_array *a, size_t item_size)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < a->count && out->len < SHOWN_ITEMS_BYTES_MAX; i++) {
        buf_put(out, i == 0 ? STR("") : STR(", "));
        buf_put(out, *(const struct str *)value_item(a, item_size, i));
    }
    buf_put_char(out, ']');
}

// Secrets are not shown, nor is what has no short text.
static struct str
shown_value(const struct validator *v, const struct wire_shape *s, const void *at)
{
    struct buf out;
    bool is_list = s->type == WIRE_LIST;
    const struct wire_shape *item = s;
    if (is_list)
        item = &v->m->shapes[v->m->members[s->member_first].shape];
    bool is_shown =
        item->type == WIRE_STRING ||
        (!is_list && (s->type == WIRE_INTEGER || s->type == WIRE_LONG || s->type == WIRE_DOUBLE));
    if (!is_shown || s->is_sensitive || item->is_sensitive)
        return STR("");
    buf_init(&out, v->arena, 0);
    buf_put(&out, STR(" '"));
    if (is_list)
        put_strings(&out, at, s->item_size);
    else
        put_scalar(&out, s->type, at);
    buf_put_char(&out, '\'');
    return buf_str(&out);
}

static int
wrong_bound(struct validator *v, const struct wire_shape *s, const void *at, const char *relation,
            double bound)
{
    v->value = shown_value(v, s, at);
    return problem_set(v->problem, v->arena, WIRE_PROBLEM_VALUE,
                       "Member must have %s than or equal to %.15g", relation, bound);
}

static int
check_bounds(struct validator *v, const struct wire_shape *s, const void *at, int64_t value,
             const char *measure)
{
    const struct wire_constraint *c = &v->m->constraints[s->constraint];
    bool is_below = c->min != INT64_MIN && value < c->min;
    bool is_above = c->max != INT64_MAX && value > c->max;
    if (!is_below && !is_above)
        return OK;
    v->value = shown_value(v, s, at);
    return problem_set(v->problem, v->arena, WIRE_PROBLEM_VALUE,
                       "Member must have %s %s than or equal to %lld", measure,
                       is_below ? "greater" : "less", (long long)(is_below ? c->min : c->max));
}

static bool
is_enum_value(const struct validator *v, const struct wire_constraint *c, struct str value)
{
    for (size_t i = 0; i < c->enum_count; i++) {
        if (str_eq(value, str_of(wire_text(v->m, v->m->enum_values[c->enum_first + i]))))
            return true;
    }
    return false;
}

static int
check_enum(struct validator *v, const struct wire_shape *s, struct str value)
{
    const struct wire_constraint *c = &v->m->constraints[s->constraint];
    struct buf set;
    if (c->enum_count == 0 || is_enum_value(v, c, value))
        return OK;
    buf_init(&set, v->arena, 0);
    for (size_t i = 0; i < c->enum_count; i++) {
        buf_put(&set, i == 0 ? STR("") : STR(", "));
        buf_put(&set, str_of(wire_text(v->m, v->m->enum_values[c->enum_first + i])));
    }
    v->value = shown_value(v, s, &value);
    return problem_set(v->problem, v->arena, WIRE_PROBLEM_VALUE,
                       "Member must satisfy enum value set: [" STR_FMT "]", STR_ARG(buf_str(&set)));
}

// NaN is in no range.
static int
check_double(struct validator *v, const struct wire_shape *s, const void *at)
{
    const struct wire_constraint *c = &v->m->constraints[s->constraint];
    double value = ((const struct opt_double *)at)->value;
    double min = (double)c->min / WIRE_FRACTION, max = (double)c->max / WIRE_FRACTION;
    if (c->min != INT64_MIN && !(value >= min))
        return wrong_bound(v, s, at, "value greater", min);
    if (c->max != INT64_MAX && !(value <= max))
        return wrong_bound(v, s, at, "value less", max);
    return OK;
}

static int
check_constraint(struct validator *v, const struct wire_shape *s, const void *at)
{
    switch (s->type) {
    case WIRE_STRING:
        TRY(check_bounds(v, s, at, (int64_t)utf8_length(*(const struct str *)at), "length"));
        return check_enum(v, s, *(const struct str *)at);
    case WIRE_BLOB:
        return check_bounds(v, s, at, (int64_t)((const struct str *)at)->len, "length");
    case WIRE_LIST:
    case WIRE_MAP:
        return check_bounds(v, s, at, (int64_t)((const struct wire_array *)at)->count, "length");
    case WIRE_INTEGER:
    case WIRE_LONG:
        return check_bounds(v, s, at, value_int(s->type, at), "value");
    case WIRE_DOUBLE:
        return check_double(v, s, at);
    default:
        return OK;
    }
}

static int
check_required(struct validator *v, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(v->m, shape);
    for (size_t i = 0; i < v->m->shapes[shape].member_count; i++) {
        if ((rows[i].flags & WIRE_REQUIRED) == 0 || value_get(v->m, &rows[i], structure) != NULL)
            continue;
        v->value = STR(" null");
        int code =
            problem_set(v->problem, v->arena, WIRE_PROBLEM_MISSING, "Member must not be null");
        problem_in_member(v->problem, v->arena, wire_text(v->m, rows[i].name));
        return code;
    }
    return OK;
}

static int
check_union(struct validator *v, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(v->m, shape);
    size_t present = 0;
    for (size_t i = 0; i < v->m->shapes[shape].member_count; i++)
        present += value_get(v->m, &rows[i], structure) != NULL;
    // None: the client sent a kind that this model does not know.
    if (!v->m->shapes[shape].is_union || present == 1)
        return OK;
    v->value = STR("");
    return problem_set(v->problem, v->arena, WIRE_PROBLEM_VALUE,
                       "Member must have exactly one of its members set");
}

static int
check_structure(struct validator *v, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(v->m, shape);
    TRY(check_required(v, shape, structure));
    TRY(check_union(v, shape, structure));
    for (size_t i = 0; i < v->m->shapes[shape].member_count; i++) {
        const void *at = value_get(v->m, &rows[i], structure);
        int code = at == NULL ? OK : check_value(v, &rows[i], at);
        if (code == OK)
            continue;
        problem_in_member(v->problem, v->arena, wire_text(v->m, rows[i].name));
        return code;
    }
    return OK;
}

static int
check_list(struct validator *v, const struct wire_shape *s, const struct wire_array *a)
{
    const struct wire_member *row = &v->m->members[s->member_first];
    for (size_t i = 0; i < a->count; i++) {
        const char *at = (char *)value_item(a, s->item_size, i) + row->offset;
        bool is_null = s->is_sparse && value_is_null(v->m, row->shape, at);
        int code = is_null ? OK : check_value(v, row, at);
        if (code == OK)
            continue;
        problem_in_item(v->problem, v->arena, i);
        return code;
    }
    return OK;
}

static int
check_map(struct validator *v, const struct wire_shape *s, const struct wire_array *a)
{
    const struct wire_member *rows = &v->m->members[s->member_first];
    for (size_t i = 0; i < a->count; i++) {
        const char *entry = value_item(a, s->item_size, i);
        int code = check_value(v, &rows[0], entry + rows[0].offset);
        bool is_null = s->is_sparse && value_is_null(v->m, rows[1].shape, entry + rows[1].offset);
        if (code == OK && !is_null)
            code = check_value(v, &rows[1], entry + rows[1].offset);
        if (code == OK)
            continue;
        problem_in_key(v->problem, v->arena, *(const struct str *)(entry + rows[0].offset));
        return code;
    }
    return OK;
}

static int
check_value(struct validator *v, const struct wire_member *row, const void *at)
{
    const struct wire_shape *s = &v->m->shapes[row->shape];
    if (!value_is_present(s->type, at))
        return OK;
    if (s->constraint != 0)
        TRY(check_constraint(v, s, at));
    if (s->type == WIRE_STRUCTURE)
        return check_structure(v, row->shape, at);
    if (s->type == WIRE_LIST)
        return check_list(v, s, at);
    return s->type == WIRE_MAP ? check_map(v, s, at) : OK;
}

int
wire_validate(const struct wire_model *m, uint16_t shape, const void *in, struct arena *arena,
              struct wire_problem *problem)
{
    struct validator v = {.m = m, .arena = arena, .problem = problem};
    *problem = (struct wire_problem){0};
    if (check_structure(&v, shape, in) == OK)
        return OK;
    problem->message =
        arena_print(arena,
                    "1 validation error detected: Value" STR_FMT " at '" STR_FMT
                    "' failed to satisfy constraint: " STR_FMT,
                    STR_ARG(v.value), STR_ARG(problem->path), STR_ARG(problem->message));
    return E_INVALID;
}
