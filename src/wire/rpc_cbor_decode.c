// Smithy RPC v2 CBOR requests: any well-formed CBOR straight into C structs.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rpc_cbor.h"

#include <math.h>

#include "src/wire/cbor_any.h"
#include "src/wire/lookup.h"
#include "src/wire/problem.h"
#include "src/wire/value.h"

enum { TAG_EPOCH_SECONDS = 1 };
static const double TIME_S_MIN = -62167219200.0; // the years 0 to 9999
static const double TIME_S_MAX = 253402300799.999;
static const double ROUNDING_MS = 0.001; // what a double of today's seconds may be off by

struct rpc_decoder {
    struct decoder base;
    struct cbor_reader reader;
    struct lookup lookup;
};

static int read_value(struct rpc_decoder *d, const struct wire_member *row, void *at);

static const char *const kind_texts[] = {
    [CBOR_KIND_INTEGER] = "An integer", [CBOR_KIND_BYTES] = "A byte string",
    [CBOR_KIND_TEXT] = "A text string", [CBOR_KIND_ARRAY] = "An array",
    [CBOR_KIND_MAP] = "A map",          [CBOR_KIND_TAG] = "A tag",
    [CBOR_KIND_BOOLEAN] = "A boolean",  [CBOR_KIND_NULL] = "Null",
    [CBOR_KIND_FLOAT] = "A float",      [CBOR_KIND_SIMPLE] = "A simple value",
};
static const char *const type_texts[] = {
    [WIRE_STRUCTURE] = "a structure", [WIRE_LIST] = "a list",         [WIRE_MAP] = "a map",
    [WIRE_STRING] = "a String",       [WIRE_BLOB] = "a Blob",         [WIRE_BOOLEAN] = "a Boolean",
    [WIRE_INTEGER] = "an Integer",    [WIRE_LONG] = "a Long",         [WIRE_DOUBLE] = "a Double",
    [WIRE_TIMESTAMP] = "a Timestamp", [WIRE_DOCUMENT] = "a document", [WIRE_STREAM] = "a stream",
    [WIRE_EVENTS] = "events",
};

static int
wrong_type(struct rpc_decoder *d, enum cbor_kind kind, enum wire_type type)
{
    if (kind == CBOR_KIND_BAD)
        return E_INVALID;
    return problem_set(d->base.problem, d->base.arena, WIRE_PROBLEM_TYPE,
                       "%s can not be converted to %s", kind_texts[kind], type_texts[type]);
}

static int
read_integer(struct rpc_decoder *d, enum wire_type type, void *at)
{
    int64_t value;
    int code = cbor_any_int(&d->reader, &value);
    if (code == OK)
        code = value_set_int(type, at, value);
    return code == E_LIMIT ? wrong_type(d, CBOR_KIND_INTEGER, type) : code;
}

// Floats that are integers may come as such.
static int
read_number(struct rpc_decoder *d, enum cbor_kind kind, enum wire_type type, double *out)
{
    int64_t value = 0;
    if (kind == CBOR_KIND_FLOAT)
        return cbor_read_double(&d->reader, out);
    if (kind != CBOR_KIND_INTEGER)
        return wrong_type(d, kind, type);
    int code = cbor_any_int(&d->reader, &value);
    *out = (double)value;
    return code == E_LIMIT ? wrong_type(d, kind, type) : code;
}

static int
read_double(struct rpc_decoder *d, enum cbor_kind kind, void *at)
{
    double value = 0;
    TRY(read_number(d, kind, WIRE_DOUBLE, &value));
    value_set_double(at, value);
    return OK;
}

// Milliseconds; what is finer is cut off.
static int
read_timestamp(struct rpc_decoder *d, enum cbor_kind kind, void *at)
{
    uint64_t tag;
    double seconds = 0;
    if (kind != CBOR_KIND_TAG)
        return wrong_type(d, kind, WIRE_TIMESTAMP);
    TRY(cbor_any_tag(&d->reader, &tag));
    if (tag != TAG_EPOCH_SECONDS)
        return wrong_type(d, kind, WIRE_TIMESTAMP);
    TRY(read_number(d, cbor_any_peek(&d->reader), WIRE_TIMESTAMP, &seconds));
    if (!(seconds >= TIME_S_MIN && seconds <= TIME_S_MAX)) // NaN too
        return wrong_type(d, CBOR_KIND_FLOAT, WIRE_TIMESTAMP);
    value_set_time(at, (int64_t)floor(seconds * 1000 + ROUNDING_MS));
    return OK;
}

