// EC2 requests: a form, whose lists are all flat, straight into C structs.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/ec2.h"

#include "src/wire/form.h"
#include "src/wire/lookup.h"
#include "src/wire/problem.h"
#include "src/wire/text_value.h"

struct ec2_decoder {
    struct decoder base;
    struct lookup lookup;
    struct form form;
};

static int read_value(struct ec2_decoder *d, const struct wire_member *row,
                      const struct form_range *range, void *at);

static int
read_member(struct ec2_decoder *d, const struct wire_member *row, const struct form_range *range,
            void *structure)
{
    void *at;
    TRY(value_place(&d->base, row, structure, &at));
    int code = read_value(d, row, range, at);
    if (code != OK)
        problem_in_member(d->base.problem, d->base.arena, wire_text(d->base.m, row->name));
    return code;
}

static int
read_structure(struct ec2_decoder *d, uint16_t shape, struct form_range range, void *structure)
{
    struct str name;
    struct form_range below;
    size_t hint = 0;
    while (form_next(&d->form, &range, &name, &below)) {
        const struct wire_member *row = lookup_member(&d->lookup, shape, name, &hint);
        if (row != NULL)
            TRY(read_member(d, row, &below, structure));
    }
    return OK;
}

// Digits without a leading zero.
static bool
is_index(struct str segment)
{
    for (size_t i = 0; i < segment.len; i++) {
        if (segment.ptr[i] < '0' || segment.ptr[i] > '9')
            return false;
    }
    return segment.len == 1 || (segment.len > 1 && segment.ptr[0] != '0');
}

static int
read_item(struct ec2_decoder *d, const struct wire_member *row, const struct form_range *range,
          struct value_list *list)
{
    void *item;
    TRY(value_list_add(&d->base, list, &item));
    void *at = (char *)item + row->offset;
    int code = read_value(d, row, range, at);
    if (code != OK)
        problem_in_item(d->base.problem, d->base.arena, list->array->count - 1);
    else if (!value_is_present(d->base.m->shapes[row->shape].type, at))
        value_list_drop(list); // only unknown names stood under the index
    return code;
}

static int
read_list(struct ec2_decoder *d, uint16_t shape, struct form_range range, void *array)
{
    struct value_list list;
    struct str segment;
    struct form_range below;
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    while (form_next(&d->form, &range, &segment, &below)) {
        if (!is_index(segment))
            return text_wrong_type(&d->base, WIRE_LIST, segment);
        TRY(read_item(d, value_rows(d->base.m, shape), &below, &list));
    }
    value_list_end(&d->base, &list);
    return OK;
}

// The protocol has no form for maps, and no model of it has one.
static int
read_aggregate(struct ec2_decoder *d, uint16_t shape, const struct form_range *range, void *at)
{
    enum wire_type type = d->base.m->shapes[shape].type;
    if (range->value.len > 0 || type == WIRE_MAP)
        return text_wrong_type(&d->base, type, range->value);
    if (type == WIRE_LIST)
        return read_list(d, shape, *range, at);
    return read_structure(d, shape, *range, at);
}

static int
read_value(struct ec2_decoder *d, const struct wire_member *row, const struct form_range *range,
           void *at)
{
    enum wire_type type = d->base.m->shapes[row->shape].type;
    if (type == WIRE_STRUCTURE || type == WIRE_LIST || type == WIRE_MAP) {
        TRY(value_enter(&d->base));
        int code = read_aggregate(d, row->shape, range, at);
        value_leave(&d->base);
        return code;
    }
    if (!str_is_present(range->value))
        return OK;
    return text_read_scalar(&d->base, row, WIRE_TIME_ISO, range->value, at);
}

static int
read_form(struct ec2_decoder *d, uint16_t shape, struct str text, void *out)
{
    TRY(form_parse(d->base.arena, text, WIRE_ITEMS_MAX, &d->form));
    return read_structure(d, shape, form_all(&d->form), out);
}

int
wire_ec2_decode(const struct wire_model *m, uint16_t shape, struct str form, struct arena *arena,
                void *out, struct wire_problem *problem)
{
    struct ec2_decoder d = {
        .base = {.m = m, .arena = arena, .problem = problem, .depth = 1},
        .lookup = {.m = m, .arena = arena, .name_at = offsetof(struct wire_member, query_name)},
    };
    *problem = (struct wire_problem){0};
    memset(out, 0, m->shapes[shape].c_size);
    int code = read_form(&d, shape, form, out);
    return code == OK ? OK
                      : problem_of_code(problem, arena, code, "The request is not a valid form");
}
