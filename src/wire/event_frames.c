// Typed events to the messages of a body.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/event_source.h"

#include "src/wire/event_stream.h"
#include "src/wire/rest_body.h"
#include "src/wire/rpc_cbor.h"
#include "src/wire/text_value.h"
#include "src/wire/xml.h"
#include "src/wire/xml_value.h"

enum { FRAME_SIZE_HINT = 512 };

#define INTERNAL_FAILURE STR("InternalFailure")
#define INTERNAL_MESSAGE STR("An internal error occurred.")

struct event_frames {
    struct stream stream;
    const struct wire_service *service;
    enum wire_protocol protocol;
    uint16_t shape; // of the union
    struct event_source *source;
    struct arena arena; // of the event at hand
    struct buf frame;
    struct str rest; // of the frame, still to be read
    bool is_at_end;
};

// An event's headers and payload before they are one message.
struct draft {
    const struct event_frames *f;
    struct event_message message;
    struct buf payload;
    struct str content_type; // absent: there is no payload
};

int
event_fault(struct event_source *s, const struct wire_service *service, int error,
            struct str message)
{
    CHECK(error >= 0 && (size_t)error < service->error_count);
    s->error = str_of(wire_text(service->model, service->errors[error].name));
    s->message = message;
    return E_FAULT;
}

static const struct wire_member *
union_rows(const struct event_frames *f)
{
    return value_rows(f->service->model, f->shape);
}

static struct str
structure_type(enum wire_protocol protocol)
{
    switch (protocol) {
    case WIRE_JSON_1_0:
        return STR("application/x-amz-json-1.0");
    case WIRE_JSON_1_1:
        return STR("application/x-amz-json-1.1");
    case WIRE_RPC_V2_CBOR:
        return STR("application/cbor");
    case WIRE_REST_XML:
        return STR("text/xml");
    default:
        return STR("application/json");
    }
}

static void
put_structure(struct draft *d, uint16_t shape, const void *at)
{
    const struct wire_model *m = d->f->service->model;
    d->content_type = structure_type(d->f->protocol);
    if (d->f->protocol == WIRE_RPC_V2_CBOR) {
        wire_rpc_cbor_encode(m, shape, at, &d->payload);
    } else if (d->f->protocol == WIRE_REST_XML) {
        buf_put(&d->payload, REST_XML_PROLOG);
        xml_put_root(m, shape, wire_text(m, m->shapes[shape].name), STR(""), at, &d->payload);
    } else {
        wire_json_encode(m, shape, at, &d->payload);
    }
}

static void
put_payload(struct draft *d, const struct wire_member *row, const void *at)
{
    enum wire_type type = d->f->service->model->shapes[row->shape].type;
    if (type == WIRE_STRUCTURE) {
        put_structure(d, row->shape, at);
        return;
    }
    CHECK(type == WIRE_STRING || type == WIRE_BLOB);
    d->content_type =
        type == WIRE_BLOB ? STR("application/octet-stream") : STR("text/plain;charset=utf-8");
    buf_put(&d->payload, *(const struct str *)at);
}

static void
add_header(struct draft *d, struct str name, struct event_header h)
{
    struct event_message *m = &d->message;
    h.name = name;
    m->headers = arena_grow(d->payload.arena, m->headers, m->header_count * sizeof(h),
                            (m->header_count + 1) * sizeof(h));
    m->headers[m->header_count++] = h;
}

static void
add_text(struct draft *d, struct str name, struct str text)
{
    add_header(d, name, (struct event_header){.type = EVENT_STRING, .bytes = text});
}

