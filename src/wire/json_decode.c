// awsJson1_0 and awsJson1_1 requests: JSON text straight into C structs.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/json_value.h"

#include "src/base/encoding.h"
#include "src/wire/json.h"
#include "src/wire/lookup.h"
#include "src/wire/problem.h"
#include "src/wire/protocol.h"
#include "src/wire/scalar.h"

struct json_decoder {
    struct decoder base;
    struct json_reader reader;
    struct lookup lookup;
};

static int read_value(struct json_decoder *d, const struct wire_member *row, void *at);

// What was sent, in the words of AWS's JSON services.
static const char *const kind_texts[] = {
    [JSON_NULL] = "NULL_VALUE",     [JSON_FALSE] = "FALSE_VALUE",   [JSON_TRUE] = "TRUE_VALUE",
    [JSON_NUMBER] = "NUMBER_VALUE", [JSON_STRING] = "STRING_VALUE",
};
static const char *const type_texts[] = {
    [WIRE_STRUCTURE] = "a structure", [WIRE_LIST] = "a list",         [WIRE_MAP] = "a map",
    [WIRE_STRING] = "a String",       [WIRE_BLOB] = "a Blob",         [WIRE_BOOLEAN] = "a Boolean",
    [WIRE_INTEGER] = "an Integer",    [WIRE_LONG] = "a Long",         [WIRE_DOUBLE] = "a Double",
    [WIRE_TIMESTAMP] = "a Timestamp", [WIRE_DOCUMENT] = "a document", [WIRE_STREAM] = "a stream",
    [WIRE_EVENTS] = "events",
};

static int
wrong_type(struct json_decoder *d, enum json_kind kind, enum wire_type type)
{
    struct wire_problem *p = d->base.problem;
    if (kind == JSON_BAD)
        return E_INVALID;
    if (kind == JSON_ARRAY)
        return problem_set(p, d->base.arena, WIRE_PROBLEM_TYPE,
                           "Start of list found where not expected");
    if (kind == JSON_OBJECT)
        return problem_set(p, d->base.arena, WIRE_PROBLEM_TYPE,
                           "Start of structure or map found where not expected");
    return problem_set(p, d->base.arena, WIRE_PROBLEM_TYPE, "%s can not be converted to %s",
                       kind_texts[kind], type_texts[type]);
}

// A value whose kind fits and whose text does not.
static int
wrong_text(struct json_decoder *d, enum json_kind kind, enum wire_type type, int code)
{
    return code == OK ? OK : wrong_type(d, kind, type);
}

static int
read_boolean(struct json_decoder *d, enum json_kind kind, void *at)
{
    if (kind != JSON_TRUE && kind != JSON_FALSE)
        return wrong_type(d, kind, WIRE_BOOLEAN);
    value_set_bool(at, kind == JSON_TRUE);
    return json_read_literal(&d->reader);
}

static int
read_string(struct json_decoder *d, enum json_kind kind, enum wire_type type, struct str *at)
{
    struct str text;
    if (kind != JSON_STRING)
        return wrong_type(d, kind, type);
    if (type == WIRE_STRING)
        return json_read_string(&d->reader, at);
    TRY(json_read_string(&d->reader, &text));
    return wrong_text(d, kind, type, base64_decode(d->base.arena, text, at));
}

static int
read_integer(struct json_decoder *d, enum json_kind kind, enum wire_type type, void *at)
{
    struct str text;
    int64_t value;
    if (kind != JSON_NUMBER)
        return wrong_type(d, kind, type);
    TRY(json_read_number(&d->reader, &text));
    int code = scalar_parse_int(text, &value);
    return wrong_text(d, kind, type, code != OK ? code : value_set_int(type, at, value));
}

