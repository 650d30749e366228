// CBOR (RFC 8949) by the same tables, with field ids for keys: the form of records.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor.h"

#include "src/wire/cbor_item.h"
#include "src/wire/value.h"

struct record_decoder {
    struct decoder base;
    struct cbor_reader reader;
};

static void put_value(const struct wire_model *m, const struct wire_member *row, const void *at,
                      struct buf *out);
static int read_value(struct record_decoder *d, const struct wire_member *row, void *at);

static size_t
present_members(const struct wire_model *m, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(m, shape);
    size_t n = 0;
    for (size_t i = 0; i < m->shapes[shape].member_count; i++)
        n += value_get(m, &rows[i], structure) != NULL;
    return n;
}

static void
put_structure(const struct wire_model *m, uint16_t shape, const void *structure, struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    cbor_put_head(out, CBOR_MAP, present_members(m, shape, structure));
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        CHECK(i == 0 || rows[i].id > rows[i - 1].id);
        const void *at = value_get(m, &rows[i], structure);
        if (at == NULL)
            continue;
        cbor_put_head(out, CBOR_UNSIGNED, rows[i].id);
        put_value(m, &rows[i], at, out);
    }
}

static void
put_list(const struct wire_model *m, uint16_t shape, const struct wire_array *a, struct buf *out)
{
    const struct wire_member *row = value_rows(m, shape);
    cbor_put_head(out, CBOR_ARRAY, a->count);
    for (size_t i = 0; i < a->count; i++) {
        const char *item = value_item(a, m->shapes[shape].item_size, i);
        put_value(m, row, item + row->offset, out);
    }
}

static void
put_map(const struct wire_model *m, uint16_t shape, const struct wire_array *a, struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    cbor_put_head(out, CBOR_MAP, a->count);
    for (size_t i = 0; i < a->count; i++) {
        const char *entry = value_item(a, m->shapes[shape].item_size, i);
        cbor_put_string(out, CBOR_TEXT, *(const struct str *)(entry + rows[0].offset));
        put_value(m, &rows[1], entry + rows[1].offset, out);
    }
}

// Absent values can only be elements of lists and maps: nulls keep their places.
static void
put_value(const struct wire_model *m, const struct wire_member *row, const void *at,
          struct buf *out)
{
    enum wire_type type = m->shapes[row->shape].type;
    if (!value_is_present(type, at)) {
        cbor_put_null(out);
        return;
    }
    switch (type) {
    case WIRE_STRUCTURE:
        put_structure(m, row->shape, at, out);
        break;
    case WIRE_LIST:
        put_list(m, row->shape, at, out);
        break;
    case WIRE_MAP:
        put_map(m, row->shape, at, out);
        break;
    case WIRE_STRING:
    case WIRE_DOCUMENT: // its JSON text
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
        cbor_put_double(out, ((const struct opt_double *)at)->value);
        break;
    case WIRE_TIMESTAMP:
        cbor_put_int(out, ((const struct opt_time *)at)->value);
        break;
    case WIRE_STREAM:
    case WIRE_EVENTS:
        CHECK(!"a type that records have");
    }
}

void
wire_cbor_encode(const struct wire_model *m, uint16_t shape, const void *in, struct buf *out)
{
    put_structure(m, shape, in, out);
}

// Ids come in ascending order, so one pass over the rows finds them all.
static const struct wire_member *
find_row(const struct wire_model *m, uint16_t shape, int64_t id, size_t *next)
{
    const struct wire_member *rows = value_rows(m, shape);
    while (*next < m->shapes[shape].member_count && rows[*next].id < id)
        ++*next;
    bool is_found = *next < m->shapes[shape].member_count && rows[*next].id == id;
    return is_found ? &rows[*next] : NULL;
}

