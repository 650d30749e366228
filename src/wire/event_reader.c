// The messages of a body to typed events: the client's side.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/event_source.h"

#include "src/wire/client.h"
#include "src/wire/event_stream.h"
#include "src/wire/rest_body.h"
#include "src/wire/rpc_cbor.h"

enum { READ_BYTES = 16 * 1024 };

struct event_reader {
    struct event_source source;
    const struct wire_service *service;
    enum wire_protocol protocol;
    uint16_t shape; // of the union
    struct stream *body;
    struct arena arena; // of the messages that were read
    struct buf bytes;   // from `taken` on not yet used
    size_t taken;
};

// What is left moves to an arena of its own, so that a long stream does not keep what was read.
static void
drop_taken(struct event_reader *r)
{
    struct arena old = r->arena;
    struct str left = str_slice(buf_str(&r->bytes), r->taken, r->bytes.len);
    if (r->taken == 0)
        return;
    arena_init(&r->arena);
    buf_init(&r->bytes, &r->arena, left.len + READ_BYTES);
    buf_put(&r->bytes, left);
    r->taken = 0;
    arena_fini(&old);
}

// False at the end of the body, which must not be within a message.
static int
read_message(struct event_reader *r, struct event_message *out, bool *is_end)
{
    size_t size, got;
    drop_taken(r);
    *is_end = false;
    for (;;) {
        int code = event_decode(buf_str(&r->bytes), &r->arena, &size, out);
        if (code != E_AGAIN) {
            r->taken = size;
            return code;
        }
        TRY(stream_read(r->body, buf_reserve(&r->bytes, READ_BYTES), READ_BYTES, &got));
        r->bytes.len += got;
        *is_end = got == 0 && r->bytes.len == 0;
        if (got == 0)
            return *is_end ? OK : E_INVALID;
    }
}

static struct str
header_text(const struct event_message *message, struct str name)
{
    const struct event_header *h = event_header_find(message, name);
    return h != NULL && h->type == EVENT_STRING ? h->bytes : (struct str){0};
}

static struct decoder
decoder_of(const struct event_reader *r, struct arena *arena, struct wire_problem *problem)
{
    *problem = (struct wire_problem){0};
    return (struct decoder){.m = r->service->model, .arena = arena, .problem = problem, .depth = 1};
}

static int
read_structure(const struct event_reader *r, uint16_t shape, struct str payload,
               struct arena *arena, void *at)
{
    struct wire_problem problem;
    struct decoder d = decoder_of(r, arena, &problem);
    if (r->protocol == WIRE_RPC_V2_CBOR)
        return wire_rpc_cbor_decode(r->service->model, shape, payload, arena, at, &problem);
    bool is_xml = r->protocol == WIRE_REST_XML;
    return rest_read_structure(&d, is_xml ? WIRE_REST_XML : WIRE_REST_JSON, shape, payload, at);
}

static int
read_header(struct decoder *d, const struct wire_member *row, const struct event_header *h,
            void *structure)
{
    enum wire_type type = d->m->shapes[row->shape].type;
    bool is_text = type == WIRE_STRING && h->type == EVENT_STRING;
    bool is_bytes = type == WIRE_BLOB && h->type == EVENT_BYTES;
    bool is_number = (type == WIRE_INTEGER || type == WIRE_LONG) && h->type >= EVENT_BYTE &&
                     h->type <= EVENT_LONG;
    void *at;
    TRY(value_place(d, row, structure, &at));
    if (is_text || is_bytes)
        *(struct str *)at = h->bytes.len == 0 ? STR("") : h->bytes;
    else if (is_number)
        return value_set_int(type, at, h->number);
    else if (type == WIRE_BOOLEAN && h->type <= EVENT_FALSE)
        value_set_bool(at, h->type == EVENT_TRUE);
    else if (type == WIRE_TIMESTAMP && h->type == EVENT_TIMESTAMP)
        value_set_time(at, h->number);
    else
        return E_INVALID;
    return OK;
}

static int
read_payload(const struct event_reader *r, struct decoder *d, const struct wire_member *row,
             struct str payload, void *structure)
{
    enum wire_type type = d->m->shapes[row->shape].type;
    void *at;
    TRY(value_place(d, row, structure, &at));
    if (type == WIRE_STRUCTURE)
        return read_structure(r, row->shape, payload, d->arena, at);
    if (type != WIRE_BLOB && (type != WIRE_STRING || !str_is_utf8(payload)))
        return E_INVALID;
    *(struct str *)at = payload.len == 0 ? STR("") : payload;
    return OK;
}

