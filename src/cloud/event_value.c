// Walks the tables of the model.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/event_value.h"

#include <ctype.h>

#include "src/wire/json.h"
#include "src/wire/scalar.h"
#include "src/wire/value.h"

struct printing {
    const struct wire_model *m;
    const char *hidden;
    struct buf *out;
};

static void put_value(const struct printing *p, const struct wire_member *row, const void *at);

static bool
is_listed(const char *names, const char *name)
{
    struct str one, rest = str_of(names);
    while (str_is_present(rest)) {
        str_cut(rest, ' ', &one, &rest);
        if (str_eq(one, str_of(name)))
            return true;
    }
    return false;
}

static bool
is_hidden(const struct printing *p, const struct wire_member *row)
{
    return p->m->shapes[row->shape].is_sensitive ||
           is_listed(p->hidden, wire_text(p->m, row->name));
}

static bool
is_left_out(const struct printing *p, const struct wire_member *row)
{
    return p->m->shapes[row->shape].type == WIRE_BLOB || (row->flags & WIRE_STREAMING);
}

static void
put_name(struct buf *out, const char *name)
{
    buf_put_char(out, '"');
    buf_put_char(out, (char)tolower((unsigned char)name[0]));
    buf_put(out, str_of(name + 1));
    buf_put(out, STR("\":"));
}

static void
put_structure(const struct printing *p, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(p->m, shape);
    bool is_first = true;
    buf_put_char(p->out, '{');
    for (size_t i = 0; i < p->m->shapes[shape].member_count; i++) {
        const void *at = value_get(p->m, &rows[i], structure);
        if (at == NULL || is_left_out(p, &rows[i]))
            continue;
        if (!is_first)
            buf_put_char(p->out, ',');
        is_first = false;
        put_name(p->out, wire_text(p->m, rows[i].name));
        put_value(p, &rows[i], at);
    }
    buf_put_char(p->out, '}');
}

static void
put_item(const struct printing *p, const struct wire_member *row, const void *at)
{
    if (is_left_out(p, row) || value_is_null(p->m, row->shape, at))
        buf_put(p->out, STR("null"));
    else
        put_value(p, row, at);
}

static void
put_list(const struct printing *p, uint16_t shape, const struct wire_array *a)
{
    const struct wire_member *row = value_rows(p->m, shape);
    buf_put_char(p->out, '[');
    for (size_t i = 0; i < a->count; i++) {
        if (i > 0)
            buf_put_char(p->out, ',');
        put_item(p, row, (const char *)a->items + i * p->m->shapes[shape].item_size + row->offset);
    }
    buf_put_char(p->out, ']');
}

static void
put_map(const struct printing *p, uint16_t shape, const struct wire_array *a)
{
    const struct wire_member *rows = value_rows(p->m, shape);
    buf_put_char(p->out, '{');
    for (size_t i = 0; i < a->count; i++) {
        const char *entry = (const char *)a->items + i * p->m->shapes[shape].item_size;
        if (i > 0)
            buf_put_char(p->out, ',');
        json_put_string(p->out, *(const struct str *)(entry + rows[0].offset));
        buf_put_char(p->out, ':');
        put_item(p, &rows[1], entry + rows[1].offset);
    }
    buf_put_char(p->out, '}');
}

static void
put_time(struct buf *out, int64_t ms)
{
    buf_put_char(out, '"');
    scalar_put_time(out, WIRE_TIME_ISO, ms);
    buf_put_char(out, '"');
}

static void
put_value(const struct printing *p, const struct wire_member *row, const void *at)
{
    enum wire_type type = p->m->shapes[row->shape].type;
    if (is_hidden(p, row))
        buf_put(p->out, STR("\"HIDDEN_DUE_TO_SECURITY_REASONS\""));
    else if (type == WIRE_STRUCTURE)
        put_structure(p, row->shape, at);
    else if (type == WIRE_LIST)
        put_list(p, row->shape, at);
    else if (type == WIRE_MAP)
        put_map(p, row->shape, at);
    else if (type == WIRE_BOOLEAN)
        buf_put(p->out, ((const struct opt_bool *)at)->value ? STR("true") : STR("false"));
    else if (type == WIRE_INTEGER || type == WIRE_LONG)
        buf_put_int(p->out, value_int(type, at));
    else if (type == WIRE_DOUBLE)
        scalar_put_double(p->out, ((const struct opt_double *)at)->value);
    else if (type == WIRE_TIMESTAMP)
        put_time(p->out, ((const struct opt_time *)at)->value);
    else
        json_put_string(p->out, *(const struct str *)at);
}

void
event_put_value(const struct wire_model *m, uint16_t shape, const void *structure,
                const char *hidden, const char *what, struct buf *out)
{
    size_t begin = out->len;
    put_structure(&(struct printing){m, hidden, out}, shape, structure);
    size_t bytes = out->len - begin;
    if (bytes <= EVENT_VALUE_BYTES_MAX)
        return;
    out->len = begin;
    buf_print(out, "{\"omitted\":true,\"originalSize\":%zu,\"reason\":\"%s too large\"}", bytes,
              what);
}