// JSON has no text for numbers that are not finite: they come as strings.
static int
read_double(struct json_decoder *d, enum json_kind kind, void *at)
{
    struct str text;
    double value;
    if (kind == JSON_NUMBER)
        TRY(json_read_number(&d->reader, &text));
    else if (kind == JSON_STRING)
        TRY(json_read_string(&d->reader, &text));
    else
        return wrong_type(d, kind, WIRE_DOUBLE);
    int code = scalar_parse_double(d->base.arena, text, &value);
    if (kind == JSON_STRING && !str_ends(text, STR("N")) && !str_ends(text, STR("y")))
        code = E_INVALID;
    if (code == OK)
        value_set_double(at, value);
    return wrong_text(d, kind, WIRE_DOUBLE, code);
}

static int
read_timestamp(struct json_decoder *d, enum json_kind kind, enum wire_time_format format, void *at)
{
    struct str text;
    int64_t ms;
    if (format == WIRE_TIME_DEFAULT)
        format = WIRE_TIME_EPOCH;
    if (kind != (format == WIRE_TIME_EPOCH ? JSON_NUMBER : JSON_STRING))
        return wrong_type(d, kind, WIRE_TIMESTAMP);
    if (kind == JSON_NUMBER)
        TRY(json_read_number(&d->reader, &text));
    else
        TRY(json_read_string(&d->reader, &text));
    int code = scalar_parse_time(format, text, &ms);
    if (code == OK)
        value_set_time(at, ms);
    return wrong_text(d, kind, WIRE_TIMESTAMP, code);
}

// The text as it was sent, checked.
static int
read_document(struct json_decoder *d, struct str *at)
{
    (void)json_peek(&d->reader); // skips white space
    const char *begin = d->reader.at;
    TRY(json_skip(&d->reader));
    *at = (struct str){begin, (size_t)(d->reader.at - begin)};
    return OK;
}

static int
read_member(struct json_decoder *d, const struct wire_member *row, void *structure)
{
    void *at;
    if (json_peek(&d->reader) == JSON_NULL)
        return json_read_literal(&d->reader);
    TRY(value_place(&d->base, row, structure, &at));
    int code = read_value(d, row, at);
    if (code != OK)
        problem_in_member(d->base.problem, d->base.arena, wire_text(d->base.m, row->name));
    return code;
}

static int
read_structure(struct json_decoder *d, uint16_t shape, void *structure)
{
    bool more;
    struct str key;
    size_t hint = 0;
    TRY(json_object_begin(&d->reader));
    for (;;) {
        TRY(json_object_next(&d->reader, &more, &key));
        if (!more)
            return OK;
        const struct wire_member *row = lookup_member(&d->lookup, shape, key, &hint);
        TRY(row != NULL ? read_member(d, row, structure) : json_skip(&d->reader));
    }
}

// An element that keeps its place, or is left out as if it had not been sent.
static int
read_null(struct json_decoder *d, bool is_sparse, struct value_list *list, void **item)
{
    if (is_sparse)
        TRY(value_list_add(&d->base, list, item));
    return json_read_literal(&d->reader);
}

static int
read_item(struct json_decoder *d, const struct wire_member *row, bool is_sparse,
          struct value_list *list)
{
    void *item;
    if (json_peek(&d->reader) == JSON_NULL)
        return read_null(d, is_sparse, list, &item);
    TRY(value_list_add(&d->base, list, &item));
    int code = read_value(d, row, (char *)item + row->offset);
    if (code != OK)
        problem_in_item(d->base.problem, d->base.arena, list->array->count - 1);
    return code;
}

static int
read_list(struct json_decoder *d, uint16_t shape, void *array)
{
    bool more;
    struct value_list list;
    TRY(json_array_begin(&d->reader));
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    for (;;) {
        TRY(json_array_next(&d->reader, &more));
        if (!more)
            break;
        TRY(read_item(d, value_rows(d->base.m, shape), d->base.m->shapes[shape].is_sparse, &list));
    }
    value_list_end(&d->base, &list);
    return OK;
}

