// Places of values in C structs: what all protocol interpreters do alike.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

// One request on its way into C structs. Decoders begin with it.
struct decoder {
    const struct wire_model *m;
    struct arena *arena;
    struct wire_problem *problem;
    size_t items;   // elements, entries and structures that took memory so far
    unsigned depth; // levels that are open, the outermost structure is one
};

// The rows of a structure, list or map.
static inline const struct wire_member *
value_rows(const struct wire_model *m, uint16_t shape)
{
    return &m->members[m->shapes[shape].member_first];
}

// Whether a value in place is there: a structure always is. These two run once for every member of
// every structure that is checked or written, most of which are absent: hence inline.
static inline bool
value_is_present(enum wire_type type, const void *at)
{
    if (at == NULL)
        __builtin_unreachable(); // it lies in a struct; said for the analyzer
    switch (type) {
    case WIRE_STRUCTURE:
        return true;
    case WIRE_LIST:
    case WIRE_MAP:
    case WIRE_STRING:
    case WIRE_BLOB:
    case WIRE_DOCUMENT:
    case WIRE_STREAM:
    case WIRE_EVENTS:
        return *(void *const *)at != NULL; // what all of them begin with
    case WIRE_BOOLEAN:
        return ((const struct opt_bool *)at)->is_present;
    case WIRE_INTEGER:
        return ((const struct opt_int *)at)->is_present;
    case WIRE_LONG:
        return ((const struct opt_long *)at)->is_present;
    case WIRE_DOUBLE:
        return ((const struct opt_double *)at)->is_present;
    case WIRE_TIMESTAMP:
        return ((const struct opt_time *)at)->is_present;
    }
    return false;
}

// Whether an element of a list or the value of an entry is null: its shape is `shape`.
bool value_is_null(const struct wire_model *m, uint16_t shape, const void *at);

// A structure's member, to be read; NULL: absent.
static inline const void *
value_get(const struct wire_model *m, const struct wire_member *row, const void *structure)
{
    if (structure == NULL)
        __builtin_unreachable(); // said for the analyzer
    const void *at = (const char *)structure + row->offset;
    enum wire_type type = m->shapes[row->shape].type;
    if (type == WIRE_STRUCTURE)
        return *(const void *const *)at;
    return value_is_present(type, at) ? at : NULL;
}

// What a flag or a number says. E_LIMIT: not in the type.
int64_t value_int(enum wire_type type, const void *at);
MUST_USE int value_set_int(enum wire_type type, void *at, int64_t value);
void value_set_bool(void *at, bool value);
void value_set_double(void *at, double value);
void value_set_time(void *at, int64_t ms);

// E_LIMIT when a request would hold more than WIRE_ITEMS_MAX. Called before memory is taken.
MUST_USE int value_count_items(struct decoder *d, size_t n);
// E_LIMIT at WIRE_DEPTH_MAX; value_leave takes it back.
MUST_USE int value_enter(struct decoder *d);
void value_leave(struct decoder *d);
// Where a structure's member is to be written, zeroed; a structure behind a pointer is made.
MUST_USE int value_place(struct decoder *d, const struct wire_member *row, void *structure,
                         void **out);

// A list or map that grows while it is read. End makes it present.
struct value_list {
    struct wire_array *array;
    size_t item_size;
    size_t capacity;
};
void value_list_begin(struct value_list *l, size_t item_size, void *array);
MUST_USE int value_list_add(struct decoder *d, struct value_list *l, void **item); // zeroed
void value_list_drop(struct value_list *l);                                        // the last one
void value_list_end(struct decoder *d, struct value_list *l);
// All at once, for a count that is known.
MUST_USE int value_list_make(struct decoder *d, size_t item_size, size_t count, void *array);
// Keeps the last entry of each key, in order.
void value_map_unique(struct arena *arena, size_t item_size, size_t key_offset, void *array);

static inline void *
value_item(const struct wire_array *array, size_t item_size, size_t index)
{
    return (char *)array->items + index * item_size;
}
