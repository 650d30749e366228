// Members of structures as HTTP headers.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rest_header.h"

#include "src/wire/text_value.h"

// An element of a header's list: quoted or up to a comma. Times in HTTP's form hold one comma.
static struct str
take_quoted(struct arena *arena, struct str *rest)
{
    struct buf out;
    size_t i = 1;
    buf_init(&out, arena, rest->len);
    for (; i < rest->len && rest->ptr[i] != '"'; i++) {
        if (rest->ptr[i] == '\\' && i + 1 < rest->len)
            i++;
        buf_put_char(&out, rest->ptr[i]);
    }
    struct str behind = str_slice(*rest, i + 1, rest->len);
    ptrdiff_t comma = str_find_char(behind, ',');
    *rest = comma < 0 ? (struct str){0} : str_slice(behind, (size_t)comma + 1, behind.len);
    return buf_str(&out);
}

static struct str
take_element(struct decoder *d, const struct wire_member *row, struct str *rest)
{
    enum wire_type type = d->m->shapes[row->shape].type;
    *rest = str_trim(*rest);
    if (type == WIRE_STRING && str_starts(*rest, STR("\"")))
        return take_quoted(d->arena, rest);
    size_t from = 0;
    ptrdiff_t comma = str_find_char(*rest, ',');
    if (comma >= 0 && type == WIRE_TIMESTAMP &&
        text_time_format(row, WIRE_TIME_HTTP) == WIRE_TIME_HTTP) {
        from = (size_t)comma + 1;
        comma = str_find_char(str_slice(*rest, from, rest->len), ',');
    }
    size_t end = comma < 0 ? rest->len : from + (size_t)comma;
    struct str element = str_trim(str_slice(*rest, 0, end));
    *rest = comma < 0 ? (struct str){0} : str_slice(*rest, end + 1, rest->len);
    return element;
}

static int
read_elements(struct decoder *d, const struct wire_member *row, struct str value,
              struct value_list *list)
{
    void *item;
    while (value.len > 0) {
        struct str element = take_element(d, row, &value);
        TRY(value_list_add(d, list, &item));
        TRY(text_read_scalar(d, row, WIRE_TIME_HTTP, element, item));
    }
    return OK;
}

static int
read_list(struct decoder *d, uint16_t shape, struct str name, const struct header *headers,
          size_t count, void *array)
{
    struct value_list list;
    value_list_begin(&list, d->m->shapes[shape].item_size, array);
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, name))
            TRY(read_elements(d, value_rows(d->m, shape), headers[i].value, &list));
    }
    value_list_end(d, &list);
    return OK;
}

int
rest_read_header(struct decoder *d, const struct wire_member *row, const struct header *headers,
                 size_t count, void *structure)
{
    enum wire_type type = d->m->shapes[row->shape].type;
    struct str name = str_of(wire_text(d->m, row->xml_name));
    void *at;
    size_t i = 0;
    while (i < count && !str_eq_nocase(headers[i].name, name))
        i++;
    if (i == count || (headers[i].value.len == 0 && type != WIRE_STRING))
        return OK;
    TRY(value_place(d, row, structure, &at));
    if (type == WIRE_LIST)
        return read_list(d, row->shape, name, headers, count, at);
    struct str text = headers[i].value.len == 0 ? STR("") : headers[i].value;
    return text_read_scalar(d, row, WIRE_TIME_HTTP, text, at);
}

static bool
starts_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

int
rest_read_prefix_headers(struct decoder *d, const struct wire_member *row,
                         const struct header *headers, size_t count, void *structure)
{
    const struct wire_member *rows = value_rows(d->m, row->shape);
    struct str prefix = str_of(wire_text(d->m, row->xml_name));
    struct value_list map = {0};
    void *at, *entry;
    for (size_t i = 0; i < count; i++) {
        if (!starts_nocase(headers[i].name, prefix))
            continue;
        if (map.array == NULL) {
            TRY(value_place(d, row, structure, &at));
            value_list_begin(&map, d->m->shapes[row->shape].item_size, at);
        }
        TRY(value_list_add(d, &map, &entry));
        *(struct str *)((char *)entry + rows[0].offset) =
            str_slice(headers[i].name, prefix.len, headers[i].name.len);
        struct str text = headers[i].value.len == 0 ? STR("") : headers[i].value;
        TRY(text_read_scalar(d, &rows[1], WIRE_TIME_HTTP, text, (char *)entry + rows[1].offset));
    }
    if (map.array != NULL)
        value_map_unique(d->arena, map.item_size, rows[0].offset, at);
    return OK;
}

static bool
is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

struct str
rest_header_text(struct arena *arena, struct str text)
{
    size_t i = 0;
    while (i < text.len && !is_control(text.ptr[i]))
        i++;
    if (i == text.len)
        return text;
    char *copy = arena_copy_z(arena, text);
    for (; i < text.len; i++) {
        if (is_control(copy[i]))
            copy[i] = ' ';
    }
    return (struct str){copy, text.len};
}

static void
put_quoted(struct buf *out, struct str text)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_put_char(out, '\\');
        buf_put_char(out, text.ptr[i]);
    }
    buf_put_char(out, '"');
}

// Strings that could not be told from two elements are quoted.
static void
put_element(const struct wire_model *m, const struct wire_member *row, const void *at,
            struct buf *out)
{
    enum wire_type type = m->shapes[row->shape].type;
    const struct str *text = at;
    if (type == WIRE_STRING && (str_find_char(*text, ',') >= 0 || str_find_char(*text, '"') >= 0))
        put_quoted(out, *text);
    else
        text_put_scalar(type, text_time_format(row, WIRE_TIME_HTTP), at, out);
}

static struct str
print_list(const struct wire_model *m, uint16_t shape, const struct wire_array *a,
           struct arena *arena)
{
    const struct wire_member *row = value_rows(m, shape);
    struct buf out;
    if (a->count == 0)
        return (struct str){0};
    buf_init(&out, arena, 0);
    for (size_t i = 0; i < a->count; i++) {
        buf_put(&out, i == 0 ? STR("") : STR(", "));
        put_element(m, row, value_item(a, m->shapes[shape].item_size, i), &out);
    }
    return rest_header_text(arena, buf_str(&out));
}

struct str
rest_print_header(const struct wire_model *m, const struct wire_member *row, const void *at,
                  struct arena *arena)
{
    enum wire_type type = m->shapes[row->shape].type;
    struct buf out;
    if (type == WIRE_STRING)
        return rest_header_text(arena, *(const struct str *)at);
    if (type == WIRE_LIST)
        return print_list(m, row->shape, at, arena);
    buf_init(&out, arena, 0);
    text_put_scalar(type, text_time_format(row, WIRE_TIME_HTTP), at, &out);
    return buf_str(&out);
}
