// awsQuery and EC2, the client's side: forms from C structs, C structs from XML documents.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/query_request.h"

#include "src/base/encoding.h"
#include "src/wire/text_value.h"
#include "src/wire/xml_decode.h"

// `prefix` is the name that leads to a value: "Entries.member.1.Id".
struct form_writer {
    const struct wire_model *m;
    struct buf *out;
    struct buf prefix;
    bool is_ec2;
};

static void put_value(struct form_writer *w, const struct wire_member *row, const void *at);

static void
put_pair(struct form_writer *w, struct str value)
{
    if (w->out->len > 0)
        buf_put_char(w->out, '&');
    percent_encode(buf_str(&w->prefix), false, w->out);
    buf_put_char(w->out, '=');
    percent_encode(value, false, w->out);
}

// Puts a segment behind the prefix and returns where it began, to be cut off there again.
static size_t
enter(struct form_writer *w, struct str segment)
{
    size_t before = w->prefix.len;
    if (before > 0)
        buf_put_char(&w->prefix, '.');
    buf_put(&w->prefix, segment);
    return before;
}

static void
put_below(struct form_writer *w, const struct wire_member *row, const void *at)
{
    size_t before = enter(w, str_of(wire_text(w->m, row->query_name)));
    put_value(w, row, at);
    w->prefix.len = before;
}

static void
put_structure(struct form_writer *w, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(w->m, shape);
    for (size_t i = 0; i < w->m->shapes[shape].member_count; i++) {
        const void *at = value_get(w->m, &rows[i], structure);
        if (at != NULL)
            put_below(w, &rows[i], at);
    }
}

static void
put_items(struct form_writer *w, uint16_t shape, const struct wire_array *a)
{
    const struct wire_member *rows = value_rows(w->m, shape);
    bool is_map = w->m->shapes[shape].type == WIRE_MAP;
    for (size_t i = 0; i < a->count; i++) {
        const char *item = value_item(a, w->m->shapes[shape].item_size, i);
        size_t before = enter(w, arena_print(w->out->arena, "%zu", i + 1));
        if (is_map) {
            put_below(w, &rows[0], item + rows[0].offset);
            put_below(w, &rows[1], item + rows[1].offset);
        } else {
            put_value(w, &rows[0], item + rows[0].offset);
        }
        w->prefix.len = before;
    }
}

static void
put_array(struct form_writer *w, const struct wire_member *row, const struct wire_array *a)
{
    size_t before = w->prefix.len;
    bool is_map = w->m->shapes[row->shape].type == WIRE_MAP;
    if (a->count == 0 && !is_map && !w->is_ec2) {
        put_pair(w, STR("")); // an empty list has a text, an empty map has none
        return;
    }
    if ((row->flags & WIRE_FLATTENED) == 0 && !w->is_ec2)
        enter(w, is_map ? STR("entry")
                        : str_of(wire_text(w->m, value_rows(w->m, row->shape)->query_name)));
    put_items(w, row->shape, a);
    w->prefix.len = before;
}

static void
put_value(struct form_writer *w, const struct wire_member *row, const void *at)
{
    enum wire_type type = w->m->shapes[row->shape].type;
    struct buf text;
    if (!value_is_present(type, at))
        return;
    if (type == WIRE_STRUCTURE) {
        put_structure(w, row->shape, at);
    } else if (type == WIRE_LIST || type == WIRE_MAP) {
        put_array(w, row, at);
    } else {
        buf_init(&text, w->out->arena, 0);
        text_put_scalar(type, text_time_format(row, WIRE_TIME_ISO), at, &text);
        put_pair(w, buf_str(&text));
    }
}

static void
put_request(const struct wire_service *s, const struct wire_operation *op, bool is_ec2,
            const void *in, struct buf *out)
{
    struct form_writer w = {.m = s->model, .out = out, .is_ec2 = is_ec2};
    buf_init(&w.prefix, out->arena, 0);
    buf_print(out, "Action=%s&Version=%s", wire_text(s->model, op->name), s->api_version);
    if (op->input != WIRE_NO_SHAPE)
        put_structure(&w, op->input, in);
}

void
query_encode_request(const struct wire_service *s, const struct wire_operation *op, const void *in,
                     struct buf *out)
{
    put_request(s, op, false, in, out);
}

void
ec2_encode_request(const struct wire_service *s, const struct wire_operation *op, const void *in,
                   struct buf *out)
{
    put_request(s, op, true, in, out);
}

int
query_decode_reply(struct decoder *d, const struct wire_operation *op, struct str body, void *out)
{
    struct xml_node *root;
    const struct xml_node *result;
    if (body.len == 0)
        return OK;
    TRY(xml_parse(d->arena, body, WIRE_DEPTH_MAX, WIRE_ITEMS_MAX, &root));
    result = root;
    if (op->result_wrapper != 0)
        result = xml_find(root, str_of(wire_text(d->m, op->result_wrapper)));
    return result == NULL ? OK : xml_decode_members(d, op->output, result, out);
}
