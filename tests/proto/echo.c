// A program that decodes requests and tells what it found, and encodes what it is told.
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "src/cloud/service.h"
#include "tests/proto/codec.h"
#include "tests/proto/frame.h"
#include "tests/proto/lines.h"

// A request:  decode SERVICE PROTOCOL OPERATION METHOD PATH QUERY BODY {HEADER VALUE}...
//   answer:   ok ROUTED LINES  or  problem MESSAGE; ROUTED is the operation that a server takes it
//   for
// A response: encode SERVICE PROTOCOL OPERATION METHOD LINES
// An error:   error SERVICE PROTOCOL NAME MESSAGE LINES
//   answer:   ok STATUS BODY {HEADER VALUE}...
// `protocols` answers the names of those whose interpreter is there.
enum { LINES_SIZE_HINT = 512, SECONDS_MAX = 200 };
enum {
    FIELD_SERVICE = 1,
    FIELD_PROTOCOL,
    FIELD_NAME, // of an operation or error
    FIELD_METHOD,
    FIELD_PATH,
    FIELD_QUERY,
    FIELD_BODY,
    FIELD_HEADERS,
    FIELD_MESSAGE = FIELD_METHOD,
    FIELD_LINES = FIELD_PATH,
};

static const char request_id[] = "01234567-89ab-cdef-0123-456789abcdef";

static const struct wire_service *
service_find(struct str name)
{
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        if (str_eq(str_of(service_registry[i]->wire->name), name))
            return service_registry[i]->wire;
    }
    return NULL;
}

static enum wire_protocol
protocol_find(struct str name)
{
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (codecs[i].name != NULL && str_eq(str_of(codecs[i].name), name))
            return (enum wire_protocol)i;
    }
    CHECK(false);
    return 0;
}

static struct codec_call
call_of(const struct frame *f, struct arena *arena)
{
    struct codec_call c = {
        .service = service_find(f->fields[FIELD_SERVICE]),
        .protocol = protocol_find(f->fields[FIELD_PROTOCOL]),
        .arena = arena,
        .request_id = str_of(request_id),
    };
    CHECK(c.service != NULL);
    return c;
}

static struct wire_request
request_of(const struct frame *f, struct arena *arena)
{
    struct wire_request r = {
        .method = f->fields[FIELD_METHOD],
        .path = f->fields[FIELD_PATH],
        .query = f->fields[FIELD_QUERY],
        .body = f->fields[FIELD_BODY],
        .header_count = (f->count - FIELD_HEADERS) / 2,
    };
    struct header *headers = ARENA_ARRAY(arena, r.header_count, struct header);
    for (size_t i = 0; i < r.header_count; i++)
        headers[i] =
            (struct header){f->fields[FIELD_HEADERS + 2 * i], f->fields[FIELD_HEADERS + 2 * i + 1]};
    r.headers = headers;
    if (r.query.len == 0)
        r.query = (struct str){0};
    return r;
}

static void *
value_new(const struct wire_model *m, uint16_t shape, struct arena *arena)
{
    return shape == WIRE_NO_SHAPE ? NULL : arena_alloc(arena, m->shapes[shape].c_size);
}

static const struct wire_operation *
operation_find(const struct frame *f, const struct wire_service *s)
{
    const struct wire_operation *op = wire_operation_find(s, f->fields[FIELD_NAME]);
    CHECK(op != NULL);
    return op;
}

static void
decode(const struct frame *f, struct arena *arena, struct frame *reply)
{
    struct codec_call c = call_of(f, arena);
    const struct codec *codec = &codecs[c.protocol];
    const struct wire_model *m = c.service->model;
    struct wire_request request = request_of(f, arena);
    struct wire_problem problem = {0};
    struct buf lines;
    buf_init(&lines, arena, LINES_SIZE_HINT);
    const struct wire_operation *routed = codec->route(&c, &request);
    c.operation = operation_find(f, c.service);
    void *in = value_new(m, c.operation->input, arena);
    if (in != NULL && codec->decode(&c, &request, in, &problem) != OK) {
        frame_add(reply, STR("problem"));
        frame_add(reply, problem.message);
        return;
    }
    if (in != NULL)
        lines_dump(m, c.operation->input, in, &lines);
    frame_add(reply, STR("ok"));
    frame_add(reply, str_of(routed ? wire_text(m, routed->name) : "nothing"));
    frame_add(reply, buf_str(&lines));
}

