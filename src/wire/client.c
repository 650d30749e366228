// The client's side of the protocols.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/client.h"

#include "src/wire/cbor_any.h"
#include "src/wire/event_source.h"
#include "src/wire/json.h"
#include "src/wire/json_value.h"
#include "src/wire/problem.h"
#include "src/wire/query_request.h"
#include "src/wire/rest_body.h"
#include "src/wire/rest_request.h"
#include "src/wire/rpc_cbor.h"
#include "src/wire/value.h"
#include "src/wire/xml_reader.h"

void
wire_client_fill_tokens(const struct wire_model *m, uint16_t shape, void *in, struct str token)
{
    const struct wire_member *rows = value_rows(m, shape);
    for (size_t i = 0; i < m->shapes[shape].member_count; i++) {
        if ((rows[i].flags & WIRE_IDEMPOTENCY_TOKEN) != 0 && value_get(m, &rows[i], in) == NULL)
            *(struct str *)((char *)in + rows[i].offset) = token;
    }
}

static bool
is_rest(enum wire_protocol protocol)
{
    return protocol == WIRE_REST_JSON || protocol == WIRE_REST_XML;
}

// A POST to the root, as every RPC protocol has it.
static void
encode_post(struct wire_response *message, struct str content_type, struct wire_request *out)
{
    wire_response_add(message, STR("Content-Type"), content_type);
    *out = (struct wire_request){
        .method = STR("POST"),
        .path = STR("/"),
        .headers = message->headers,
        .header_count = message->header_count,
        .body = buf_str(&message->body),
    };
}

static void
encode_json(const struct wire_service *s, const struct wire_operation *op,
            enum wire_protocol protocol, const void *in, struct arena *arena,
            struct wire_request *out)
{
    struct wire_response message;
    wire_response_init(&message, arena, false);
    wire_response_add(&message, STR("X-Amz-Target"),
                      arena_print(arena, "%s.%s", s->target_prefix, wire_text(s->model, op->name)));
    if (op->input == WIRE_NO_SHAPE)
        buf_put(&message.body, STR("{}"));
    else
        wire_json_encode(s->model, op->input, in, &message.body);
    encode_post(&message,
                protocol == WIRE_JSON_1_0 ? STR("application/x-amz-json-1.0")
                                          : STR("application/x-amz-json-1.1"),
                out);
}

static void
encode_form(const struct wire_service *s, const struct wire_operation *op,
            enum wire_protocol protocol, const void *in, struct arena *arena,
            struct wire_request *out)
{
    struct wire_response message;
    wire_response_init(&message, arena, false);
    if (protocol == WIRE_EC2)
        ec2_encode_request(s, op, in, &message.body);
    else
        query_encode_request(s, op, in, &message.body);
    encode_post(&message, STR("application/x-www-form-urlencoded; charset=utf-8"), out);
}

static void
encode_cbor(const struct wire_service *s, const struct wire_operation *op, const void *in,
            struct arena *arena, struct wire_request *out)
{
    struct wire_response message;
    wire_response_init(&message, arena, false);
    wire_response_add(&message, STR("smithy-protocol"), STR("rpc-v2-cbor"));
    wire_response_add(&message, STR("Accept"), STR("application/cbor"));
    if (op->input != WIRE_NO_SHAPE)
        wire_rpc_cbor_encode(s->model, op->input, in, &message.body);
    encode_post(&message, STR("application/cbor"), out);
    if (op->input == WIRE_NO_SHAPE)
        out->header_count--; // no body, no Content-Type
    out->path = arena_print(arena, "/service/" STR_FMT "/operation/%s",
                            STR_ARG(wire_rpc_cbor_name(s)), wire_text(s->model, op->name));
}

int
wire_client_encode(const struct wire_service *s, const struct wire_operation *op,
                   enum wire_protocol protocol, const void *in, struct arena *arena,
                   struct wire_request *out)
{
    if (is_rest(protocol))
        return rest_encode_request(s, op, protocol, in, arena, out);
    if (protocol == WIRE_QUERY || protocol == WIRE_EC2)
        encode_form(s, op, protocol, in, arena, out);
    else if (protocol == WIRE_RPC_V2_CBOR)
        encode_cbor(s, op, in, arena, out);
    else
        encode_json(s, op, protocol, in, arena, out);
    return OK;
}

bool
client_has_events(const struct wire_model *m, const struct wire_operation *op)
{
    uint8_t payload = m->shapes[op->output].payload_row;
    return payload != 0 &&
           m->shapes[value_rows(m, op->output)[payload - 1].shape].type == WIRE_EVENTS;
}

static int
decode_initial(struct decoder *d, const struct wire_operation *op, enum wire_protocol protocol,
               struct event_source *events, void *out)
{
    struct str initial;
    TRY(wire_event_reader_initial(events, &initial));
    initial = arena_copy(d->arena, initial);
    if (protocol == WIRE_RPC_V2_CBOR)
        return wire_rpc_cbor_decode(d->m, op->output, initial, d->arena, out, d->problem);
    return json_decode_members(d, op->output, initial, out);
}

// What else the output has is in its headers, or in the first event.
static int
decode_events(struct decoder *d, const struct wire_service *s, const struct wire_operation *op,
              enum wire_protocol protocol, const struct wire_reply *reply, void *out)
{
    const struct wire_shape *shape = &d->m->shapes[op->output];
    const struct wire_member *row = &value_rows(d->m, op->output)[shape->payload_row - 1];
    struct stream *body = rest_body_stream(d->arena, reply->body, reply->stream);
    struct event_source *events = wire_event_reader(s, protocol, row->shape, body, d->arena);
    int code = is_rest(protocol) ? rest_decode_reply(d, op, protocol, reply, out)
                                 : decode_initial(d, op, protocol, events, out);
    *(struct event_source **)((char *)out + row->offset) = events;
    return code;
}

