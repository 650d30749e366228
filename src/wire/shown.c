// Values as AWS's messages show them: as Java prints the objects of its SDK.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/shown.h"

#include "src/base/utf8.h"
#include "src/wire/scalar.h"
#include "src/wire/value.h"

enum { SHOWN_DEPTH_MAX = 8 };

struct shower {
    const struct wire_model *m;
    struct buf out;
    unsigned depth;
    bool is_hidden; // there is something that is not to be shown
};

static void put_value(struct shower *w, const struct wire_shape *s, const void *at);

// At most so much that the whole stays within the limit; characters stay whole.
static void
put_text(struct shower *w, struct str text)
{
    size_t room = w->out.len < SHOWN_BYTES_MAX ? SHOWN_BYTES_MAX - w->out.len : 0;
    if (text.len > room) {
        while (room > 0 && ((unsigned char)text.ptr[room] & 0xc0) == 0x80)
            room--;
        text.len = room;
    }
    buf_put(&w->out, text);
}

static bool
is_full(const struct shower *w)
{
    return w->is_hidden || w->out.len >= SHOWN_BYTES_MAX;
}

// Members are named as their getters: "keyType=HASH".
static void
put_name(struct shower *w, const char *name)
{
    put_text(w, str_of(name));
    char *first = w->out.ptr + w->out.len - strlen(name);
    if (!is_full(w) && *first >= 'A' && *first <= 'Z')
        *first |= 0x20;
    put_text(w, STR("="));
}

static void
put_structure(struct shower *w, const struct wire_shape *s, const void *structure)
{
    const struct wire_member *rows = &w->m->members[s->member_first];
    put_text(w, str_of(wire_text(w->m, s->name)));
    put_text(w, STR("("));
    for (size_t i = 0; i < s->member_count && !is_full(w); i++) {
        const void *at = value_get(w->m, &rows[i], structure);
        put_text(w, i == 0 ? STR("") : STR(", "));
        put_name(w, wire_text(w->m, rows[i].name));
        if (at == NULL)
            put_text(w, STR("null"));
        else
            put_value(w, &w->m->shapes[rows[i].shape], at);
    }
    put_text(w, STR(")"));
}

static void
put_list(struct shower *w, const struct wire_shape *s, const struct wire_array *a)
{
    const struct wire_member *row = &w->m->members[s->member_first];
    put_text(w, STR("["));
    for (size_t i = 0; i < a->count && !is_full(w); i++) {
        put_text(w, i == 0 ? STR("") : STR(", "));
        put_value(w, &w->m->shapes[row->shape], value_item(a, s->item_size, i));
    }
    put_text(w, STR("]"));
}

static void
put_map(struct shower *w, const struct wire_shape *s, const struct wire_array *a)
{
    const struct wire_member *rows = &w->m->members[s->member_first];
    put_text(w, STR("{"));
    for (size_t i = 0; i < a->count && !is_full(w); i++) {
        const char *entry = value_item(a, s->item_size, i);
        put_text(w, i == 0 ? STR("") : STR(", "));
        put_value(w, &w->m->shapes[rows[0].shape], entry + rows[0].offset);
        put_text(w, STR("="));
        put_value(w, &w->m->shapes[rows[1].shape], entry + rows[1].offset);
    }
    put_text(w, STR("}"));
}

static void
put_scalar(struct shower *w, enum wire_type type, const void *at)
{
    if (type == WIRE_STRING)
        put_text(w, *(const struct str *)at);
    else if (type == WIRE_INTEGER || type == WIRE_LONG)
        buf_put_int(&w->out, value_int(type, at));
    else if (type == WIRE_DOUBLE)
        scalar_put_double(&w->out, ((const struct opt_double *)at)->value);
    else if (type == WIRE_BOOLEAN)
        put_text(w, ((const struct opt_bool *)at)->value ? STR("true") : STR("false"));
    else
        w->is_hidden = true;
}

static void
put_value(struct shower *w, const struct wire_shape *s, const void *at)
{
    if (s->is_sensitive || w->depth == SHOWN_DEPTH_MAX) {
        w->is_hidden = true;
        return;
    }
    w->depth++;
    if (s->type == WIRE_STRUCTURE)
        put_structure(w, s, at);
    else if (s->type == WIRE_LIST)
        put_list(w, s, at);
    else if (s->type == WIRE_MAP)
        put_map(w, s, at);
    else if (value_is_present(s->type, at))
        put_scalar(w, s->type, at);
    else
        put_text(w, STR("null"));
    w->depth--;
}

struct str
shown_value(const struct wire_model *m, const struct wire_shape *s, const void *at,
            struct arena *arena)
{
    struct shower w = {.m = m};
    buf_init(&w.out, arena, 0);
    put_text(&w, STR(" '"));
    put_value(&w, s, at);
    buf_put_char(&w.out, '\'');
    return w.is_hidden ? STR("") : buf_str(&w.out);
}
