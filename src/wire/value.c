// Places of values in C structs: what all protocol interpreters do alike.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/value.h"

#include <stdlib.h>

enum { LIST_BYTES_FIRST = 128 }; // of a list's first allocation, or one element

static bool
union_is_empty(const struct wire_model *m, uint16_t shape, const void *structure)
{
    const struct wire_member *rows = value_rows(m, shape);
    CHECK(structure != NULL);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        if (value_get(m, &rows[i], structure) != NULL)
            return false;
    }
    return true;
}

bool
value_is_null(const struct wire_model *m, uint16_t shape, const void *at)
{
    const struct wire_shape *s = &m->shapes[shape];
    return s->is_union ? union_is_empty(m, shape, at) : !value_is_present(s->type, at);
}

int64_t
value_int(enum wire_type type, const void *at)
{
    return type == WIRE_INTEGER ? ((const struct opt_int *)at)->value
                                : ((const struct opt_long *)at)->value;
}

int
value_set_int(enum wire_type type, void *at, int64_t value)
{
    if (type == WIRE_LONG) {
        *(struct opt_long *)at = OPT_LONG(value);
        return OK;
    }
    if (value < INT32_MIN || value > INT32_MAX)
        return E_LIMIT;
    *(struct opt_int *)at = OPT_INT((int32_t)value);
    return OK;
}

void
value_set_bool(void *at, bool value)
{
    *(struct opt_bool *)at = OPT_BOOL(value);
}

void
value_set_double(void *at, double value)
{
    *(struct opt_double *)at = OPT_DOUBLE(value);
}

void
value_set_time(void *at, int64_t ms)
{
    *(struct opt_time *)at = OPT_TIME(ms);
}

int
value_count_items(struct decoder *d, size_t n)
{
    if (n > WIRE_ITEMS_MAX - d->items)
        return E_LIMIT;
    d->items += n;
    return OK;
}

int
value_enter(struct decoder *d)
{
    if (d->depth == WIRE_DEPTH_MAX)
        return E_LIMIT;
    d->depth++;
    return OK;
}

void
value_leave(struct decoder *d)
{
    d->depth--;
}

int
value_place(struct decoder *d, const struct wire_member *row, void *structure, void **out)
{
    const struct wire_shape *s = &d->m->shapes[row->shape];
    void *at = (char *)structure + row->offset;
    if (s->type != WIRE_STRUCTURE) {
        memset(at, 0, s->c_size);
        *out = at;
        return OK;
    }
    void **pointer = (void **)at;
    if (*pointer == NULL) {
        TRY(value_count_items(d, 1));
        *pointer = arena_alloc(d->arena, s->c_size);
    } else {
        memset(*pointer, 0, s->c_size); // sent twice: the last one counts
    }
    *out = *pointer;
    return OK;
}

void
value_list_begin(struct value_list *l, size_t item_size, void *array)
{
    *l = (struct value_list){.array = array, .item_size = item_size};
    *l->array = (struct wire_array){0};
}

int
value_list_add(struct decoder *d, struct value_list *l, void **item)
{
    struct wire_array *a = l->array;
    TRY(value_count_items(d, 1));
    if (a->count == l->capacity) {
        size_t old_size = l->capacity * l->item_size;
        size_t first = l->item_size < LIST_BYTES_FIRST ? LIST_BYTES_FIRST / l->item_size : 1;
        l->capacity = l->capacity == 0 ? first : 2 * l->capacity;
        size_t new_size = l->capacity * l->item_size;
        a->items = old_size == 0 ? arena_alloc(d->arena, new_size)
                                 : arena_grow(d->arena, a->items, old_size, new_size);
    }
    *item = value_item(a, l->item_size, a->count++);
    memset(*item, 0, l->item_size);
    return OK;
}

void
value_list_drop(struct value_list *l)
{
    l->array->count--;
}

void
value_list_end(struct decoder *d, struct value_list *l)
{
    if (l->array->items == NULL)
        l->array->items = arena_alloc(d->arena, 0);
}

int
value_list_make(struct decoder *d, size_t item_size, size_t count, void *array)
{
    TRY(value_count_items(d, count));
    *(struct wire_array *)array =
        (struct wire_array){arena_alloc_array(d->arena, count, item_size), count};
    return OK;
}

struct map_key {
    struct str key;
    size_t index;
};

static int
map_key_cmp(const void *left, const void *right)
{
    const struct map_key *a = left, *b = right;
    int order = str_cmp(a->key, b->key);
    return order != 0 ? order : a->index < b->index ? -1 : 1;
}

// Entries that a later one replaces lose their key; false when there are none.
static bool
drop_replaced(struct arena *arena, size_t item_size, size_t key_offset, struct wire_array *a)
{
    bool is_any = false;
    struct map_key *keys = ARENA_ARRAY(arena, a->count, struct map_key);
    for (size_t i = 0; i < a->count; i++)
        keys[i] =
            (struct map_key){*(struct str *)((char *)value_item(a, item_size, i) + key_offset), i};
    qsort(keys, a->count, sizeof(keys[0]), map_key_cmp);
    for (size_t i = 1; i < a->count; i++) {
        if (!str_eq(keys[i - 1].key, keys[i].key))
            continue;
        char *item = value_item(a, item_size, keys[i - 1].index);
        ((struct str *)(item + key_offset))->ptr = NULL;
        is_any = true;
    }
    return is_any;
}

void
value_map_unique(struct arena *arena, size_t item_size, size_t key_offset, void *array)
{
    struct wire_array *a = array;
    size_t kept = 0;
    if (a->count < 2 || !drop_replaced(arena, item_size, key_offset, a))
        return;
    for (size_t i = 0; i < a->count; i++) {
        char *item = value_item(a, item_size, i);
        if (!str_is_present(*(struct str *)(item + key_offset)))
            continue;
        if (kept < i)
            memcpy(value_item(a, item_size, kept), item, item_size);
        kept++;
    }
    a->count = kept;
}
