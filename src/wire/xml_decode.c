// XML elements to C structs by the tables: what the protocols that carry XML share.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/xml_decode.h"

#include "src/wire/lookup.h"
#include "src/wire/problem.h"
#include "src/wire/text_value.h"

struct xml_decoder {
    struct decoder base;
    struct lookup lookup;
};

static int read_value(struct xml_decoder *d, const struct wire_member *row,
                      const struct xml_node *node, void *at);

static struct str
trim(struct str s)
{
    size_t from = 0, to = s.len;
    while (from < to && strchr(" \t\r\n", s.ptr[from]) != NULL)
        from++;
    while (from < to && strchr(" \t\r\n", s.ptr[to - 1]) != NULL)
        to--;
    return str_slice(s, from, to);
}

static int
read_text(struct xml_decoder *d, const struct wire_member *row, struct str text, void *at)
{
    if (d->base.m->shapes[row->shape].type != WIRE_STRING)
        text = trim(text);
    if (text.len == 0)
        text = STR("");
    return text_read_scalar(&d->base, row, WIRE_TIME_ISO, text, at);
}

// A list or map of which every element is one of the row's own: begins at the first of them.
static bool
is_flat(const struct xml_decoder *d, const struct wire_member *row)
{
    uint8_t type = d->base.m->shapes[row->shape].type;
    return (type == WIRE_LIST || type == WIRE_MAP) && (row->flags & WIRE_FLATTENED) != 0;
}

static int
read_item(struct xml_decoder *d, const struct wire_member *row, const struct xml_node *node,
          struct value_list *list)
{
    void *item;
    TRY(value_list_add(&d->base, list, &item));
    int code = read_value(d, row, node, (char *)item + row->offset);
    if (code != OK)
        problem_in_item(d->base.problem, d->base.arena, list->array->count - 1);
    return code;
}

static int
missing_in_entry(struct xml_decoder *d, const struct wire_member *row)
{
    return problem_set(d->base.problem, d->base.arena, WIRE_PROBLEM_MISSING,
                       "A map entry has no %s", wire_text(d->base.m, row->xml_name));
}

static int
fill_entry(struct xml_decoder *d, const struct wire_member *rows, const struct xml_node *node,
           char *entry)
{
    for (size_t i = 0; i < 2; i++) {
        struct str name = str_of(wire_text(d->base.m, rows[i].xml_name));
        const struct xml_node *part = xml_find(node, name);
        if (part == NULL)
            return missing_in_entry(d, &rows[i]);
        TRY(read_value(d, &rows[i], part, entry + rows[i].offset));
    }
    return OK;
}

static int
read_entry(struct xml_decoder *d, const struct wire_member *rows, const struct xml_node *node,
           struct value_list *list)
{
    void *entry;
    TRY(value_list_add(&d->base, list, &entry));
    int code = fill_entry(d, rows, node, entry);
    if (code != OK)
        problem_in_item(d->base.problem, d->base.arena, list->array->count - 1);
    return code;
}

// The elements of that name from `node` on.
static int
read_array(struct xml_decoder *d, uint16_t shape, const struct xml_node *node, struct str name,
           void *array)
{
    const struct wire_member *rows = value_rows(d->base.m, shape);
    bool is_map = d->base.m->shapes[shape].type == WIRE_MAP;
    struct value_list list;
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    for (; node != NULL; node = node->next) {
        if (str_eq(node->name, name))
            TRY(is_map ? read_entry(d, rows, node, &list) : read_item(d, rows, node, &list));
    }
    value_list_end(&d->base, &list);
    if (is_map)
        value_map_unique(d->base.arena, list.item_size, rows[0].offset, array);
    return OK;
}

static int
read_member(struct xml_decoder *d, const struct wire_member *row, const struct xml_node *node,
            void *structure)
{
    void *at = (char *)structure + row->offset;
    int code;
    if (is_flat(d, row)) {
        bool is_read = ((const struct wire_array *)at)->items != NULL; // with its first element
        code = is_read ? OK : read_array(d, row->shape, node, node->name, at);
    } else {
        TRY(value_place(&d->base, row, structure, &at));
        code = read_value(d, row, node, at);
    }
    if (code != OK)
        problem_in_member(d->base.problem, d->base.arena, wire_text(d->base.m, row->name));
    return code;
}

static int
read_attribute(struct xml_decoder *d, const struct wire_member *row, struct str text,
               void *structure)
{
    void *at;
    TRY(value_place(&d->base, row, structure, &at));
    int code = read_text(d, row, text, at);
    if (code != OK)
        problem_in_member(d->base.problem, d->base.arena, wire_text(d->base.m, row->name));
    return code;
}

static int
read_structure(struct xml_decoder *d, uint16_t shape, const struct xml_node *node, void *structure)
{
    size_t hint = 0;
    for (const struct xml_attribute *a = node->attributes; a != NULL; a = a->next) {
        const struct wire_member *row = lookup_member(&d->lookup, shape, a->name, &hint);
        if (row != NULL && (row->flags & WIRE_XML_ATTRIBUTE) != 0)
            TRY(read_attribute(d, row, a->value, structure));
    }
    for (const struct xml_node *child = node->first; child != NULL; child = child->next) {
        const struct wire_member *row = lookup_member(&d->lookup, shape, child->name, &hint);
        if (row != NULL && (row->flags & WIRE_XML_ATTRIBUTE) == 0)
            TRY(read_member(d, row, child, structure));
    }
    return OK;
}

static int
read_value(struct xml_decoder *d, const struct wire_member *row, const struct xml_node *node,
           void *at)
{
    const struct wire_shape *s = &d->base.m->shapes[row->shape];
    struct str name = STR("entry");
    if (s->type == WIRE_STRUCTURE)
        return read_structure(d, row->shape, node, at);
    if (s->type != WIRE_LIST && s->type != WIRE_MAP)
        return read_text(d, row, buf_str(&node->text), at);
    if (s->type == WIRE_LIST)
        name = str_of(wire_text(d->base.m, value_rows(d->base.m, row->shape)->xml_name));
    return read_array(d, row->shape, node->first, name, at);
}

int
xml_decode_members(const struct decoder *base, uint16_t shape, const struct xml_node *node,
                   void *structure)
{
    struct xml_decoder d = {
        .base = *base,
        .lookup = {.m = base->m,
                   .arena = base->arena,
                   .name_at = offsetof(struct wire_member, xml_name)},
    };
    return read_structure(&d, shape, node, structure);
}