// https://smithy.io/2.0/spec/streaming.html#eventheader-trait
static void
put_header(struct draft *d, const struct wire_member *row, const void *at)
{
    const struct wire_model *m = d->f->service->model;
    enum wire_type type = m->shapes[row->shape].type;
    struct event_header h = {.type = EVENT_STRING};
    switch (type) {
    case WIRE_BOOLEAN:
        h.type = ((const struct opt_bool *)at)->value ? EVENT_TRUE : EVENT_FALSE;
        break;
    case WIRE_INTEGER:
    case WIRE_LONG:
        h.type = type == WIRE_INTEGER ? EVENT_INTEGER : EVENT_LONG;
        h.number = value_int(type, at);
        break;
    case WIRE_TIMESTAMP:
        h.type = EVENT_TIMESTAMP;
        h.number = ((const struct opt_time *)at)->value;
        break;
    default:
        CHECK(type == WIRE_STRING || type == WIRE_BLOB);
        h.type = type == WIRE_BLOB ? EVENT_BYTES : EVENT_STRING;
        h.bytes = *(const struct str *)at;
    }
    add_header(d, str_of(wire_text(m, row->name)), h);
}

// A member of an event is its payload, one of its headers, or a part of the structure that is its
// payload otherwise.
static void
put_members(struct draft *d, uint16_t shape, const void *structure)
{
    const struct wire_model *m = d->f->service->model;
    const struct wire_member *rows = value_rows(m, shape);
    bool has_own_payload = false, has_body = false;
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        const void *at = value_get(m, &rows[i], structure);
        has_own_payload |= rows[i].location == WIRE_IN_EVENT_PAYLOAD;
        has_body |= rows[i].location == WIRE_IN_BODY;
        if (at != NULL && rows[i].location == WIRE_IN_EVENT_PAYLOAD)
            put_payload(d, &rows[i], at);
        else if (at != NULL && rows[i].location == WIRE_IN_EVENT_HEADER)
            put_header(d, &rows[i], at);
    }
    if (has_body && !has_own_payload)
        put_structure(d, shape, structure);
}

static int
finish(struct draft *d, struct buf *out)
{
    if (str_is_present(d->content_type))
        add_text(d, STR(":content-type"), d->content_type);
    d->message.payload = buf_str(&d->payload);
    return event_encode(&d->message, out);
}

static struct draft
draft_of(struct event_frames *f, struct str kind, struct str type_name, struct str type)
{
    struct draft d = {.f = f};
    buf_init(&d.payload, &f->arena, 0);
    add_text(&d, STR(":message-type"), kind);
    add_text(&d, type_name, type);
    return d;
}

static const struct wire_error *
error_of(const struct wire_service *s, uint16_t shape)
{
    for (size_t i = 0; i < s->error_count; i++)
        if (s->errors[i].name == s->model->shapes[shape].name) // texts are there once
            return &s->errors[i];
    return NULL;
}

static void
put_exception_payload(struct draft *d, const struct wire_error *error, struct str message,
                      const void *context)
{
    const struct wire_service *s = d->f->service;
    struct wire_error_text e = {
        .name = str_of(wire_text(s->model, error->name)),
        .query_code = str_of(wire_text(s->model, error->query_code)),
        .namespace_ = str_of(s->json_namespace),
        .message = message,
        .is_sender = error->is_sender,
        .message_name = error->message_name == 0 ? (struct str){0}
                                                 : str_of(wire_text(s->model, error->message_name)),
        .m = s->model,
        .shape = error->shape,
        .context = error->shape == WIRE_NO_SHAPE ? NULL : context,
    };
    d->content_type = structure_type(d->f->protocol);
    if (d->f->protocol == WIRE_RPC_V2_CBOR)
        wire_rpc_cbor_encode_error(&e, &d->payload);
    else if (d->f->protocol == WIRE_REST_XML)
        wire_query_encode_error(s, &e, STR(""), &d->payload);
    else
        wire_json_encode_error(&e, &d->payload);
}

static int
put_exception(struct event_frames *f, const struct wire_member *row, const struct wire_error *error,
              struct str message, const void *context)
{
    struct str name = str_of(wire_text(f->service->model, row->name));
    struct draft d = draft_of(f, STR("exception"), STR(":exception-type"), name);
    put_exception_payload(&d, error, message, context);
    f->is_at_end = true;
    return finish(&d, &f->frame);
}