static bool
has_own_payload(const struct wire_model *m, uint16_t shape)
{
    for (size_t i = 0; i < m->shapes[shape].member_count; i++)
        if (value_rows(m, shape)[i].location == WIRE_IN_EVENT_PAYLOAD)
            return true;
    return false;
}

static int
read_members(const struct event_reader *r, uint16_t shape, const struct event_message *message,
             struct arena *arena, void *structure)
{
    struct wire_problem problem;
    struct decoder d = decoder_of(r, arena, &problem);
    const struct wire_member *rows = value_rows(d.m, shape);
    if (!has_own_payload(d.m, shape))
        TRY(read_structure(r, shape, message->payload, arena, structure));
    for (size_t i = 0; i < d.m->shapes[shape].member_count; i++) {
        struct str name = str_of(wire_text(d.m, rows[i].name));
        const struct event_header *h = event_header_find(message, name);
        if (rows[i].location == WIRE_IN_EVENT_HEADER && h != NULL)
            TRY(read_header(&d, &rows[i], h, structure));
        if (rows[i].location == WIRE_IN_EVENT_PAYLOAD)
            TRY(read_payload(r, &d, &rows[i], message->payload, structure));
    }
    return OK;
}

// The member of the union that the message is for, made; NULL: none that the model knows.
static const struct wire_member *
row_of(const struct event_reader *r, struct str name)
{
    const struct wire_model *m = r->service->model;
    for (size_t i = 0; i < m->shapes[r->shape].member_count; i++) {
        const struct wire_member *row = &value_rows(m, r->shape)[i];
        if (str_eq(str_of(wire_text(m, row->name)), name))
            return row;
    }
    return NULL;
}

static int
read_event(const struct event_reader *r, const struct wire_member *row,
           const struct event_message *message, struct arena *arena, void *event)
{
    struct wire_problem problem;
    struct decoder d = decoder_of(r, arena, &problem);
    void *at;
    TRY(value_place(&d, row, event, &at));
    return read_members(r, row->shape, message, arena, at);
}

static int
take_error(struct event_reader *r, const struct event_message *message, bool is_modelled)
{
    struct wire_error_text e = {0};
    struct wire_reply reply = {.body = message->payload};
    if (is_modelled) {
        wire_client_decode_error(r->protocol == WIRE_REST_XML ? WIRE_REST_XML : WIRE_REST_JSON,
                                 &reply, &r->arena, &e);
        r->source.error = header_text(message, STR(":exception-type"));
        r->source.message = e.message;
    } else {
        r->source.error = header_text(message, STR(":error-code"));
        r->source.message = header_text(message, STR(":error-message"));
    }
    return E_FAULT;
}

static int
reader_next(struct event_source *source, struct arena *arena, void *event)
{
    struct event_reader *r = (struct event_reader *)source;
    for (;;) {
        bool is_end;
        struct event_message message;
        TRY(read_message(r, &message, &is_end));
        if (is_end)
            return OK;
        struct str kind = header_text(&message, STR(":message-type"));
        if (!str_eq(kind, STR("event")))
            return take_error(r, &message, str_eq(kind, STR("exception")));
        const struct wire_member *row = row_of(r, header_text(&message, STR(":event-type")));
        if (row != NULL)
            return read_event(r, row, &message, arena, event);
    }
}

static void
reader_close(struct event_source *source)
{
    struct event_reader *r = (struct event_reader *)source;
    stream_close(r->body);
    arena_fini(&r->arena);
}

struct event_source *
wire_event_reader(const struct wire_service *s, enum wire_protocol protocol, uint16_t shape,
                  struct stream *body, struct arena *arena)
{
    struct event_reader *r = arena_alloc(arena, sizeof(*r));
    CHECK(s->model->shapes[shape].type == WIRE_EVENTS);
    *r = (struct event_reader){
        .source = {.next = reader_next, .close = reader_close},
        .service = s,
        .protocol = protocol,
        .shape = value_rows(s->model, shape)->shape,
        .body = body,
    };
    arena_init(&r->arena);
    buf_init(&r->bytes, &r->arena, READ_BYTES);
    return &r->source;
}

int
wire_event_reader_initial(struct event_source *reader, struct str *payload)
{
    struct event_reader *r = (struct event_reader *)reader;
    struct event_message message;
    bool is_end;
    CHECK(reader->next == reader_next);
    TRY(read_message(r, &message, &is_end));
    if (is_end || !str_eq(header_text(&message, STR(":event-type")), STR("initial-response")))
        return E_INVALID;
    *payload = message.payload;
    return OK;
}
