// restJson1 and restXml, the client's side: requests from C structs, C structs from responses.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rest_request.h"

#include "src/base/encoding.h"
#include "src/wire/rest_body.h"
#include "src/wire/rest_header.h"
#include "src/wire/text_value.h"
#include "src/wire/xml_reader.h"

struct target {
    const struct wire_model *m;
    const struct wire_member *rows;
    size_t row_count;
    const void *in;
    struct buf path;
    struct buf query;
};

static struct str
print_scalar(const struct target *t, const struct wire_member *row, const void *at)
{
    struct buf text;
    buf_init(&text, t->path.arena, 0);
    text_put_scalar(t->m->shapes[row->shape].type, text_time_format(row, WIRE_TIME_ISO), at, &text);
    return buf_str(&text);
}

// `label` as the pattern has it, maybe with the plus of a greedy one.
static int
put_label(struct target *t, struct str label)
{
    bool is_greedy = str_ends(label, STR("+"));
    struct str name = str_slice(label, 0, label.len - (is_greedy ? 1 : 0));
    for (size_t i = 0; i < t->row_count; i++) {
        const struct wire_member *row = &t->rows[i];
        if (row->location != WIRE_IN_URI || !str_eq(str_of(wire_text(t->m, row->xml_name)), name))
            continue;
        const void *at = value_get(t->m, row, t->in);
        struct str text = at == NULL ? STR("") : print_scalar(t, row, at);
        percent_encode(text, is_greedy, &t->path);
        return text.len == 0 ? E_INVALID : OK;
    }
    return E_INVALID;
}

static int
put_path(struct target *t, struct str pattern)
{
    while (pattern.len > 0) {
        struct str literal, rest, label;
        bool has_label = str_cut(pattern, '{', &literal, &rest);
        buf_put(&t->path, literal);
        if (!has_label)
            return OK;
        CHECK(str_cut(rest, '}', &label, &pattern));
        TRY(put_label(t, label));
    }
    return OK;
}

static void
put_parameter(struct target *t, struct str name, struct str value)
{
    if (t->query.len > 0)
        buf_put_char(&t->query, '&');
    percent_encode(name, false, &t->query);
    buf_put_char(&t->query, '=');
    percent_encode(value, false, &t->query);
}

static void
put_parameters(struct target *t, struct str name, uint16_t shape, const struct wire_array *a)
{
    const struct wire_member *row = value_rows(t->m, shape);
    for (size_t i = 0; i < a->count; i++)
        put_parameter(t, name,
                      print_scalar(t, row, value_item(a, t->m->shapes[shape].item_size, i)));
}

static void
put_named(struct target *t, struct str name, const struct wire_member *row, const void *at)
{
    if (t->m->shapes[row->shape].type == WIRE_LIST)
        put_parameters(t, name, row->shape, at);
    else
        put_parameter(t, name, print_scalar(t, row, at));
}

// A member of its own wins over an entry of the map.
static bool
is_bound(const struct target *t, struct str name)
{
    for (size_t i = 0; i < t->row_count; i++) {
        if (t->rows[i].location == WIRE_IN_QUERY &&
            str_eq(str_of(wire_text(t->m, t->rows[i].xml_name)), name))
            return true;
    }
    return false;
}

static void
put_parameter_map(struct target *t, uint16_t shape, const struct wire_array *a)
{
    const struct wire_member *rows = value_rows(t->m, shape);
    for (size_t i = 0; i < a->count; i++) {
        const char *entry = value_item(a, t->m->shapes[shape].item_size, i);
        struct str name = *(const struct str *)(entry + rows[0].offset);
        if (!is_bound(t, name))
            put_named(t, name, &rows[1], entry + rows[1].offset);
    }
}

static void
put_query(struct target *t)
{
    for (size_t i = 0; i < t->row_count; i++) {
        const struct wire_member *row = &t->rows[i];
        const void *at = value_get(t->m, row, t->in);
        if (at != NULL && row->location == WIRE_IN_QUERY)
            put_named(t, str_of(wire_text(t->m, row->xml_name)), row, at);
        else if (at != NULL && row->location == WIRE_IN_QUERY_MAP)
            put_parameter_map(t, row->shape, at);
    }
}

static int
put_target(const struct wire_service *s, const struct wire_operation *op, const void *in,
           struct arena *arena, struct wire_request *out)
{
    struct target t = {.m = s->model, .in = in};
    struct str path, query;
    buf_init(&t.path, arena, 0);
    buf_init(&t.query, arena, 0);
    if (op->input != WIRE_NO_SHAPE) {
        t.rows = value_rows(t.m, op->input);
        t.row_count = t.m->shapes[op->input].member_count;
    }
    if (str_cut(str_of(wire_text(t.m, op->uri)), '?', &path, &query))
        buf_put(&t.query, query);
    TRY(put_path(&t, path));
    put_query(&t);
    out->method = str_of(wire_text(t.m, op->method));
    out->path = buf_str(&t.path);
    out->query = t.query.len == 0 ? (struct str){0} : buf_str(&t.query);
    return OK;
}

int
rest_encode_request(const struct wire_service *s, const struct wire_operation *op,
                    enum wire_protocol protocol, const void *in, struct arena *arena,
                    struct wire_request *out)
{
    struct wire_response message;
    TRY(put_target(s, op, in, arena, out));
    wire_response_init(&message, arena, false);
    if (op->input != WIRE_NO_SHAPE) {
        rest_put_places(s->model, op->input, in, &message);
        rest_put_body(s, protocol, op->input, op->input_root, in, &message);
    }
    out->headers = message.headers;
    out->header_count = message.header_count;
    out->body = buf_str(&message.body);
    out->stream = message.stream;
    return OK;
}

static int
read_place(struct decoder *d, const struct wire_member *row, const struct wire_reply *reply,
           void *structure)
{
    void *at;
    switch (row->location) {
    case WIRE_IN_STATUS_CODE:
        TRY(value_place(d, row, structure, &at));
        return value_set_int(d->m->shapes[row->shape].type, at, reply->status);
    case WIRE_IN_HEADER:
        return rest_read_header(d, row, reply->headers, reply->header_count, structure);
    case WIRE_IN_PREFIX_HEADERS:
        return rest_read_prefix_headers(d, row, reply->headers, reply->header_count, structure);
    default:
        return OK;
    }
}

static int
read_root_value(struct decoder *d, const struct wire_member *row, struct str body, void *structure)
{
    struct xml_node *root;
    void *at;
    TRY(xml_parse(d->arena, body, WIRE_DEPTH_MAX, WIRE_ITEMS_MAX, &root));
    TRY(value_place(d, row, structure, &at));
    return text_read_scalar(d, row, WIRE_TIME_ISO, buf_str(&root->text), at);
}

int
rest_decode_reply(struct decoder *d, const struct wire_operation *op, enum wire_protocol protocol,
                  const struct wire_reply *reply, void *out)
{
    const struct wire_member *rows = value_rows(d->m, op->output);
    for (size_t i = 0; i < d->m->shapes[op->output].member_count; i++)
        TRY(read_place(d, &rows[i], reply, out));
    if (op->is_root_value && protocol == WIRE_REST_XML)
        return read_root_value(d, rows, reply->body, out);
    if (client_has_events(d->m, op))
        return OK;
    return rest_read_body(d, protocol, op->output, reply->body, reply->stream, out);
}