int
wire_client_decode(const struct wire_service *s, const struct wire_operation *op,
                   enum wire_protocol protocol, const struct wire_reply *reply, struct arena *arena,
                   void *out, struct wire_problem *problem)
{
    struct decoder d = {.m = s->model, .arena = arena, .problem = problem, .depth = 1};
    int code;
    *problem = (struct wire_problem){0};
    if (op->output == WIRE_NO_SHAPE)
        return OK;
    if (client_has_events(s->model, op)) {
        memset(out, 0, s->model->shapes[op->output].c_size);
        code = decode_events(&d, s, op, protocol, reply, out);
        return code == OK ? OK : problem_of_code(problem, arena, code, "The response is malformed");
    }
    if (protocol == WIRE_RPC_V2_CBOR)
        return wire_rpc_cbor_decode(s->model, op->output, reply->body, arena, out, problem);
    bool is_form = protocol == WIRE_QUERY || protocol == WIRE_EC2;
    if (!is_rest(protocol) && !is_form)
        return wire_json_decode(s->model, op->output, reply->body, arena, out, problem);
    memset(out, 0, s->model->shapes[op->output].c_size);
    code = is_form ? query_decode_reply(&d, op, reply->body, out)
                   : rest_decode_reply(&d, op, protocol, reply, out);
    return code == OK ? OK : problem_of_code(problem, arena, code, "The response is malformed");
}

// "namespace#Code:http://..." is Code.
static struct str
bare_code(struct str code)
{
    struct str head, rest;
    str_cut(code, ':', &code, &rest);
    return str_cut(code, '#', &head, &rest) ? rest : code;
}

static bool
is_one_of(struct str name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (str_eq(name, str_of(*names)))
            return true;
    }
    return false;
}

static const char *const code_names[] = {"__type", "code", "Code", NULL};
static const char *const message_names[] = {"message", "Message", "errorMessage", NULL};

static int
read_json_error(struct str body, struct arena *arena, struct wire_error_text *out)
{
    struct json_reader r;
    struct str key;
    bool more;
    json_reader_init(&r, body, arena, WIRE_DEPTH_MAX);
    TRY(json_object_begin(&r));
    for (;;) {
        TRY(json_object_next(&r, &more, &key));
        if (!more)
            return json_end(&r);
        bool is_string = json_peek(&r) == JSON_STRING;
        if (is_string && out->name.len == 0 && is_one_of(key, code_names))
            TRY(json_read_string(&r, &out->name));
        else if (is_string && is_one_of(key, message_names))
            TRY(json_read_string(&r, &out->message));
        else
            TRY(json_skip(&r));
    }
}

static int
read_cbor_error(struct str body, struct arena *arena, struct wire_error_text *out)
{
    struct cbor_reader r;
    struct cbor_items items;
    struct str key;
    bool more;
    cbor_reader_init(&r, body);
    TRY(cbor_any_begin(&r, CBOR_MAP, &items));
    for (;;) {
        TRY(cbor_any_next(&r, &items, &more));
        if (!more)
            return OK;
        TRY(cbor_any_string(&r, CBOR_TEXT, arena, &key));
        bool is_text = cbor_any_peek(&r) == CBOR_KIND_TEXT;
        if (is_text && out->name.len == 0 && is_one_of(key, code_names))
            TRY(cbor_any_string(&r, CBOR_TEXT, arena, &out->name));
        else if (is_text && is_one_of(key, message_names))
            TRY(cbor_any_string(&r, CBOR_TEXT, arena, &out->message));
        else
            TRY(cbor_any_skip(&r, WIRE_DEPTH_MAX));
    }
}

static int
read_xml_error(struct str body, struct arena *arena, struct wire_error_text *out)
{
    struct xml_node *root;
    TRY(xml_parse(arena, body, WIRE_DEPTH_MAX, WIRE_ITEMS_MAX, &root));
    const struct xml_node *errors = xml_find(root, STR("Errors")); // EC2 has a list of one
    const struct xml_node *error = xml_find(errors == NULL ? root : errors, STR("Error"));
    error = error == NULL ? root : error; // S3 has no element around it
    const struct xml_node *code = xml_find(error, STR("Code"));
    const struct xml_node *message = xml_find(error, STR("Message"));
    if (code != NULL)
        out->name = buf_str(&code->text);
    if (message != NULL)
        out->message = buf_str(&message->text);
    return OK;
}

static int
read_error(enum wire_protocol protocol, struct str body, struct arena *arena,
           struct wire_error_text *out)
{
    if (protocol == WIRE_RPC_V2_CBOR)
        return read_cbor_error(body, arena, out);
    bool is_xml = protocol == WIRE_QUERY || protocol == WIRE_EC2 || protocol == WIRE_REST_XML;
    return is_xml ? read_xml_error(body, arena, out) : read_json_error(body, arena, out);
}

void
wire_client_decode_error(enum wire_protocol protocol, const struct wire_reply *reply,
                         struct arena *arena, struct wire_error_text *out)
{
    const struct wire_request headers = {.headers = reply->headers,
                                         .header_count = reply->header_count};
    *out = (struct wire_error_text){.is_sender = reply->status < 500};
    out->name = wire_request_header(&headers, STR("x-amzn-ErrorType"));
    int code = read_error(protocol, reply->body, arena, out);
    // A body that says nothing leaves what the header says.
    out->name = code == OK || out->name.len > 0 ? bare_code(out->name) : STR("");
    if (out->name.ptr == NULL)
        out->name = STR("");
    out->query_code = out->name;
}