static int
read_string(struct rpc_decoder *d, enum cbor_kind kind, enum wire_type type, struct str *at)
{
    enum cbor_major major = type == WIRE_STRING ? CBOR_TEXT : CBOR_BYTES;
    if (kind != (type == WIRE_STRING ? CBOR_KIND_TEXT : CBOR_KIND_BYTES))
        return wrong_type(d, kind, type);
    return cbor_any_string(&d->reader, major, d->base.arena, at);
}

static int
read_boolean(struct rpc_decoder *d, enum cbor_kind kind, void *at)
{
    bool value;
    if (kind != CBOR_KIND_BOOLEAN)
        return wrong_type(d, kind, WIRE_BOOLEAN);
    TRY(cbor_read_bool(&d->reader, &value));
    value_set_bool(at, value);
    return OK;
}

static int
read_member(struct rpc_decoder *d, const struct wire_member *row, void *structure)
{
    void *at;
    if (cbor_any_peek(&d->reader) == CBOR_KIND_NULL)
        return cbor_any_null(&d->reader);
    TRY(value_place(&d->base, row, structure, &at));
    int code = read_value(d, row, at);
    if (code != OK)
        problem_in_member(d->base.problem, d->base.arena, wire_text(d->base.m, row->name));
    return code;
}

// A map's entries one by one, each with its key.
static int
next_key(struct rpc_decoder *d, struct cbor_items *items, bool *more, struct str *key)
{
    TRY(cbor_any_next(&d->reader, items, more));
    return *more ? cbor_any_string(&d->reader, CBOR_TEXT, d->base.arena, key) : OK;
}

static int
read_structure(struct rpc_decoder *d, uint16_t shape, void *structure)
{
    bool more;
    struct str key;
    struct cbor_items items;
    size_t hint = 0;
    TRY(cbor_any_begin(&d->reader, CBOR_MAP, &items));
    for (;;) {
        TRY(next_key(d, &items, &more, &key));
        if (!more)
            return OK;
        const struct wire_member *row = lookup_member(&d->lookup, shape, key, &hint);
        TRY(row != NULL ? read_member(d, row, structure)
                        : cbor_any_skip(&d->reader, WIRE_DEPTH_MAX - d->base.depth));
    }
}

// Nulls have a place in sparse lists and maps, and are left out of all others.
static bool
is_left_out(const struct rpc_decoder *d, uint16_t shape)
{
    return cbor_any_peek(&d->reader) == CBOR_KIND_NULL && !d->base.m->shapes[shape].is_sparse;
}

static int
read_element(struct rpc_decoder *d, const struct wire_member *row, void *at)
{
    if (cbor_any_peek(&d->reader) == CBOR_KIND_NULL)
        return cbor_any_null(&d->reader);
    return read_value(d, row, at);
}

static int
read_item(struct rpc_decoder *d, uint16_t shape, struct value_list *list)
{
    void *item;
    const struct wire_member *row = value_rows(d->base.m, shape);
    if (is_left_out(d, shape))
        return cbor_any_null(&d->reader);
    TRY(value_list_add(&d->base, list, &item));
    int code = read_element(d, row, (char *)item + row->offset);
    if (code != OK)
        problem_in_item(d->base.problem, d->base.arena, list->array->count - 1);
    return code;
}

static int
read_list(struct rpc_decoder *d, uint16_t shape, void *array)
{
    bool more;
    struct cbor_items items;
    struct value_list list;
    TRY(cbor_any_begin(&d->reader, CBOR_ARRAY, &items));
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    for (;;) {
        TRY(cbor_any_next(&d->reader, &items, &more));
        if (!more)
            break;
        TRY(read_item(d, shape, &list));
    }
    value_list_end(&d->base, &list);
    return OK;
}

static int
read_entry(struct rpc_decoder *d, uint16_t shape, struct str key, struct value_list *list)
{
    void *entry;
    const struct wire_member *rows = value_rows(d->base.m, shape);
    if (is_left_out(d, shape))
        return cbor_any_null(&d->reader);
    TRY(value_list_add(&d->base, list, &entry));
    *(struct str *)((char *)entry + rows[0].offset) = key;
    int code = read_element(d, &rows[1], (char *)entry + rows[1].offset);
    if (code != OK)
        problem_in_key(d->base.problem, d->base.arena, key);
    return code;
}

static int
read_map(struct rpc_decoder *d, uint16_t shape, void *array)
{
    bool more;
    struct str key;
    struct cbor_items items;
    struct value_list list;
    TRY(cbor_any_begin(&d->reader, CBOR_MAP, &items));
    value_list_begin(&list, d->base.m->shapes[shape].item_size, array);
    for (;;) {
        TRY(next_key(d, &items, &more, &key));
        if (!more)
            break;
        TRY(read_entry(d, shape, key, &list));
    }
    value_list_end(&d->base, &list);
    value_map_unique(d->base.arena, list.item_size, value_rows(d->base.m, shape)[0].offset, array);
    return OK;
}

