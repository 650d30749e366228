// Members that no code reads are refused by name: what service.json lists as "refused".
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/refuse.h"

#include "src/wire/value.h"

struct refuser {
    const struct wire_model *m;
    const struct wire_refusal *rows;
    size_t count;
    struct arena *arena;
    struct str path; // of what was found, built while the walk returns
};

static int look_into(struct refuser *r, uint16_t shape, const void *at);

// The first listed row of a shape or of a later one.
static size_t
first_listed(const struct refuser *r, uint32_t row)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->rows[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int
found_in(struct refuser *r, const struct wire_member *row)
{
    const char *name = wire_text(r->m, row->name);
    r->path = str_is_present(r->path) ? arena_print(r->arena, "%s." STR_FMT, name, STR_ARG(r->path))
                                      : str_of(name);
    return E_INVALID;
}

// What a listed row of a structure or of a map's entry says; at: the value, which is present.
static int
check_row(struct refuser *r, const struct wire_refusal *listed, const void *at)
{
    const struct wire_member *row = &r->m->members[listed->row];
    int code = listed->is_refused ? E_INVALID : look_into(r, row->shape, at);
    return code == OK ? OK : found_in(r, row);
}

static int
look_into_items(struct refuser *r, const struct wire_shape *s, const struct wire_refusal *listed,
                const struct wire_array *a)
{
    const struct wire_member *row = &r->m->members[listed->row];
    for (size_t i = 0; i < a->count; i++) {
        const char *at = (const char *)value_item(a, s->item_size, i) + row->offset;
        TRY(s->type == WIRE_LIST ? look_into(r, row->shape, at) : check_row(r, listed, at));
    }
    return OK;
}

static int
look_into(struct refuser *r, uint16_t shape, const void *at)
{
    const struct wire_shape *s = &r->m->shapes[shape];
    uint32_t end = s->member_first + s->member_count;
    for (size_t i = first_listed(r, s->member_first); i < r->count && r->rows[i].row < end; i++) {
        if (s->type != WIRE_STRUCTURE) {
            TRY(look_into_items(r, s, &r->rows[i], at));
            continue;
        }
        const void *value = value_get(r->m, &r->m->members[r->rows[i].row], at);
        if (value != NULL)
            TRY(check_row(r, &r->rows[i], value));
    }
    return OK;
}

int
wire_refuse(const struct wire_model *m, const struct wire_refusal *rows, size_t count,
            uint16_t shape, const void *in, struct arena *arena, struct str *out)
{
    struct refuser r = {.m = m, .rows = rows, .count = count, .arena = arena};
    int code = look_into(&r, shape, in);
    *out = r.path;
    return code;
}