static int
read_structure(struct record_decoder *d, uint16_t shape, void *structure)
{
    size_t count, next = 0;
    int64_t id, last = -1;
    void *at;
    TRY(cbor_read_count(&d->reader, CBOR_MAP, &count));
    for (size_t i = 0; i < count; i++, last = id) {
        TRY(cbor_read_int(&d->reader, &id));
        if (id <= last)
            return E_INVALID;
        const struct wire_member *row = find_row(d->base.m, shape, id, &next);
        if (row == NULL) {
            TRY(cbor_skip(&d->reader, WIRE_DEPTH_MAX - d->base.depth));
            continue;
        }
        TRY(value_place(&d->base, row, structure, &at));
        TRY(read_value(d, row, at));
    }
    return OK;
}

static int
read_element(struct record_decoder *d, const struct wire_member *row, void *at)
{
    return cbor_take_null(&d->reader) ? OK : read_value(d, row, at);
}

static int
read_list(struct record_decoder *d, uint16_t shape, struct wire_array *a)
{
    const struct wire_member *row = value_rows(d->base.m, shape);
    size_t count, item_size = d->base.m->shapes[shape].item_size;
    TRY(cbor_read_count(&d->reader, CBOR_ARRAY, &count));
    TRY(value_list_make(&d->base, item_size, count, a));
    for (size_t i = 0; i < count; i++)
        TRY(read_element(d, row, (char *)value_item(a, item_size, i) + row->offset));
    return OK;
}

static int
read_map(struct record_decoder *d, uint16_t shape, struct wire_array *a)
{
    const struct wire_member *rows = value_rows(d->base.m, shape);
    size_t count, item_size = d->base.m->shapes[shape].item_size;
    TRY(cbor_read_count(&d->reader, CBOR_MAP, &count));
    TRY(value_list_make(&d->base, item_size, count, a));
    for (size_t i = 0; i < count; i++) {
        char *entry = value_item(a, item_size, i);
        TRY(cbor_read_string(&d->reader, CBOR_TEXT, (struct str *)(entry + rows[0].offset)));
        TRY(read_element(d, &rows[1], entry + rows[1].offset));
    }
    return OK;
}

static int
read_scalar(struct cbor_reader *r, enum wire_type type, void *at)
{
    int64_t value;
    switch (type) {
    case WIRE_STRING:
    case WIRE_DOCUMENT:
        return cbor_read_string(r, CBOR_TEXT, at);
    case WIRE_BLOB:
        return cbor_read_string(r, CBOR_BYTES, at);
    case WIRE_BOOLEAN:
        ((struct opt_bool *)at)->is_present = true;
        return cbor_read_bool(r, &((struct opt_bool *)at)->value);
    case WIRE_DOUBLE:
        ((struct opt_double *)at)->is_present = true;
        return cbor_read_double(r, &((struct opt_double *)at)->value);
    case WIRE_TIMESTAMP:
        ((struct opt_time *)at)->is_present = true;
        return cbor_read_int(r, &((struct opt_time *)at)->value);
    default:
        TRY(cbor_read_int(r, &value));
        return value_set_int(type, at, value);
    }
}

static int
read_value(struct record_decoder *d, const struct wire_member *row, void *at)
{
    enum wire_type type = d->base.m->shapes[row->shape].type;
    if (type != WIRE_STRUCTURE && type != WIRE_LIST && type != WIRE_MAP)
        return read_scalar(&d->reader, type, at);
    TRY(value_enter(&d->base));
    if (type == WIRE_STRUCTURE)
        TRY(read_structure(d, row->shape, at));
    else if (type == WIRE_LIST)
        TRY(read_list(d, row->shape, at));
    else
        TRY(read_map(d, row->shape, at));
    value_leave(&d->base);
    return OK;
}

int
wire_cbor_decode(const struct wire_model *m, uint16_t shape, struct str bytes, struct arena *arena,
                 void *out)
{
    struct record_decoder d = {.base = {.m = m, .arena = arena, .depth = 1}};
    memset(out, 0, m->shapes[shape].c_size);
    cbor_reader_init(&d.reader, bytes);
    bool is_valid = read_structure(&d, shape, out) == OK && d.reader.at == d.reader.end;
    return is_valid ? OK : E_INVALID;
}