static int
read_aggregate(struct rpc_decoder *d, enum cbor_kind kind, uint16_t shape, void *at)
{
    enum wire_type type = d->base.m->shapes[shape].type;
    if (kind != (type == WIRE_LIST ? CBOR_KIND_ARRAY : CBOR_KIND_MAP))
        return wrong_type(d, kind, type);
    TRY(value_enter(&d->base));
    if (type == WIRE_STRUCTURE)
        TRY(read_structure(d, shape, at));
    else if (type == WIRE_LIST)
        TRY(read_list(d, shape, at));
    else
        TRY(read_map(d, shape, at));
    value_leave(&d->base);
    return OK;
}

static int
read_value(struct rpc_decoder *d, const struct wire_member *row, void *at)
{
    enum wire_type type = d->base.m->shapes[row->shape].type;
    enum cbor_kind kind = cbor_any_peek(&d->reader);
    switch (type) {
    case WIRE_STRUCTURE:
    case WIRE_LIST:
    case WIRE_MAP:
        return read_aggregate(d, kind, row->shape, at);
    case WIRE_STRING:
    case WIRE_BLOB:
        return read_string(d, kind, type, at);
    case WIRE_BOOLEAN:
        return read_boolean(d, kind, at);
    case WIRE_INTEGER:
    case WIRE_LONG:
        return kind == CBOR_KIND_INTEGER ? read_integer(d, type, at) : wrong_type(d, kind, type);
    case WIRE_DOUBLE:
        return read_double(d, kind, at);
    case WIRE_TIMESTAMP:
        return read_timestamp(d, kind, at);
    case WIRE_STREAM:
    case WIRE_EVENTS:
    case WIRE_DOCUMENT: // "not currently supported in this protocol"
        return wrong_type(d, kind, type);
    }
    return E_INVALID;
}

static int
read_body(struct rpc_decoder *d, uint16_t shape, void *out)
{
    enum cbor_kind kind = cbor_any_peek(&d->reader);
    if (kind != CBOR_KIND_MAP)
        return wrong_type(d, kind, WIRE_STRUCTURE);
    TRY(read_structure(d, shape, out));
    return d->reader.at == d->reader.end ? OK : E_INVALID;
}

int
wire_rpc_cbor_decode(const struct wire_model *m, uint16_t shape, struct str body,
                     struct arena *arena, void *out, struct wire_problem *problem)
{
    struct rpc_decoder d = {
        .base = {.m = m, .arena = arena, .problem = problem, .depth = 1},
        .lookup = {.m = m, .arena = arena, .name_at = offsetof(struct wire_member, name)},
    };
    *problem = (struct wire_problem){0};
    memset(out, 0, m->shapes[shape].c_size);
    if (body.len == 0)
        return OK;
    cbor_reader_init(&d.reader, body);
    int code = read_body(&d, shape, out);
    return code == OK ? OK : problem_of_code(problem, arena, code, "The request is not valid CBOR");
}

// Takes the last segment off a path.
static bool
cut_segment(struct str *path, struct str *segment)
{
    for (size_t i = path->len; i > 0; i--) {
        if (path->ptr[i - 1] != '/')
            continue;
        *segment = str_slice(*path, i, path->len);
        *path = str_slice(*path, 0, i - 1);
        return segment->len > 0;
    }
    return false;
}

bool
wire_rpc_cbor_parse_path(struct str path, struct str *service, struct str *operation)
{
    struct str word;
    return cut_segment(&path, operation) && cut_segment(&path, &word) &&
           str_eq(word, STR("operation")) && cut_segment(&path, service) &&
           cut_segment(&path, &word) && str_eq(word, STR("service"));
}

static struct str
behind_last_dot(struct str name)
{
    size_t from = name.len;
    while (from > 0 && name.ptr[from - 1] != '.')
        from--;
    return str_slice(name, from, name.len);
}

struct str
wire_rpc_cbor_name(const struct wire_service *s)
{
    return behind_last_dot(str_of(s->target_prefix));
}

bool
wire_rpc_cbor_is_named(const struct wire_service *s, struct str name)
{
    struct str own = wire_rpc_cbor_name(s);
    return (s->protocols & 1u << WIRE_RPC_V2_CBOR) != 0 && own.len > 0 &&
           str_eq(behind_last_dot(name), own);
}
