// awsQuery and EC2 requests: a form straight into C structs.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/ec2.h"

#include "src/wire/form.h"
#include "src/wire/lookup.h"
#include "src/wire/problem.h"
#include "src/wire/text_value.h"

struct query_decoder {
    struct decoder base;
    struct lookup lookup;
    struct form form;
    bool is_ec2; // every list is flat, and there are no maps
};

static int read_member(struct query_decoder *d, const struct wire_member *row,
                       const struct form_range *range, void *structure);
static int read_value(struct query_decoder *d, const struct wire_member *row,
                      const struct form_range *range, void *at);

static int
wrong_type(struct query_decoder *d, enum wire_type type, struct str value)
{
    return text_wrong_type(&d->base, type, value);
}

static int
read_scalar(struct query_decoder *d, const struct wire_member *row, struct str text, void *at)
{
    if (!str_is_present(text))
        return OK;
    return text_read_scalar(&d->base, row, WIRE_TIME_ISO, text, at);
}

// A form cannot tell an empty list from an absent one, and clients who must send one mean it.
static void
set_required_lists(struct query_decoder *d, uint16_t shape, void *structure)
{
    const struct wire_member *rows = value_rows(d->base.m, shape);
    for (size_t i = 0; i < d->base.m->shapes[shape].member_count; i++) {
        struct wire_array *array = (struct wire_array *)((char *)structure + rows[i].offset);
        if ((rows[i].flags & WIRE_REQUIRED) != 0 &&
            d->base.m->shapes[rows[i].shape].type == WIRE_LIST && array->items == NULL)
            array->items = arena_alloc(d->base.arena, 0);
    }
}

static int
read_structure(struct query_decoder *d, uint16_t shape, struct form_range range, void *structure)
{
    struct str name;
    struct form_range below;
    size_t hint = 0;
    while (form_next(&d->form, &range, &name, &below)) {
        const struct wire_member *row = lookup_member(&d->lookup, shape, name, &hint);
        if (row != NULL)
            TRY(read_member(d, row, &below, structure));
    }
    if (!d->is_ec2)
        set_required_lists(d, shape, structure);
    return OK;
}

