// awsJson1_0 and awsJson1_1 responses: C structs to JSON text, and error bodies.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/json_value.h"

#include <math.h>

#include "src/base/encoding.h"
#include "src/wire/json.h"
#include "src/wire/protocol.h"
#include "src/wire/scalar.h"

// Names of the model hold nothing that JSON escapes.
static void
put_name(struct buf *out, const char *name, bool is_first)
{
    size_t len = strlen(name);
    char *to = buf_reserve(out, len + 4);
    char *start = to;
    if (!is_first)
        *to++ = ',';
    *to++ = '"';
    memcpy(to, name, len);
    to += len;
    *to++ = '"';
    *to++ = ':';
    out->len += (size_t)(to - start);
}

static void
put_blob(struct buf *out, struct str bytes)
{
    buf_put_char(out, '"');
    base64_encode(bytes, out);
    buf_put_char(out, '"');
}

static void
put_double(struct buf *out, double value)
{
    const char *quote = isfinite(value) ? "" : "\"";
    buf_put(out, str_of(quote));
    scalar_put_double(out, value);
    buf_put(out, str_of(quote));
}

static void
put_time(struct buf *out, enum wire_time_format format, int64_t ms)
{
    bool is_text = format == WIRE_TIME_ISO || format == WIRE_TIME_HTTP;
    const char *quote = is_text ? "\"" : "";
    buf_put(out, str_of(quote));
    scalar_put_time(out, is_text ? format : WIRE_TIME_EPOCH, ms);
    buf_put(out, str_of(quote));
}

bool
json_put_members(const struct wire_model *m, uint16_t shape, const void *structure, bool is_first,
                 struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    bool is_any = false;
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        const void *at = value_get(m, &rows[i], structure);
        if (at == NULL || rows[i].location != WIRE_IN_BODY)
            continue;
        put_name(out, wire_text(m, rows[i].json_name), is_first && !is_any);
        json_put_value(m, &rows[i], at, out);
        is_any = true;
    }
    return is_any;
}

static void
put_structure(const struct wire_model *m, uint16_t shape, const void *structure, struct buf *out)
{
    buf_put_char(out, '{');
    json_put_members(m, shape, structure, true, out);
    buf_put_char(out, '}');
}

static void
put_element(const struct wire_model *m, const struct wire_member *row, const void *at,
            struct buf *out)
{
    if (value_is_null(m, row->shape, at))
        buf_put(out, STR("null"));
    else
        json_put_value(m, row, at, out);
}

static void
put_list(const struct wire_model *m, uint16_t shape, const struct wire_array *a, struct buf *out)
{
    const struct wire_member *row = value_rows(m, shape);
    size_t item_size = m->shapes[shape].item_size;
    buf_put_char(out, '[');
    for (size_t i = 0; i < a->count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        put_element(m, row, (char *)value_item(a, item_size, i) + row->offset, out);
    }
    buf_put_char(out, ']');
}

static void
put_map(const struct wire_model *m, uint16_t shape, const struct wire_array *a, struct buf *out)
{
    const struct wire_member *rows = value_rows(m, shape);
    size_t item_size = m->shapes[shape].item_size;
    buf_put_char(out, '{');
    for (size_t i = 0; i < a->count; i++) {
        const char *entry = value_item(a, item_size, i);
        if (i > 0)
            buf_put_char(out, ',');
        json_put_string(out, *(const struct str *)(entry + rows[0].offset));
        buf_put_char(out, ':');
        put_element(m, &rows[1], entry + rows[1].offset, out);
    }
    buf_put_char(out, '}');
}

void
json_put_value(const struct wire_model *m, const struct wire_member *row, const void *at,
               struct buf *out)
{
    enum wire_type type = m->shapes[row->shape].type;
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
        json_put_string(out, *(const struct str *)at);
        break;
    case WIRE_BLOB:
        put_blob(out, *(const struct str *)at);
        break;
    case WIRE_BOOLEAN:
        buf_put(out, ((const struct opt_bool *)at)->value ? STR("true") : STR("false"));
        break;
    case WIRE_INTEGER:
    case WIRE_LONG:
        buf_put_int(out, value_int(type, at));
        break;
    case WIRE_DOUBLE:
        put_double(out, ((const struct opt_double *)at)->value);
        break;
    case WIRE_TIMESTAMP:
        put_time(out, row->time_format, ((const struct opt_time *)at)->value);
        break;
    case WIRE_DOCUMENT:
        buf_put(out, *(const struct str *)at);
        break;
    case WIRE_STREAM:
    case WIRE_EVENTS:
        CHECK(!"a type that has a text");
    }
}

void
wire_json_encode(const struct wire_model *m, uint16_t shape, const void *in, struct buf *out)
{
    put_structure(m, shape, in, out);
}

void
json_put_error_members(const struct wire_error_text *e, bool is_first, struct buf *out)
{
    if (str_is_present(e->message)) {
        buf_put(out, is_first ? STR("") : STR(","));
        json_put_string(out, str_is_present(e->message_name) ? e->message_name : STR("message"));
        buf_put_char(out, ':');
        json_put_string(out, e->message);
        is_first = false;
    }
    if (e->context != NULL)
        is_first = !json_put_members(e->m, e->shape, e->context, is_first, out) && is_first;
    for (size_t i = 0; i < e->field_count; i++) {
        buf_put(out, is_first ? STR("") : STR(","));
        json_put_string(out, str_of(e->fields[i].name));
        buf_put_char(out, ':');
        json_put_string(out, e->fields[i].value);
        is_first = false;
    }
}

void
wire_json_encode_error(const struct wire_error_text *e, struct buf *out)
{
    struct buf type;
    buf_init(&type, out->arena, e->namespace_.len + 1 + e->name.len);
    if (e->namespace_.len > 0) {
        buf_put(&type, e->namespace_);
        buf_put_char(&type, '#');
    }
    buf_put(&type, e->name);
    buf_put(out, STR("{\"__type\":"));
    json_put_string(out, buf_str(&type));
    json_put_error_members(e, false, out);
    buf_put_char(out, '}');
}
