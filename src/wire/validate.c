// Checks inputs against the model: required members, unions, patterns, enums, lengths and ranges.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/validate.h"

#include "src/base/stream.h"
#include "src/base/utf8.h"
#include "src/wire/shown.h"
#include "src/wire/value.h"
#include "src/wire/violation.h"

struct validator {
    const struct wire_model *m;
    struct wire_patterns *patterns;
    struct violations found;
    bool has_required_first; // a structure's required members come before what is in the others
};

// Each of these returns E_INVALID when the walk is to end.
static int check_value(struct validator *v, const struct wire_shape *s, const void *at,
                       const struct violation_step *step);

static const struct wire_constraint *
constraint_of(const struct validator *v, const struct wire_shape *s)
{
    return &v->m->constraints[s->constraint];
}

// The measure of a bound: characters, bytes, elements, or the value itself. Doubles have their own.
static int64_t
measure(const struct wire_shape *s, const void *at)
{
    switch (s->type) {
    case WIRE_STRING:
        return (int64_t)utf8_length(*(const struct str *)at);
    case WIRE_BLOB:
        return (int64_t)((const struct str *)at)->len;
    case WIRE_LIST:
    case WIRE_MAP:
        return (int64_t)((const struct wire_array *)at)->count;
    case WIRE_STREAM:
        return (*(struct stream *const *)at)->length;
    default:
        return value_int(s->type, at);
    }
}

// A stream may end where it likes: then who reads it counts.
static bool
is_bounded(const struct wire_shape *s, const void *at)
{
    if (s->type == WIRE_STREAM)
        return measure(s, at) != STREAM_LENGTH_UNKNOWN;
    return s->type != WIRE_STRUCTURE && s->type != WIRE_BOOLEAN && s->type != WIRE_TIMESTAMP &&
           s->type != WIRE_DOCUMENT;
}

// NaN is in no range.
static bool
breaks_min(const struct wire_constraint *c, const struct wire_shape *s, const void *at)
{
    if (c->min == INT64_MIN || !is_bounded(s, at))
        return false;
    if (s->type == WIRE_DOUBLE)
        return !(((const struct opt_double *)at)->value >= (double)c->min / WIRE_FRACTION);
    return measure(s, at) < c->min;
}

static bool
breaks_max(const struct wire_constraint *c, const struct wire_shape *s, const void *at)
{
    if (c->max == INT64_MAX || !is_bounded(s, at))
        return false;
    if (s->type == WIRE_DOUBLE)
        return !(((const struct opt_double *)at)->value <= (double)c->max / WIRE_FRACTION);
    return measure(s, at) > c->max;
}

static bool
breaks_pattern(const struct validator *v, const struct wire_constraint *c,
               const struct wire_shape *s, const void *at)
{
    // No answer in the time that a string of its length may take: it is not let in.
    return s->type == WIRE_STRING && c->pattern != 0 &&
           wire_pattern_check(v->patterns, v->m, c, *(const struct str *)at) != OK;
}

static bool
breaks_enum(const struct validator *v, const struct wire_constraint *c, const struct wire_shape *s,
            const void *at)
{
    if (s->type != WIRE_STRING || c->enum_count == 0)
        return false;
    for (size_t i = 0; i < c->enum_count; i++) {
        struct str value = str_of(wire_text(v->m, v->m->enum_values[c->enum_first + i]));
        if (str_eq(*(const struct str *)at, value))
            return false;
    }
    return true;
}

static void
put_enum(const struct validator *v, const struct wire_constraint *c, struct buf *out)
{
    buf_put(out, STR("Member must satisfy enum value set: ["));
    for (size_t i = 0; i < c->enum_count; i++) {
        buf_put(out, i == 0 ? STR("") : STR(", "));
        buf_put(out, str_of(wire_text(v->m, v->m->enum_values[c->enum_first + i])));
    }
    buf_put_char(out, ']');
}

static void
put_bound(const struct wire_shape *s, const char *relation, int64_t bound, struct buf *out)
{
    bool is_value = s->type == WIRE_INTEGER || s->type == WIRE_LONG || s->type == WIRE_DOUBLE;
    buf_print(out, "Member must have %s %s than or equal to ", is_value ? "value" : "length",
              relation);
    if (s->type == WIRE_DOUBLE)
        buf_print(out, "%.15g", (double)bound / WIRE_FRACTION);
    else
        buf_put_int(out, bound);
}

static void
put_pattern(const struct validator *v, const struct wire_constraint *c, struct buf *out)
{
    buf_print(out, "Member must satisfy regular expression pattern: %s",
              wire_text(v->m, c->pattern));
}

