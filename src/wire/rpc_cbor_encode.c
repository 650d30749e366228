// Smithy RPC v2 CBOR responses: C structs to CBOR maps, and errors.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rpc_cbor.h"

#include "src/wire/cbor_item.h"
#include "src/wire/value.h"

enum { TAG_EPOCH_SECONDS = 1 };

static void put_value(const struct wire_model *m, const struct wire_member *row, const void *at,
                      struct buf *out);

static size_t
present_members(const struct wire_model *m, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(m, shape);
    size_t n = 0;
    for (size_t i = 0; i < m->shapes[shape].member_count; i++)
        n += rows[i].location == WIRE_IN_BODY && value_get(m, &rows[i], structure) != NULL;
    return n;
}

static void
put_name(const char *name, struct buf *out)
{
    cbor_put_string(out, CBOR_TEXT, str_of(name));
}

static void
put_members(const struct wire_model *m, uint16_t shape, const void *structure, struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        const void *at = value_get(m, &rows[i], structure);
        if (at == NULL || rows[i].location != WIRE_IN_BODY)
            continue;
        put_name(wire_text(m, rows[i].name), out);
        put_value(m, &rows[i], at, out);
    }
}

static void
put_structure(const struct wire_model *m, uint16_t shape, const void *structure, struct buf *out)
{
    cbor_put_head(out, CBOR_MAP, present_members(m, shape, structure));
    put_members(m, shape, structure, out);
}

static size_t
present_items(const struct wire_model *m, uint16_t shape, const struct wire_member *row,
              const struct wire_array *a)
{
    const struct wire_shape *s = &m->shapes[shape];
    size_t n = 0;
    for (size_t i = 0; i < a->count; i++) {
        const char *item = value_item(a, s->item_size, i);
        n += s->is_sparse || !value_is_null(m, row->shape, item + row->offset);
    }
    return n;
}

// The elements of a list, or the entries of a map with their keys. Those that are absent are null
// in sparse ones, and are left out of all others.
static void
put_array(const struct wire_model *m, uint16_t shape, const struct wire_array *a, struct buf *out)
{
    const struct wire_shape *s = &m->shapes[shape];
    bool is_map = s->type == WIRE_MAP;
    const struct wire_member *key = value_rows(m, shape);
    const struct wire_member *row = is_map ? key + 1 : key;
    cbor_put_head(out, is_map ? CBOR_MAP : CBOR_ARRAY, present_items(m, shape, row, a));
    for (size_t i = 0; i < a->count; i++) {
        const char *item = value_item(a, s->item_size, i);
        bool is_null = value_is_null(m, row->shape, item + row->offset);
        if (is_null && !s->is_sparse)
            continue;
        if (is_map)
            cbor_put_string(out, CBOR_TEXT, *(const struct str *)(item + key->offset));
        if (is_null)
            cbor_put_null(out);
        else
            put_value(m, row, item + row->offset, out);
    }
}

// A float even for whole seconds: some clients read nothing else.
static void
put_time(struct buf *out, int64_t ms)
{
    cbor_put_head(out, CBOR_TAG, TAG_EPOCH_SECONDS);
    cbor_put_float64(out, (double)ms / 1000);
}

static void
put_value(const struct wire_model *m, const struct wire_member *row, const void *at,
          struct buf *out)
{
    enum wire_type type = m->shapes[row->shape].type;
    switch (type) {
    case WIRE_STRUCTURE:
        put_structure(m, row->shape, at, out);
        break;
    case WIRE_LIST:
    case WIRE_MAP:
        put_array(m, row->shape, at, out);
        break;
    case WIRE_STRING:
        cbor_put_string(out, CBOR_TEXT, *(const struct str *)at);
        break;
    case WIRE_BLOB:
        cbor_put_string(out, CBOR_BYTES, *(const struct str *)at);
        break;
    case WIRE_BOOLEAN:
        cbor_put_bool(out, ((const struct opt_bool *)at)->value);
        break;
    case WIRE_INTEGER:
    case WIRE_LONG:
        cbor_put_int(out, value_int(type, at));
        break;
    case WIRE_DOUBLE:
        cbor_put_float(out, ((const struct opt_double *)at)->value);
        break;
    case WIRE_TIMESTAMP:
        put_time(out, ((const struct opt_time *)at)->value);
        break;
    case WIRE_STREAM:
    case WIRE_EVENTS:
    case WIRE_DOCUMENT:
        CHECK(!"a type that this protocol has");
    }
}

void
wire_rpc_cbor_encode(const struct wire_model *m, uint16_t shape, const void *in, struct buf *out)
{
    put_structure(m, shape, in, out);
}

static void
put_type(const struct wire_error_text *e, struct buf *out)
{
    bool has_namespace = e->namespace_.len > 0;
    cbor_put_head(out, CBOR_TEXT, e->namespace_.len + has_namespace + e->name.len);
    buf_put(out, e->namespace_);
    if (has_namespace)
        buf_put_char(out, '#');
    buf_put(out, e->name);
}

void
wire_rpc_cbor_encode_error(const struct wire_error_text *e, struct buf *out)
{
    bool has_message = str_is_present(e->message);
    size_t context = e->context == NULL ? 0 : present_members(e->m, e->shape, e->context);
    cbor_put_head(out, CBOR_MAP, 1 + has_message + context + e->field_count);
    put_name("__type", out);
    put_type(e, out);
    if (has_message) {
        cbor_put_string(out, CBOR_TEXT,
                        str_is_present(e->message_name) ? e->message_name : STR("message"));
        cbor_put_string(out, CBOR_TEXT, e->message);
    }
    if (context > 0)
        put_members(e->m, e->shape, e->context, out);
    for (size_t i = 0; i < e->field_count; i++) {
        put_name(e->fields[i].name, out);
        cbor_put_string(out, CBOR_TEXT, e->fields[i].value);
    }
}
