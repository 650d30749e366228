// restJson1 and restXml requests: labels, query string, headers and body to C structs.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include "src/base/encoding.h"
#include "src/wire/form.h"
#include "src/wire/problem.h"
#include "src/wire/rest_body.h"
#include "src/wire/rest_header.h"
#include "src/wire/rest_path.h"
#include "src/wire/text_value.h"

struct rest_decoder {
    struct decoder base;
    const struct wire_operation *op;
    const struct wire_request *request;
    enum wire_protocol protocol;
    struct form query;
};

static enum wire_type
type_of(const struct rest_decoder *d, const struct wire_member *row)
{
    return d->base.m->shapes[row->shape].type;
}

static int
read_label(struct rest_decoder *d, const struct wire_member *row, void *structure)
{
    struct str text;
    void *at;
    const char *uri = wire_text(d->base.m, d->op->uri);
    struct str name = str_of(wire_text(d->base.m, row->xml_name));
    bool is_match = rest_path_match(uri, d->request->path, name, &text);
    if (!is_match || !str_is_present(text))
        return OK;
    TRY(percent_decode(d->base.arena, text, false, &text));
    TRY(value_place(&d->base, row, structure, &at));
    return text_read_scalar(&d->base, row, WIRE_TIME_ISO, text, at);
}

// The next parameter of that name, from *at on; NULL: none.
static const struct form_pair *
next_parameter(const struct rest_decoder *d, struct str name, size_t *at)
{
    while (*at < d->query.count) {
        const struct form_pair *pair = &d->query.pairs[(*at)++];
        if (str_eq(pair->name, name))
            return pair;
    }
    return NULL;
}

// All values of a parameter, `pair` the first of them.
static int
read_parameters(struct rest_decoder *d, uint16_t shape, const struct form_pair *pair, void *array)
{
    const struct wire_member *row = value_rows(d->base.m, shape);
    struct str name = pair->name;
    struct value_list list;
    void *item;
    size_t at = (size_t)(pair - d->query.pairs);
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    while ((pair = next_parameter(d, name, &at)) != NULL) {
        TRY(value_list_add(&d->base, &list, &item));
        TRY(text_read_scalar(&d->base, row, WIRE_TIME_ISO, pair->value, item));
    }
    value_list_end(&d->base, &list);
    return OK;
}

static int
read_parameter(struct rest_decoder *d, const struct wire_member *row, void *structure)
{
    void *at;
    size_t first = 0;
    struct str name = str_of(wire_text(d->base.m, row->xml_name));
    const struct form_pair *pair = next_parameter(d, name, &first);
    if (pair == NULL)
        return OK;
    TRY(value_place(&d->base, row, structure, &at));
    if (type_of(d, row) == WIRE_LIST)
        return read_parameters(d, row->shape, pair, at);
    return text_read_scalar(&d->base, row, WIRE_TIME_ISO, pair->value, at);
}

static bool
is_first_of_name(const struct rest_decoder *d, size_t i)
{
    return i == 0 || !str_eq(d->query.pairs[i - 1].name, d->query.pairs[i].name);
}

static int
read_parameter_map(struct rest_decoder *d, const struct wire_member *row, void *structure)
{
    const struct wire_member *rows = value_rows(d->base.m, row->shape);
    struct value_list map;
    void *at, *entry;
    if (d->query.count == 0)
        return OK;
    TRY(value_place(&d->base, row, structure, &at));
    value_list_begin(&map, d->base.m->shapes[row->shape].item_size, at);
    for (size_t i = 0; i < d->query.count; i++) {
        const struct form_pair *pair = &d->query.pairs[i];
        if (!is_first_of_name(d, i))
            continue;
        TRY(value_list_add(&d->base, &map, &entry));
        *(struct str *)((char *)entry + rows[0].offset) = pair->name;
        at = (char *)entry + rows[1].offset;
        TRY(type_of(d, &rows[1]) == WIRE_LIST
                ? read_parameters(d, rows[1].shape, pair, at)
                : text_read_scalar(&d->base, &rows[1], WIRE_TIME_ISO, pair->value, at));
    }
    value_list_end(&d->base, &map);
    return OK;
}

static int
read_place(struct rest_decoder *d, const struct wire_member *row, void *structure)
{
    switch (row->location) {
    case WIRE_IN_URI:
        return read_label(d, row, structure);
    case WIRE_IN_QUERY:
        return read_parameter(d, row, structure);
    case WIRE_IN_QUERY_MAP:
        return read_parameter_map(d, row, structure);
    case WIRE_IN_HEADER:
        return rest_read_header(&d->base, row, d->request->headers, d->request->header_count,
                                structure);
    case WIRE_IN_PREFIX_HEADERS:
        return rest_read_prefix_headers(&d->base, row, d->request->headers,
                                        d->request->header_count, structure);
    default:
        return OK;
    }
}

static int
read_request(struct rest_decoder *d, uint16_t shape, void *structure)
{
    const struct wire_member *rows = value_rows(d->base.m, shape);
    TRY(form_parse(d->base.arena, d->request->query, WIRE_ITEMS_MAX, &d->query));
    for (size_t i = 0; i < d->base.m->shapes[shape].member_count; i++) {
        int code = read_place(d, &rows[i], structure);
        if (code == OK)
            continue;
        problem_in_member(d->base.problem, d->base.arena, wire_text(d->base.m, rows[i].name));
        return code;
    }
    return rest_read_body(&d->base, d->protocol, shape, d->request->body, d->request->stream,
                          structure);
}

int
wire_rest_decode(const struct wire_service *s, const struct wire_operation *op,
                 enum wire_protocol protocol, const struct wire_request *request,
                 struct arena *arena, void *out, struct wire_problem *problem)
{
    struct rest_decoder d = {
        .base = {.m = s->model, .arena = arena, .problem = problem, .depth = 1},
        .op = op,
        .request = request,
        .protocol = protocol,
    };
    *problem = (struct wire_problem){0};
    CHECK(op->input != WIRE_NO_SHAPE);
    memset(out, 0, s->model->shapes[op->input].c_size);
    int code = read_request(&d, op->input, out);
    const char *syntax = protocol == WIRE_REST_JSON
                             ? "The request is not valid JSON"
                             : "The XML you provided was not well-formed or did not validate "
                               "against our published schema";
    return code == OK ? OK : problem_of_code(problem, arena, code, syntax);
}