static int
put_event(struct event_frames *f, const struct wire_member *row, const void *event)
{
    const struct wire_error *error = error_of(f->service, row->shape);
    if (error != NULL)
        return put_exception(f, row, error, f->source->message, event);
    struct str name = str_of(wire_text(f->service->model, row->name));
    struct draft d = draft_of(f, STR("event"), STR(":event-type"), name);
    put_members(&d, row->shape, event);
    return finish(&d, &f->frame);
}

// What the source failed with: an exception of the union, or an error that the model lacks.
static int
put_failure(struct event_frames *f, int code)
{
    const struct wire_model *m = f->service->model;
    struct event_source *s = f->source;
    f->is_at_end = true;
    if (code != E_FAULT)
        return event_put_error(&f->frame, INTERNAL_FAILURE, INTERNAL_MESSAGE);
    for (size_t i = 0; i < m->shapes[f->shape].member_count; i++) {
        const struct wire_member *row = &union_rows(f)[i];
        const struct wire_error *error = error_of(f->service, row->shape);
        if (error != NULL && str_eq(s->error, str_of(wire_text(m, error->name))))
            return put_exception(f, row, error, s->message, NULL);
    }
    return event_put_error(&f->frame, s->error, s->message);
}

static int
put_next(struct event_frames *f)
{
    const struct wire_model *m = f->service->model;
    void *event = arena_alloc(&f->arena, m->shapes[f->shape].c_size);
    int code = f->source->next(f->source, &f->arena, event);
    if (code != OK)
        return put_failure(f, code);
    for (size_t i = 0; i < m->shapes[f->shape].member_count; i++) {
        const void *at = value_get(m, &union_rows(f)[i], event);
        if (at != NULL)
            return put_event(f, &union_rows(f)[i], at);
    }
    f->is_at_end = true;
    return OK;
}

// An event that no message can hold is the service's fault.
static void
make_frame(struct event_frames *f)
{
    arena_reset(&f->arena);
    buf_init(&f->frame, &f->arena, FRAME_SIZE_HINT);
    if (put_next(f) != OK) {
        f->is_at_end = true;
        CHECK(event_put_error(&f->frame, INTERNAL_FAILURE, INTERNAL_MESSAGE) == OK);
    }
    f->rest = buf_str(&f->frame);
}

static int
frames_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct event_frames *f = (struct event_frames *)stream;
    if (f->rest.len == 0 && !f->is_at_end)
        make_frame(f);
    *got = size < f->rest.len ? size : f->rest.len;
    if (*got > 0)
        memcpy(out, f->rest.ptr, *got);
    f->rest = str_slice(f->rest, *got, f->rest.len);
    return OK;
}

static void
frames_close(struct stream *stream)
{
    struct event_frames *f = (struct event_frames *)stream;
    if (f->source->close != NULL)
        f->source->close(f->source);
    arena_fini(&f->arena);
}

struct stream *
wire_event_stream(const struct wire_service *s, enum wire_protocol protocol, uint16_t shape,
                  struct event_source *source, struct str initial, struct arena *arena)
{
    struct event_frames *f = arena_alloc(arena, sizeof(*f));
    CHECK(s->model->shapes[shape].type == WIRE_EVENTS);
    *f = (struct event_frames){
        .stream = {.read = frames_read, .close = frames_close, .length = STREAM_LENGTH_UNKNOWN},
        .service = s,
        .protocol = protocol,
        .shape = value_rows(s->model, shape)->shape,
        .source = source,
    };
    arena_init(&f->arena);
    if (!str_is_present(initial))
        return &f->stream;
    buf_init(&f->frame, &f->arena, initial.len + FRAME_SIZE_HINT);
    if (event_put_event(&f->frame, STR("initial-response"), structure_type(protocol), initial) !=
        OK) {
        f->is_at_end = true;
        CHECK(event_put_error(&f->frame, INTERNAL_FAILURE, INTERNAL_MESSAGE) == OK);
    }
    f->rest = buf_str(&f->frame);
    return &f->stream;
}
