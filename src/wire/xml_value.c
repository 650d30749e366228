// C structs to XML elements by the tables: what the protocols that answer in XML share.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/xml_value.h"

#include "src/wire/text_value.h"
#include "src/wire/xml.h"

enum {
    LONG_LIST = 16,                   // elements
    EXPECTED_BYTES_MAX = 1024 * 1024, // that are taken before they are written
};

static void put_element(const struct wire_model *m, const struct wire_member *row, const char *name,
                        const void *at, struct buf *out);

static void
put_scalar(const struct wire_member *row, enum wire_type type, const void *at, struct buf *out)
{
    if (type == WIRE_STRING)
        xml_put_text(out, *(const struct str *)at);
    else
        text_put_scalar(type, text_time_format(row, WIRE_TIME_ISO), at, out);
}

static void
put_open(const struct wire_model *m, const struct wire_member *row, const char *name,
         struct buf *out)
{
    xml_put_open(out, name);
    if (row->xml_namespace == 0)
        return;
    out->len--;
    buf_put_char(out, ' ');
    buf_put(out, str_of(wire_text(m, m->xml_namespaces[row->xml_namespace])));
    buf_put_char(out, '>');
}

static void
put_entry(const struct wire_model *m, const struct wire_member *rows, const char *entry,
          const char *name, struct buf *out)
{
    xml_put_open(out, name);
    put_element(m, &rows[0], wire_text(m, rows[0].xml_name), entry + rows[0].offset, out);
    put_element(m, &rows[1], wire_text(m, rows[1].xml_name), entry + rows[1].offset, out);
    xml_put_close(out, name);
}

// Elements are mostly as long as the first: room for all of them is taken at once, instead of by
// buffers that double and are copied.
static void
expect_items(struct buf *out, size_t first_bytes, size_t left)
{
    size_t bytes = first_bytes + first_bytes / 8 + 8; // numbers grow, and some are longer
    if (left >= LONG_LIST)
        buf_reserve(out, bytes > EXPECTED_BYTES_MAX / left ? EXPECTED_BYTES_MAX : bytes * left);
}

// Elements of a list or entries of a map, each under that name.
static void
put_items(const struct wire_model *m, uint16_t shape, const struct wire_array *a, const char *name,
          struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    size_t start = out->len;
    for (size_t i = 0; i < a->count; i++) {
        const char *item = value_item(a, m->shapes[shape].item_size, i);
        if (m->shapes[shape].type == WIRE_MAP)
            put_entry(m, rows, item, name, out);
        else
            put_element(m, &rows[0], name, item + rows[0].offset, out);
        if (i == 0)
            expect_items(out, out->len - start, a->count - 1);
    }
}

static void
put_array(const struct wire_model *m, const struct wire_member *row, const char *name,
          const void *at, struct buf *out)
{
    const struct wire_member *element = value_rows(m, row->shape);
    bool is_map = m->shapes[row->shape].type == WIRE_MAP;
    if ((row->flags & WIRE_FLATTENED) != 0) {
        put_items(m, row->shape, at, name, out);
        return;
    }
    put_open(m, row, name, out);
    put_items(m, row->shape, at, is_map ? "entry" : wire_text(m, element->xml_name), out);
    xml_put_close(out, name);
}

static void
put_attribute(const struct wire_model *m, const struct wire_member *row, const void *at,
              struct buf *out)
{
    buf_put_char(out, ' ');
    buf_put(out, str_of(wire_text(m, row->xml_name)));
    buf_put(out, STR("=\""));
    put_scalar(row, m->shapes[row->shape].type, at, out);
    buf_put_char(out, '"');
}

static bool
has_attributes(const struct wire_model *m, uint16_t shape)
{
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        if ((rows[i].flags & WIRE_XML_ATTRIBUTE) != 0)
            return true;
    }
    return false;
}

static void
put_attributes(const struct wire_model *m, uint16_t shape, const void *structure, struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        const void *at = value_get(m, &rows[i], structure);
        if (at != NULL && (rows[i].flags & WIRE_XML_ATTRIBUTE) != 0)
            put_attribute(m, &rows[i], at, out);
    }
}

void
xml_put_root(const struct wire_model *m, uint16_t shape, const char *name, struct str attributes,
             const void *structure, struct buf *out)
{
    xml_put_open(out, name);
    if (attributes.len > 0 || has_attributes(m, shape)) {
        out->len--;
        if (attributes.len > 0) {
            buf_put_char(out, ' ');
            buf_put(out, attributes);
        }
        put_attributes(m, shape, structure, out);
        buf_put_char(out, '>');
    }
    xml_put_members(m, shape, structure, out);
    xml_put_close(out, name);
}

// An absent element of a list is left out.
static void
put_element(const struct wire_model *m, const struct wire_member *row, const char *name,
            const void *at, struct buf *out)
{
    enum wire_type type = m->shapes[row->shape].type;
    if (!value_is_present(type, at))
        return;
    if (type == WIRE_STRUCTURE) {
        struct str uri = {0};
        if (row->xml_namespace != 0)
            uri = str_of(wire_text(m, m->xml_namespaces[row->xml_namespace]));
        xml_put_root(m, row->shape, name, uri, at, out);
    } else if (type == WIRE_LIST || type == WIRE_MAP) {
        put_array(m, row, name, at, out);
    } else if (type == WIRE_STRING && row->xml_namespace == 0) {
        xml_put_element(out, name, *(const struct str *)at);
    } else {
        put_open(m, row, name, out);
        put_scalar(row, type, at, out);
        xml_put_close(out, name);
    }
}

void
xml_put_members(const struct wire_model *m, uint16_t shape, const void *structure, struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        const void *at = value_get(m, &rows[i], structure);
        if (at != NULL && rows[i].location == WIRE_IN_BODY &&
            (rows[i].flags & WIRE_XML_ATTRIBUTE) == 0)
            put_element(m, &rows[i], wire_text(m, rows[i].xml_name), at, out);
    }
}

void
xml_put_error_members(const struct wire_error_text *e, struct buf *out)
{
    xml_put_element(out, "Code", e->query_code);
    if (str_is_present(e->message))
        xml_put_element(out, "Message", e->message);
    if (e->context != NULL)
        xml_put_members(e->m, e->shape, e->context, out);
    for (size_t i = 0; i < e->field_count; i++)
        xml_put_element(out, e->fields[i].name, e->fields[i].value);
}
