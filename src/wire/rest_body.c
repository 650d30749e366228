// Headers and bodies of REST messages, alike in requests and responses.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rest_body.h"

#include "src/wire/event_source.h"
#include "src/wire/json_value.h"
#include "src/wire/problem.h"
#include "src/wire/rest_header.h"
#include "src/wire/text_value.h"
#include "src/wire/xml.h"
#include "src/wire/xml_decode.h"
#include "src/wire/xml_value.h"

int
rest_read_structure(struct decoder *d, enum wire_protocol protocol, uint16_t shape, struct str body,
                    void *structure)
{
    struct xml_node *root;
    if (body.len == 0)
        return OK;
    if (protocol == WIRE_REST_JSON)
        return json_decode_members(d, shape, body, structure);
    TRY(xml_parse(d->arena, body, WIRE_DEPTH_MAX, WIRE_ITEMS_MAX, &root));
    return xml_decode_members(d, shape, root, structure);
}

// An empty body is an absent payload, unless there has to be one.
static int
read_payload(struct decoder *d, enum wire_protocol protocol, const struct wire_member *row,
             struct str body, void *structure)
{
    enum wire_type type = d->m->shapes[row->shape].type;
    bool is_bytes = type == WIRE_BLOB || type == WIRE_STRING;
    void *at;
    if (body.len == 0 && (!is_bytes || (row->flags & WIRE_REQUIRED) == 0))
        return OK;
    TRY(value_place(d, row, structure, &at));
    if (type == WIRE_STRUCTURE)
        return rest_read_structure(d, protocol, row->shape, body, at);
    if (!is_bytes)
        return json_decode_value(d, row, body, at);
    if (type == WIRE_STRING && !str_is_utf8(body))
        return text_wrong_type(d, type, body);
    *(struct str *)at = body.len == 0 ? STR("") : body;
    return OK;
}

struct stream *
rest_body_stream(struct arena *arena, struct str body, struct stream *stream)
{
    if (stream != NULL)
        return stream;
    struct str_stream *whole = ARENA_NEW(arena, struct str_stream);
    str_stream_init(whole, body);
    return &whole->stream;
}

// Also of a body that is empty.
static int
place_stream(struct decoder *d, const struct wire_member *row, struct stream *stream,
             void *structure)
{
    void *at;
    TRY(value_place(d, row, structure, &at));
    *(struct stream **)at = stream;
    return OK;
}

static bool
has_body_members(const struct wire_model *m, uint16_t shape)
{
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        if (rows[i].location == WIRE_IN_BODY)
            return true;
    }
    return false;
}

int
rest_read_body(struct decoder *d, enum wire_protocol protocol, uint16_t shape, struct str body,
               struct stream *stream, void *structure)
{
    uint8_t payload = d->m->shapes[shape].payload_row;
    if (payload == 0)
        return has_body_members(d->m, shape)
                   ? rest_read_structure(d, protocol, shape, body, structure)
                   : OK;
    const struct wire_member *row = &value_rows(d->m, shape)[payload - 1];
    if (d->m->shapes[row->shape].type == WIRE_STREAM)
        return place_stream(d, row, rest_body_stream(d->arena, body, stream), structure);
    int code = read_payload(d, protocol, row, body, structure);
    if (code != OK)
        problem_in_member(d->problem, d->arena, wire_text(d->m, row->name));
    return code;
}

static bool
has_header(const struct wire_response *r, struct str name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, name))
            return true;
    }
    return false;
}

void
rest_add_content_type(struct wire_response *r, struct str value)
{
    if (!has_header(r, STR("Content-Type")))
        wire_response_add(r, STR("Content-Type"), value);
}

// A key is a part of a name, where only RFC 9110's token characters can be.
static struct str
print_name(struct arena *arena, const char *prefix, struct str key)
{
    struct str name = arena_print(arena, "%s" STR_FMT, prefix, STR_ARG(key));
    char *text = arena_copy_z(arena, name);
    for (size_t i = 0; i < name.len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", text[i]) != NULL)
            text[i] = '-';
    }
    return (struct str){text, name.len};
}

