// Scalars as plain text: what forms, labels, query strings, headers and XML have in common.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/text_value.h"

#include "src/base/encoding.h"
#include "src/wire/problem.h"
#include "src/wire/scalar.h"

enum { SHOWN_BYTES_MAX = 128 }; // of a wrong value, in the problem's sentence

static const char *const type_texts[] = {
    [WIRE_STRUCTURE] = "a structure",
    [WIRE_LIST] = "a list",
    [WIRE_MAP] = "a map",
    [WIRE_STRING] = "a String (UTF-8)",
    [WIRE_BLOB] = "a Blob",
    [WIRE_BOOLEAN] = "a Boolean",
    [WIRE_INTEGER] = "an Integer",
    [WIRE_LONG] = "a Long",
    [WIRE_DOUBLE] = "a Double",
    [WIRE_TIMESTAMP] = "a Timestamp",
    [WIRE_DOCUMENT] = "a document",
    [WIRE_STREAM] = "a stream",
    [WIRE_EVENTS] = "events",
};

int
text_wrong_type(struct decoder *d, enum wire_type type, struct str value)
{
    struct buf shown;
    buf_init(&shown, d->arena, SHOWN_BYTES_MAX);
    value = str_slice(value, 0, SHOWN_BYTES_MAX);
    buf_put(&shown, str_is_utf8(value) ? value : STR("?"));
    return problem_set(d->problem, d->arena, WIRE_PROBLEM_TYPE,
                       "Value (" STR_FMT ") can not be converted to %s", STR_ARG(buf_str(&shown)),
                       type_texts[type]);
}

static int
set_boolean(struct str text, void *at)
{
    bool is_true = str_eq_nocase(text, STR("true"));
    if (!is_true && !str_eq_nocase(text, STR("false")))
        return E_INVALID;
    value_set_bool(at, is_true);
    return OK;
}

static int
set_integer(enum wire_type type, struct str text, void *at)
{
    int64_t value;
    TRY(scalar_parse_int(text, &value));
    return value_set_int(type, at, value);
}

static int
set_double(struct decoder *d, struct str text, void *at)
{
    double value;
    TRY(scalar_parse_double(d->arena, text, &value));
    value_set_double(at, value);
    return OK;
}

static int
set_timestamp(enum wire_time_format format, struct str text, void *at)
{
    int64_t ms;
    TRY(scalar_parse_time(format, text, &ms));
    value_set_time(at, ms);
    return OK;
}

int
text_set_scalar(struct decoder *d, const struct wire_member *row, enum wire_time_format format,
                struct str text, void *at)
{
    enum wire_type type = d->m->shapes[row->shape].type;
    switch (type) {
    case WIRE_STRING:
        *(struct str *)at = text;
        return str_is_utf8(text) ? OK : E_INVALID;
    case WIRE_BLOB:
        return base64_decode(d->arena, text, at);
    case WIRE_BOOLEAN:
        return set_boolean(text, at);
    case WIRE_INTEGER:
    case WIRE_LONG:
        return set_integer(type, text, at);
    case WIRE_DOUBLE:
        return set_double(d, text, at);
    case WIRE_TIMESTAMP:
        return set_timestamp(text_time_format(row, format), text, at);
    default:
        return E_INVALID;
    }
}

int
text_read_scalar(struct decoder *d, const struct wire_member *row, enum wire_time_format format,
                 struct str text, void *at)
{
    if (text_set_scalar(d, row, format, text, at) == OK)
        return OK;
    return text_wrong_type(d, d->m->shapes[row->shape].type, text);
}

void
text_put_scalar(enum wire_type type, enum wire_time_format format, const void *at, struct buf *out)
{
    switch (type) {
    case WIRE_STRING:
    case WIRE_DOCUMENT:
        buf_put(out, *(const struct str *)at);
        break;
    case WIRE_BLOB:
        base64_encode(*(const struct str *)at, out);
        break;
    case WIRE_BOOLEAN:
        buf_put(out, ((const struct opt_bool *)at)->value ? STR("true") : STR("false"));
        break;
    case WIRE_INTEGER:
    case WIRE_LONG:
        buf_put_int(out, value_int(type, at));
        break;
    case WIRE_DOUBLE:
        scalar_put_double(out, ((const struct opt_double *)at)->value);
        break;
    case WIRE_TIMESTAMP:
        scalar_put_time(out, format, ((const struct opt_time *)at)->value);
        break;
    default:
        CHECK(!"a scalar");
    }
}

enum wire_time_format
text_time_format(const struct wire_member *row, enum wire_time_format format)
{
    return row->time_format == WIRE_TIME_DEFAULT ? format : row->time_format;
}