static int
add(struct validator *v, enum wire_problem_kind kind, const struct violation_step *step,
    struct str value, struct str constraint)
{
    return violations_add(&v->found, kind, step, value, constraint) ? OK : E_INVALID;
}

static int
add_broken(struct validator *v, const struct wire_shape *s, const void *at,
           const struct violation_step *step, const struct buf *constraint)
{
    struct str value = shown_value(v->m, s, at, v->found.arena);
    return add(v, WIRE_PROBLEM_VALUE, step, value, buf_str(constraint));
}

static int
check_constraint(struct validator *v, const struct wire_shape *s, const void *at,
                 const struct violation_step *step)
{
    const struct wire_constraint *c = constraint_of(v, s);
    struct buf out;
    if (breaks_pattern(v, c, s, at)) {
        buf_init(&out, v->found.arena, 0);
        put_pattern(v, c, &out);
        TRY(add_broken(v, s, at, step, &out));
    }
    if (breaks_enum(v, c, s, at)) {
        buf_init(&out, v->found.arena, 0);
        put_enum(v, c, &out);
        TRY(add_broken(v, s, at, step, &out));
    }
    bool is_below = breaks_min(c, s, at);
    if (!is_below && !breaks_max(c, s, at))
        return OK;
    buf_init(&out, v->found.arena, 0);
    put_bound(s, is_below ? "greater" : "less", is_below ? c->min : c->max, &out);
    return add_broken(v, s, at, step, &out);
}

// Elements, keys and values of entries that are no structures are told at their list or map, with
// everything that they must satisfy: "Map value must satisfy constraint: [Member must have length
// less than or equal to 1000, Member must have length greater than or equal to 1]" (CodePipeline,
// aws-service-catalog-factory#279).
static int
add_element(struct validator *v, const char *what, const struct wire_shape *element,
            const struct wire_shape *s, const void *at, const struct violation_step *step)
{
    const struct wire_constraint *c = constraint_of(v, element);
    struct buf out;
    buf_init(&out, v->found.arena, 0);
    buf_print(&out, "%s must satisfy constraint: [", what);
    size_t start = out.len;
    if (c->max != INT64_MAX)
        put_bound(element, "less", c->max, &out);
    if (c->min != INT64_MIN) {
        buf_put(&out, out.len == start ? STR("") : STR(", "));
        put_bound(element, "greater", c->min, &out);
    }
    if (c->pattern != 0) {
        buf_put(&out, out.len == start ? STR("") : STR(", "));
        put_pattern(v, c, &out);
    }
    if (c->enum_count != 0) {
        buf_put(&out, out.len == start ? STR("") : STR(", "));
        put_enum(v, c, &out);
    }
    buf_put_char(&out, ']');
    return add_broken(v, s, at, step, &out);
}

static bool
breaks_any(const struct validator *v, const struct wire_shape *s, const void *at)
{
    const struct wire_constraint *c = constraint_of(v, s);
    return s->constraint != 0 && (breaks_pattern(v, c, s, at) || breaks_enum(v, c, s, at) ||
                                  breaks_min(c, s, at) || breaks_max(c, s, at));
}

static int
add_missing(struct validator *v, const struct wire_member *row, const struct violation_step *up)
{
    struct violation_step step = {.up = up, .row = row};
    return add(v, WIRE_PROBLEM_MISSING, &step, STR(" null"), STR("Member must not be null"));
}

static int
check_required(struct validator *v, const struct wire_shape *s, const void *structure,
               const struct violation_step *step)
{
    const struct wire_member *rows = &v->m->members[s->member_first];
    for (size_t i = 0; i < s->member_count; i++) {
        bool is_missing =
            (rows[i].flags & WIRE_REQUIRED) != 0 && value_get(v->m, &rows[i], structure) == NULL;
        if (is_missing)
            TRY(add_missing(v, &rows[i], step));
    }
    return OK;
}

static int
check_union(struct validator *v, const struct wire_shape *s, const void *structure,
            const struct violation_step *step)
{
    const struct wire_member *rows = &v->m->members[s->member_first];
    size_t present = 0;
    for (size_t i = 0; i < s->member_count; i++)
        present += value_get(v->m, &rows[i], structure) != NULL;
    // None: the client sent a kind that this model does not know.
    if (present == 1)
        return OK;
    return add(v, WIRE_PROBLEM_VALUE, step, STR(""),
               STR("Member must have exactly one of its members set"));
}