static void
put_prefix_headers(const struct wire_model *m, const struct wire_member *row,
                   const struct wire_array *a, struct wire_response *r)
{
    const struct wire_member *rows = value_rows(m, row->shape);
    struct arena *arena = r->body.arena;
    for (size_t i = 0; i < a->count; i++) {
        const char *entry = value_item(a, m->shapes[row->shape].item_size, i);
        struct str key = *(const struct str *)(entry + rows[0].offset);
        wire_response_add(r, print_name(arena, wire_text(m, row->xml_name), key),
                          rest_print_header(m, &rows[1], entry + rows[1].offset, arena));
    }
}

static void
put_place(const struct wire_model *m, const struct wire_member *row, const void *at,
          struct wire_response *r)
{
    struct str value;
    switch (row->location) {
    case WIRE_IN_STATUS_CODE:
        r->status = (int)value_int(m->shapes[row->shape].type, at);
        break;
    case WIRE_IN_HEADER:
        value = rest_print_header(m, row, at, r->body.arena);
        if (str_is_present(value))
            wire_response_add(r, str_of(wire_text(m, row->xml_name)), value);
        break;
    case WIRE_IN_PREFIX_HEADERS:
        put_prefix_headers(m, row, at, r);
        break;
    default:
        break;
    }
}

void
rest_put_places(const struct wire_model *m, uint16_t shape, const void *structure,
                struct wire_response *r)
{
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        const void *at = value_get(m, &rows[i], structure);
        if (at != NULL)
            put_place(m, &rows[i], at, r);
    }
}

static void
put_json(const struct wire_model *m, uint16_t shape, const void *structure, struct wire_response *r)
{
    rest_add_content_type(r, STR("application/json"));
    wire_json_encode(m, shape, structure, &r->body);
}

struct str
rest_xmlns(const struct wire_service *s, struct arena *arena)
{
    struct buf out;
    if (s->xml_namespace[0] == '\0')
        return (struct str){0};
    buf_init(&out, arena, 0);
    buf_put(&out, STR("xmlns=\""));
    xml_put_text(&out, str_of(s->xml_namespace));
    buf_put_char(&out, '"');
    return buf_str(&out);
}

static void
put_xml(const struct wire_service *s, uint16_t shape, const char *root, const void *structure,
        struct wire_response *r)
{
    rest_add_content_type(r, STR("application/xml"));
    buf_put(&r->body, REST_XML_PROLOG);
    xml_put_root(s->model, shape, root, rest_xmlns(s, r->body.arena), structure, &r->body);
}

static void
put_payload(const struct wire_service *s, enum wire_protocol protocol,
            const struct wire_member *row, const void *at, struct wire_response *r)
{
    const struct wire_model *m = s->model;
    enum wire_type type = m->shapes[row->shape].type;
    if (type == WIRE_STREAM) {
        rest_add_content_type(r, STR("application/octet-stream"));
        r->stream = *(struct stream *const *)at;
    } else if (type == WIRE_EVENTS) {
        rest_add_content_type(r, EVENT_STREAM_TYPE);
        r->stream = wire_event_stream(s, protocol, row->shape, *(struct event_source *const *)at,
                                      (struct str){0}, r->body.arena);
    } else if (type == WIRE_BLOB || type == WIRE_STRING) {
        rest_add_content_type(r, type == WIRE_BLOB ? STR("application/octet-stream")
                                                   : STR("text/plain"));
        buf_put(&r->body, *(const struct str *)at);
    } else if (type == WIRE_STRUCTURE && protocol == WIRE_REST_XML) {
        put_xml(s, row->shape, wire_text(m, row->xml_name), at, r);
    } else {
        rest_add_content_type(r, STR("application/json"));
        json_put_value(m, row, at, &r->body);
    }
}

void
rest_put_body(const struct wire_service *s, enum wire_protocol protocol, uint16_t shape,
              uint32_t root, const void *structure, struct wire_response *r)
{
    const struct wire_model *m = s->model;
    uint8_t payload = m->shapes[shape].payload_row;
    if (payload != 0) {
        const struct wire_member *row = &value_rows(m, shape)[payload - 1];
        const void *at = value_get(m, row, structure);
        if (at != NULL)
            put_payload(s, protocol, row, at, r);
    } else if (has_body_members(m, shape)) {
        if (protocol == WIRE_REST_JSON)
            put_json(m, shape, structure, r);
        else
            put_xml(s, shape, wire_text(m, root != 0 ? root : m->shapes[shape].name), structure, r);
    }
}