// A list's index as clients write it: digits without a leading zero.
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
read_item(struct query_decoder *d, const struct wire_member *row, const struct form_range *range,
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
missing_in_entry(struct query_decoder *d, const struct wire_member *row)
{
    const char *name = wire_text(d->base.m, row->query_name);
    int code = problem_set(d->base.problem, d->base.arena, WIRE_PROBLEM_MISSING,
                           "A map entry has no %s", name);
    problem_in_member(d->base.problem, d->base.arena, name);
    return code;
}

static int
fill_entry(struct query_decoder *d, const struct wire_member *rows, const struct form_range *range,
           char *entry)
{
    struct form_range key, value;
    if (!form_find(&d->form, range, str_of(wire_text(d->base.m, rows[0].query_name)), &key) ||
        !str_is_present(key.value))
        return missing_in_entry(d, &rows[0]);
    TRY(read_scalar(d, &rows[0], key.value, entry + rows[0].offset));
    if (!form_find(&d->form, range, str_of(wire_text(d->base.m, rows[1].query_name)), &value))
        return missing_in_entry(d, &rows[1]);
    void *at = entry + rows[1].offset;
    TRY(read_value(d, &rows[1], &value, at));
    bool is_present = value_is_present(d->base.m->shapes[rows[1].shape].type, at);
    return is_present ? OK : missing_in_entry(d, &rows[1]);
}

static int
read_entry(struct query_decoder *d, const struct wire_member *rows, const struct form_range *range,
           struct value_list *list)
{
    void *entry;
    TRY(value_list_add(&d->base, list, &entry));
    int code = fill_entry(d, rows, range, entry);
    if (code != OK)
        problem_in_item(d->base.problem, d->base.arena, list->array->count - 1);
    return code;
}

// What stands under the indexes of a list or map.
static int
read_indexed(struct query_decoder *d, uint16_t shape, struct form_range range, void *array)
{
    const struct wire_member *rows = value_rows(d->base.m, shape);
    bool is_map = d->base.m->shapes[shape].type == WIRE_MAP;
    struct value_list list;
    struct str segment;
    struct form_range below;
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    while (form_next(&d->form, &range, &segment, &below)) {
        if (!is_index(segment))
            return wrong_type(d, d->base.m->shapes[shape].type, segment);
        TRY(is_map ? read_entry(d, rows, &below, &list) : read_item(d, rows, &below, &list));
    }
    value_list_end(&d->base, &list);
    if (is_map)
        value_map_unique(d->base.arena, list.item_size, rows[0].offset, array);
    return OK;
}

// Clients send an empty list as `Name=`. Not inlined, so that nested structures do not pay for its
// stack.
static __attribute__((noinline)) int
read_array(struct query_decoder *d, const struct wire_member *row, const struct form_range *range,
           void *array)
{
    enum wire_type type = d->base.m->shapes[row->shape].type;
    uint32_t element = value_rows(d->base.m, row->shape)->query_name;
    struct str wrapper = type == WIRE_MAP ? STR("entry") : str_of(wire_text(d->base.m, element));
    struct form_range items = *range;
    if (range->value.len > 0 || (type == WIRE_MAP && d->is_ec2))
        return wrong_type(d, type, range->value);
    bool is_flat = (row->flags & WIRE_FLATTENED) != 0 || d->is_ec2;
    if (!is_flat && range->from < range->to && !form_find(&d->form, range, wrapper, &items))
        return OK;
    return read_indexed(d, row->shape, items, array);
}

static int
read_value(struct query_decoder *d, const struct wire_member *row, const struct form_range *range,
           void *at)
{
    int code;
    enum wire_type type = d->base.m->shapes[row->shape].type;
    if (type != WIRE_STRUCTURE && type != WIRE_LIST && type != WIRE_MAP)
        return read_scalar(d, row, range->value, at);
    TRY(value_enter(&d->base));
    if (type != WIRE_STRUCTURE)
        code = read_array(d, row, range, at);
    else if (range->value.len > 0)
        code = wrong_type(d, type, range->value);
    else
        code = read_structure(d, row->shape, *range, at);
    value_leave(&d->base);
    return code;
}

static int
read_member(struct query_decoder *d, const struct wire_member *row, const struct form_range *range,
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
read_form(struct query_decoder *d, uint16_t shape, struct str text, void *out)
{
    TRY(form_parse(d->base.arena, text, WIRE_ITEMS_MAX, &d->form));
    return read_structure(d, shape, form_all(&d->form), out);
}

static int
decode(struct query_decoder *d, uint16_t shape, struct str form, void *out)
{
    memset(out, 0, d->base.m->shapes[shape].c_size);
    *d->base.problem = (struct wire_problem){0};
    int code = read_form(d, shape, form, out);
    return code == OK ? OK
                      : problem_of_code(d->base.problem, d->base.arena, code,
                                        "The request is not a valid form");
}

static struct query_decoder
decoder_of(const struct wire_model *m, struct arena *arena, struct wire_problem *problem)
{
    return (struct query_decoder){
        .base = {.m = m, .arena = arena, .problem = problem, .depth = 1},
        .lookup = {.m = m, .arena = arena, .name_at = offsetof(struct wire_member, query_name)},
    };
}

int
wire_query_decode(const struct wire_model *m, uint16_t shape, struct str form, struct arena *arena,
                  void *out, struct wire_problem *problem)
{
    struct query_decoder d = decoder_of(m, arena, problem);
    return decode(&d, shape, form, out);
}

int
wire_ec2_decode(const struct wire_model *m, uint16_t shape, struct str form, struct arena *arena,
                void *out, struct wire_problem *problem)
{
    struct query_decoder d = decoder_of(m, arena, problem);
    d.is_ec2 = true;
    return decode(&d, shape, form, out);
}