static void
answer_response(struct frame *reply, const struct wire_response *response, struct arena *arena)
{
    frame_add(reply, STR("ok"));
    frame_add(reply, arena_print(arena, "%d", response->status));
    frame_add(reply, buf_str(&response->body));
    for (size_t i = 0; i < response->header_count; i++) {
        frame_add(reply, response->headers[i].name);
        frame_add(reply, response->headers[i].value);
    }
}

static void
encode(const struct frame *f, struct arena *arena, struct frame *reply)
{
    struct codec_call c = call_of(f, arena);
    const struct wire_model *m = c.service->model;
    struct wire_response response;
    c.operation = operation_find(f, c.service);
    void *value = value_new(m, c.operation->output, arena);
    if (value != NULL)
        lines_load(m, c.operation->output, f->fields[FIELD_LINES], arena, value);
    wire_response_init(&response, arena, str_eq(f->fields[FIELD_METHOD], STR("HEAD")));
    response.status = 200;
    codecs[c.protocol].encode(&c, value, &response);
    answer_response(reply, &response, arena);
}

static const struct wire_error *
error_find(const struct wire_service *s, struct str name)
{
    for (size_t i = 0; i < s->error_count; i++) {
        if (str_eq(str_of(wire_text(s->model, s->errors[i].name)), name))
            return &s->errors[i];
    }
    return NULL;
}

static void
encode_error(const struct frame *f, struct arena *arena, struct frame *reply)
{
    struct codec_call c = call_of(f, arena);
    const struct wire_model *m = c.service->model;
    const struct wire_error *error = error_find(c.service, f->fields[FIELD_NAME]);
    struct wire_response response;
    CHECK(error != NULL);
    void *context = value_new(m, error->shape, arena);
    if (context != NULL)
        lines_load(m, error->shape, f->fields[FIELD_LINES], arena, context);
    struct wire_error_text text = {
        .name = str_of(wire_text(m, error->name)),
        .namespace_ = str_of(c.service->json_namespace),
        .query_code = str_of(wire_text(m, error->query_code)),
        .message = f->fields[FIELD_MESSAGE],
        .is_sender = error->is_sender,
        .message_name =
            error->message_name ? str_of(wire_text(m, error->message_name)) : (struct str){0},
        .m = m,
        .shape = error->shape,
        .context = context,
    };
    wire_response_init(&response, arena, false);
    response.status = error->status;
    codecs[c.protocol].encode_error(&c, &text, &response);
    answer_response(reply, &response, arena);
}

static void
answer_protocols(struct frame *reply)
{
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (codecs[i].name != NULL)
            frame_add(reply, str_of(codecs[i].name));
    }
}

static void
answer(const struct frame *f, struct arena *arena, struct frame *reply)
{
    reply->count = 0;
    if (str_eq(f->fields[0], STR("decode")))
        decode(f, arena, reply);
    else if (str_eq(f->fields[0], STR("encode")))
        encode(f, arena, reply);
    else if (str_eq(f->fields[0], STR("error")))
        encode_error(f, arena, reply);
    else
        answer_protocols(reply);
}

int
main(void)
{
    struct frame request, reply;
    struct arena arena;
    alarm(SECONDS_MAX); // a decoder that does not end ends with the program
    arena_init(&arena);
    while (frame_read(&request, &arena)) {
        answer(&request, &arena, &reply);
        frame_write(&reply);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return 0;
}
