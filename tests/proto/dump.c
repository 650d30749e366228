// Structs to lines.
// SPDX-License-Identifier: Apache-2.0
#include "tests/proto/lines.h"

#include "src/base/encoding.h"
#include "src/base/stream.h"

enum { PIECE_BYTES = 64 * 1024 };

static void
put_hex(struct buf *out, char kind, struct str bytes)
{
    char *to = buf_reserve(out, 2 * bytes.len + 2);
    to[0] = kind;
    hex_encode(bytes.ptr, bytes.len, to + 1);
    to[2 * bytes.len + 1] = '\n';
    out->len += 2 * bytes.len + 2;
}

// All of it, as a blob.
static void
put_stream(struct buf *out, struct stream *s)
{
    struct buf bytes;
    size_t got;
    buf_init(&bytes, out->arena, PIECE_BYTES);
    do {
        CHECK(stream_read(s, buf_reserve(&bytes, PIECE_BYTES), PIECE_BYTES, &got) == OK);
        bytes.len += got;
    } while (got > 0);
    put_hex(out, 'b', buf_str(&bytes));
}

static void dump_value(const struct wire_model *m, uint16_t shape, const void *at, bool may_be_null,
                       struct buf *out);

// What a member holds; NULL: absent.
static const void *
member_at(const struct wire_model *m, const struct wire_member *row, const void *structure)
{
    const char *at = (const char *)structure + row->offset;
    bool is_there = false;
    switch ((enum wire_type)m->shapes[row->shape].type) {
    case WIRE_STRUCTURE:
        return *(const void *const *)at;
    case WIRE_LIST:
    case WIRE_MAP:
        is_there = ((const struct wire_array *)at)->items != NULL;
        break;
    case WIRE_STRING:
    case WIRE_BLOB:
    case WIRE_DOCUMENT:
        is_there = ((const struct str *)at)->ptr != NULL;
        break;
    case WIRE_BOOLEAN:
        is_there = ((const struct opt_bool *)at)->is_present;
        break;
    case WIRE_INTEGER:
        is_there = ((const struct opt_int *)at)->is_present;
        break;
    case WIRE_LONG:
        is_there = ((const struct opt_long *)at)->is_present;
        break;
    case WIRE_DOUBLE:
        is_there = ((const struct opt_double *)at)->is_present;
        break;
    case WIRE_TIMESTAMP:
        is_there = ((const struct opt_time *)at)->is_present;
        break;
    case WIRE_STREAM:
    case WIRE_EVENTS:
        is_there = *(void *const *)at != NULL;
        break;
    }
    return is_there ? at : NULL;
}

static bool
is_null(const struct wire_model *m, uint16_t shape, const void *at)
{
    const struct wire_shape *s = &m->shapes[shape];
    struct wire_member in_place = {.shape = shape};
    if (s->type != WIRE_STRUCTURE)
        return member_at(m, &in_place, at) == NULL;
    for (size_t i = 0; i < s->member_count; i++) {
        if (member_at(m, &m->members[s->member_first + i], at) != NULL)
            return false;
    }
    return s->is_union;
}

static void
dump_structure(const struct wire_model *m, const struct wire_shape *s, const void *at,
               struct buf *out)
{
    buf_put(out, STR("{\n"));
    for (size_t i = 0; i < s->member_count; i++) {
        const struct wire_member *row = &m->members[s->member_first + i];
        const void *member = member_at(m, row, at);
        if (member == NULL)
            continue;
        buf_print(out, ".%s\n", wire_text(m, row->name));
        dump_value(m, row->shape, member, false, out);
    }
    buf_put(out, STR("}\n"));
}

static void
dump_array(const struct wire_model *m, const struct wire_shape *s, const struct wire_array *array,
           struct buf *out)
{
    const struct wire_member *rows = &m->members[s->member_first];
    const struct wire_member *last = &rows[s->member_count - 1];
    buf_print(out, "%c%zu\n", s->type == WIRE_MAP ? '(' : '[', array->count);
    for (size_t i = 0; i < array->count; i++) {
        const char *item = (const char *)array->items + i * s->item_size;
        if (s->type == WIRE_MAP)
            dump_value(m, rows[0].shape, item + rows[0].offset, false, out);
        dump_value(m, last->shape, item + last->offset, s->is_sparse, out);
    }
}

static void
dump_value(const struct wire_model *m, uint16_t shape, const void *at, bool may_be_null,
           struct buf *out)
{
    const struct wire_shape *s = &m->shapes[shape];
    if (may_be_null && is_null(m, shape, at)) {
        buf_put(out, STR("~\n"));
        return;
    }
    switch ((enum wire_type)s->type) {
    case WIRE_STRUCTURE:
        dump_structure(m, s, at, out);
        break;
    case WIRE_LIST:
    case WIRE_MAP:
        dump_array(m, s, at, out);
        break;
    case WIRE_STRING:
        put_hex(out, 's', *(const struct str *)at);
        break;
    case WIRE_BLOB:
        put_hex(out, 'b', *(const struct str *)at);
        break;
    case WIRE_DOCUMENT:
        put_hex(out, 'j', *(const struct str *)at);
        break;
    case WIRE_BOOLEAN:
        buf_print(out, "?%d\n", ((const struct opt_bool *)at)->value);
        break;
    case WIRE_INTEGER:
        buf_print(out, "i%d\n", ((const struct opt_int *)at)->value);
        break;
    case WIRE_LONG:
        buf_print(out, "l%lld\n", (long long)((const struct opt_long *)at)->value);
        break;
    case WIRE_DOUBLE:
        buf_print(out, "d%a\n", ((const struct opt_double *)at)->value);
        break;
    case WIRE_TIMESTAMP:
        buf_print(out, "t%lld\n", (long long)((const struct opt_time *)at)->value);
        break;
    case WIRE_STREAM:
        put_stream(out, *(struct stream *const *)at);
        break;
    case WIRE_EVENTS:
        CHECK(!"a type of inputs");
    }
}

void
lines_dump(const struct wire_model *m, uint16_t shape, const void *at, struct buf *out)
{
    dump_value(m, shape, at, false, out);
}
