// Lines to structs.
// SPDX-License-Identifier: Apache-2.0
#include "tests/proto/lines.h"

#include <stdlib.h>

#include "src/base/encoding.h"
#include "src/wire/event_source.h"

struct loader {
    const struct wire_service *service;
    const struct wire_model *m;
    struct arena *arena;
    struct str rest; // lines that are not read yet
};

// The next line, whose first character must be `kind`, without that character.
static struct str
take(struct loader *l, char kind)
{
    const char *end = memchr(l->rest.ptr, '\n', l->rest.len);
    CHECK(end != NULL && l->rest.ptr[0] == kind);
    struct str line = {l->rest.ptr + 1, (size_t)(end - l->rest.ptr) - 1};
    l->rest = (struct str){end + 1, l->rest.len - line.len - 2};
    return line;
}

static bool
is_next(const struct loader *l, char kind)
{
    return l->rest.len > 0 && l->rest.ptr[0] == kind;
}

static long long
take_number(struct loader *l, char kind)
{
    return strtoll(arena_copy_z(l->arena, take(l, kind)), NULL, 10);
}

static struct str
take_bytes(struct loader *l, char kind)
{
    struct str text = take(l, kind);
    char *bytes = arena_alloc(l->arena, text.len / 2);
    CHECK(hex_decode(text, bytes, text.len / 2) == OK);
    return (struct str){bytes, text.len / 2};
}

static void load_value(struct loader *l, uint16_t shape, void *at);

static const struct wire_member *
member_of(const struct loader *l, const struct wire_shape *s, struct str name)
{
    for (size_t i = 0; i < s->member_count; i++) {
        const struct wire_member *row = &l->m->members[s->member_first + i];
        if (str_eq(str_of(wire_text(l->m, row->name)), name))
            return row;
    }
    return NULL;
}

static void
load_structure(struct loader *l, const struct wire_shape *s, char *at)
{
    take(l, '{');
    while (!is_next(l, '}')) {
        const struct wire_member *row = member_of(l, s, take(l, '.'));
        CHECK(row != NULL);
        const struct wire_shape *member = &l->m->shapes[row->shape];
        void *place = at + row->offset;
        if (member->type == WIRE_STRUCTURE)
            place = *(void **)place = arena_alloc(l->arena, member->c_size);
        load_value(l, row->shape, place);
    }
    take(l, '}');
}

static void
load_array(struct loader *l, const struct wire_shape *s, struct wire_array *array)
{
    const struct wire_member *rows = &l->m->members[s->member_first];
    const struct wire_member *last = &rows[s->member_count - 1];
    array->count = (size_t)take_number(l, s->type == WIRE_MAP ? '(' : '[');
    array->items = arena_alloc_array(l->arena, array->count, s->item_size);
    for (size_t i = 0; i < array->count; i++) {
        char *item = (char *)array->items + i * s->item_size;
        if (s->type == WIRE_MAP)
            load_value(l, rows[0].shape, item + rows[0].offset);
        if (is_next(l, '~'))
            take(l, '~');
        else
            load_value(l, last->shape, item + last->offset);
    }
}

static void
load_stream(struct loader *l, struct stream **at)
{
    struct str_stream *s = ARENA_NEW(l->arena, struct str_stream);
    str_stream_init(s, take_bytes(l, 'b'));
    *at = &s->stream;
}

// Events that were told beforehand.
struct replay {
    struct event_source source;
    const struct wire_service *service;
    struct wire_array events;
    size_t event_size;
    size_t next;
    struct str error; // absent: none
};

static int
replay_next(struct event_source *source, struct arena *arena, void *event)
{
    struct replay *r = (struct replay *)source;
    if (r->next < r->events.count) {
        memcpy(event, (const char *)r->events.items + r->event_size * r->next++, r->event_size);
        return OK;
    }
    for (size_t i = 0; str_is_present(r->error) && i < r->service->error_count; i++) {
        const char *name = wire_text(r->service->model, r->service->errors[i].name);
        if (str_eq(r->error, str_of(name)))
            return event_fault(source, r->service, (int)i, source->message);
    }
    return OK;
}

static void
load_events(struct loader *l, uint16_t shape, struct event_source **at)
{
    struct replay *r = ARENA_NEW(l->arena, struct replay);
    uint16_t event = l->m->members[l->m->shapes[shape].member_first].shape;
    *r = (struct replay){
        .source.next = replay_next,
        .service = l->service,
        .event_size = l->m->shapes[event].c_size,
        .events.count = (size_t)take_number(l, '['),
    };
    r->events.items = arena_alloc_array(l->arena, r->events.count, r->event_size);
    for (size_t i = 0; i < r->events.count; i++)
        load_value(l, event, (char *)r->events.items + i * r->event_size);
    if (is_next(l, '!')) {
        r->error = take(l, '!');
        r->source.message = take_bytes(l, 's');
    }
    *at = &r->source;
}

static void
load_value(struct loader *l, uint16_t shape, void *at)
{
    const struct wire_shape *s = &l->m->shapes[shape];
    switch ((enum wire_type)s->type) {
    case WIRE_STRUCTURE:
        load_structure(l, s, at);
        break;
    case WIRE_LIST:
    case WIRE_MAP:
        load_array(l, s, at);
        break;
    case WIRE_STRING:
        *(struct str *)at = take_bytes(l, 's');
        break;
    case WIRE_BLOB:
        *(struct str *)at = take_bytes(l, 'b');
        break;
    case WIRE_DOCUMENT:
        *(struct str *)at = take_bytes(l, 'j');
        break;
    case WIRE_BOOLEAN:
        *(struct opt_bool *)at = OPT_BOOL(take_number(l, '?') != 0);
        break;
    case WIRE_INTEGER:
        *(struct opt_int *)at = OPT_INT((int32_t)take_number(l, 'i'));
        break;
    case WIRE_LONG:
        *(struct opt_long *)at = OPT_LONG(take_number(l, 'l'));
        break;
    case WIRE_DOUBLE:
        *(struct opt_double *)at = OPT_DOUBLE(strtod(arena_copy_z(l->arena, take(l, 'd')), NULL));
        break;
    case WIRE_TIMESTAMP:
        *(struct opt_time *)at = OPT_TIME(take_number(l, 't'));
        break;
    case WIRE_STREAM:
        load_stream(l, at);
        break;
    case WIRE_EVENTS:
        load_events(l, shape, at);
        break;
    }
}

void
lines_load(const struct wire_service *s, uint16_t shape, struct str text, struct arena *arena,
           void *at)
{
    struct loader l = {s, s->model, arena, text};
    load_value(&l, shape, at);
    CHECK(l.rest.len == 0);
}
