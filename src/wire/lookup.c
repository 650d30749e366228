// Finds a structure's member by a name of the request.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/lookup.h"

enum {
    SCANNED_ROWS_MAX = 4096, // by one request before it gets indexes
    INDEXED_ROWS_MIN = 8,    // smaller structures are always scanned
};

struct lookup_index {
    struct lookup_index *next;
    uint16_t shape;
    size_t slot_count; // a power of two
    uint16_t *slots;   // row + 1; 0: free
};

static const char *
row_name(const struct lookup *l, const struct wire_member *row)
{
    uint32_t offset;
    memcpy(&offset, (const char *)row + l->name_at, sizeof(offset));
    return wire_text(l->m, offset);
}

// Never reads behind the zero of `text`, whatever the name holds.
static bool
is_name(const char *text, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (text[i] != name.ptr[i] || text[i] == '\0')
            return false;
    }
    return text[name.len] == '\0';
}

static size_t
hash(struct str name)
{
    uint64_t h = str_hash(name);
    return (size_t)(h ^ h >> 32);
}

static struct lookup_index *
index_new(struct lookup *l, uint16_t shape)
{
    const struct wire_shape *s = &l->m->shapes[shape];
    struct lookup_index *index = ARENA_NEW(l->arena, struct lookup_index);
    index->shape = shape;
    for (index->slot_count = 16; index->slot_count < (size_t)2 * s->member_count;)
        index->slot_count *= 2;
    index->slots = ARENA_ARRAY(l->arena, index->slot_count, uint16_t);
    for (size_t row = 0; row < s->member_count; row++) {
        if (l->m->members[s->member_first + row].location != WIRE_IN_BODY)
            continue;
        size_t slot = hash(str_of(row_name(l, &l->m->members[s->member_first + row])));
        while (index->slots[slot & (index->slot_count - 1)] != 0)
            slot++;
        index->slots[slot & (index->slot_count - 1)] = (uint16_t)(row + 1);
    }
    index->next = l->indexes;
    l->indexes = index;
    return index;
}

static const struct lookup_index *
index_of(struct lookup *l, uint16_t shape)
{
    for (const struct lookup_index *index = l->indexes; index != NULL; index = index->next) {
        if (index->shape == shape)
            return index;
    }
    return index_new(l, shape);
}

static const struct wire_member *
find_indexed(struct lookup *l, uint16_t shape, struct str name)
{
    const struct lookup_index *index = index_of(l, shape);
    const struct wire_member *rows = &l->m->members[l->m->shapes[shape].member_first];
    for (size_t slot = hash(name);; slot++) {
        uint16_t row = index->slots[slot & (index->slot_count - 1)];
        if (row == 0)
            return NULL;
        if (is_name(row_name(l, &rows[row - 1]), name))
            return &rows[row - 1];
    }
}

const struct wire_member *
lookup_member(struct lookup *l, uint16_t shape, struct str name, size_t *hint)
{
    const struct wire_shape *s = &l->m->shapes[shape];
    const struct wire_member *rows = &l->m->members[s->member_first];
    if (l->scanned > SCANNED_ROWS_MAX && s->member_count >= INDEXED_ROWS_MIN)
        return find_indexed(l, shape, name);
    for (size_t i = 0, at = *hint; i < s->member_count; i++, at++) {
        at = at < s->member_count ? at : 0;
        if (rows[at].location == WIRE_IN_BODY && is_name(row_name(l, &rows[at]), name)) {
            l->scanned += i;
            *hint = at + 1;
            return &rows[at];
        }
    }
    l->scanned += s->member_count;
    return NULL;
}