static int
read_entry(struct json_decoder *d, const struct wire_member *rows, bool is_sparse, struct str key,
           struct value_list *list)
{
    void *entry;
    if (!is_sparse && json_peek(&d->reader) == JSON_NULL)
        return json_read_literal(&d->reader);
    TRY(value_list_add(&d->base, list, &entry));
    *(struct str *)((char *)entry + rows[0].offset) = key;
    if (json_peek(&d->reader) == JSON_NULL)
        return json_read_literal(&d->reader);
    int code = read_value(d, &rows[1], (char *)entry + rows[1].offset);
    if (code != OK)
        problem_in_key(d->base.problem, d->base.arena, key);
    return code;
}

static int
read_map(struct json_decoder *d, uint16_t shape, void *array)
{
    bool more;
    struct str key;
    struct value_list list;
    const struct wire_member *rows = value_rows(d->base.m, shape);
    TRY(json_object_begin(&d->reader));
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    for (;;) {
        TRY(json_object_next(&d->reader, &more, &key));
        if (!more)
            break;
        TRY(read_entry(d, rows, d->base.m->shapes[shape].is_sparse, key, &list));
    }
    value_list_end(&d->base, &list);
    value_map_unique(d->base.arena, list.item_size, rows[0].offset, array);
    return OK;
}

static int
read_value(struct json_decoder *d, const struct wire_member *row, void *at)
{
    enum wire_type type = d->base.m->shapes[row->shape].type;
    enum json_kind kind = json_peek(&d->reader);
    switch (type) {
    case WIRE_STRUCTURE:
        return kind == JSON_OBJECT ? read_structure(d, row->shape, at) : wrong_type(d, kind, type);
    case WIRE_LIST:
        return kind == JSON_ARRAY ? read_list(d, row->shape, at) : wrong_type(d, kind, type);
    case WIRE_MAP:
        return kind == JSON_OBJECT ? read_map(d, row->shape, at) : wrong_type(d, kind, type);
    case WIRE_STRING:
    case WIRE_BLOB:
        return read_string(d, kind, type, at);
    case WIRE_BOOLEAN:
        return read_boolean(d, kind, at);
    case WIRE_INTEGER:
    case WIRE_LONG:
        return read_integer(d, kind, type, at);
    case WIRE_DOUBLE:
        return read_double(d, kind, at);
    case WIRE_TIMESTAMP:
        return read_timestamp(d, kind, row->time_format, at);
    case WIRE_DOCUMENT:
        return read_document(d, at);
    case WIRE_STREAM: // these are no part of a text
    case WIRE_EVENTS:
        return wrong_type(d, kind, type);
    }
    return E_INVALID;
}

static struct json_decoder
begin(const struct decoder *base, struct str body)
{
    struct json_decoder d = {
        .base = *base,
        .lookup = {.m = base->m,
                   .arena = base->arena,
                   .name_at = offsetof(struct wire_member, json_name)},
    };
    json_reader_init(&d.reader, body, base->arena, WIRE_DEPTH_MAX);
    return d;
}

int
json_decode_members(const struct decoder *base, uint16_t shape, struct str body, void *structure)
{
    struct json_decoder d = begin(base, body);
    enum json_kind kind = json_peek(&d.reader);
    if (kind != JSON_OBJECT)
        return wrong_type(&d, kind, WIRE_STRUCTURE);
    TRY(read_structure(&d, shape, structure));
    return json_end(&d.reader);
}

int
json_decode_value(const struct decoder *base, const struct wire_member *row, struct str body,
                  void *at)
{
    struct json_decoder d = begin(base, body);
    TRY(read_value(&d, row, at));
    return json_end(&d.reader);
}

int
wire_json_decode(const struct wire_model *m, uint16_t shape, struct str body, struct arena *arena,
                 void *out, struct wire_problem *problem)
{
    struct decoder d = {.m = m, .arena = arena, .problem = problem};
    *problem = (struct wire_problem){0};
    memset(out, 0, m->shapes[shape].c_size);
    if (body.len == 0)
        return OK;
    int code = json_decode_members(&d, shape, body, out);
    return code == OK ? OK : problem_of_code(problem, arena, code, "The request is not valid JSON");
}