static int
check_structure(struct validator *v, const struct wire_shape *s, const void *structure,
                const struct violation_step *up)
{
    const struct wire_member *rows = &v->m->members[s->member_first];
    if (v->has_required_first)
        TRY(check_required(v, s, structure, up));
    if (s->is_union)
        TRY(check_union(v, s, structure, up));
    for (size_t i = 0; i < s->member_count; i++) {
        const struct wire_shape *member = &v->m->shapes[rows[i].shape];
        bool is_required = (rows[i].flags & WIRE_REQUIRED) != 0;
        if (member->is_unchecked && !is_required)
            continue;
        const void *at = value_get(v->m, &rows[i], structure);
        struct violation_step step = {.up = up, .row = &rows[i]};
        if (at != NULL)
            TRY(check_value(v, member, at, &step));
        else if (is_required && !v->has_required_first)
            TRY(add_missing(v, &rows[i], up));
    }
    return OK;
}

// Whether the walk goes into an element or entry's value, or has to look at it from outside only.
static bool
has_inside(const struct wire_shape *s)
{
    return s->type == WIRE_STRUCTURE || s->type == WIRE_LIST || s->type == WIRE_MAP;
}

static int
check_list(struct validator *v, const struct wire_shape *s, const struct wire_array *a,
           const struct violation_step *up)
{
    const struct wire_member *row = &v->m->members[s->member_first];
    const struct wire_shape *element = &v->m->shapes[row->shape];
    if (element->is_unchecked)
        return OK;
    for (size_t i = 0; i < a->count; i++) {
        const char *at = (char *)value_item(a, s->item_size, i) + row->offset;
        struct violation_step step = {.up = up, .index = i};
        if (s->is_sparse && value_is_null(v->m, row->shape, at))
            continue;
        if (!has_inside(element) && breaks_any(v, element, at))
            return add_element(v, "Member", element, s, a, up);
        if (has_inside(element))
            TRY(check_value(v, element, at, &step));
    }
    return OK;
}

static int
check_keys(struct validator *v, const struct wire_shape *s, const struct wire_array *a,
           const struct violation_step *up)
{
    const struct wire_member *row = &v->m->members[s->member_first];
    const struct wire_shape *key = &v->m->shapes[row->shape];
    for (size_t i = 0; i < a->count && !key->is_unchecked; i++) {
        if (breaks_any(v, key, (char *)value_item(a, s->item_size, i) + row->offset))
            return add_element(v, "Map keys", key, s, a, up);
    }
    return OK;
}

static int
check_map(struct validator *v, const struct wire_shape *s, const struct wire_array *a,
          const struct violation_step *up)
{
    const struct wire_member *rows = &v->m->members[s->member_first];
    const struct wire_shape *value = &v->m->shapes[rows[1].shape];
    TRY(check_keys(v, s, a, up));
    for (size_t i = 0; i < a->count && !value->is_unchecked; i++) {
        const char *entry = value_item(a, s->item_size, i);
        const void *at = entry + rows[1].offset;
        struct violation_step step = {.up = up,
                                      .key = (const struct str *)(entry + rows[0].offset)};
        if (s->is_sparse && value_is_null(v->m, rows[1].shape, at))
            continue;
        if (!has_inside(value) && breaks_any(v, value, at))
            return add_element(v, "Map value", value, s, a, up);
        if (has_inside(value))
            TRY(check_value(v, value, at, &step));
    }
    return OK;
}

static int
check_value(struct validator *v, const struct wire_shape *s, const void *at,
            const struct violation_step *step)
{
    if (s->is_unchecked || !value_is_present(s->type, at))
        return OK;
    if (s->constraint != 0)
        TRY(check_constraint(v, s, at, step));
    if (s->type == WIRE_STRUCTURE)
        return check_structure(v, s, at, step);
    if (s->type == WIRE_LIST)
        return check_list(v, s, at, step);
    return s->type == WIRE_MAP ? check_map(v, s, at, step) : OK;
}

int
wire_validate(const struct wire_checks *checks, uint16_t shape, const void *in, struct arena *arena,
              struct wire_problem *problem)
{
    struct validator v = {
        .m = checks->m,
        .patterns = checks->patterns,
        .found = {.m = checks->m, .wording = checks->wording, .arena = arena, .problem = problem},
        .has_required_first = checks->wording != WIRE_WORDING_JOINED,
    };
    *problem = (struct wire_problem){0};
    // E_INVALID means that the walk ended early: what was found by then is told.
    int code = check_value(&v, &checks->m->shapes[shape], in, NULL);
    CHECK(code == OK || v.found.count > 0);
    return violations_end(&v.found);
}
