// The response of a call in the protocol of its request: result or error.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/wire/ec2.h"
#include "src/wire/event_source.h"
#include "src/wire/rpc_cbor.h"

enum { BODY_SIZE_HINT = 512 };

// For errors before a service is known. The namespace is what AWS's front ends use then.
static const struct wire_service no_service = {
    .name = "",
    .xml_namespace = "http://webservices.amazon.com/AWSFault/2005-15-09",
};

static const struct wire_service *
service_of(const struct call *c)
{
    return c->service ? c->service->wire : &no_service;
}

static struct wire_error_text
error_text(const struct call *c)
{
    const struct fault *f = &c->fault;
    return (struct wire_error_text){
        .name = f->name,
        .namespace_ = f->json_namespace,
        .query_code = f->query_code,
        .message = f->message,
        .is_sender = f->is_sender,
        .message_name = f->message_name,
        .m = f->m,
        .shape = f->shape,
        .context = f->context,
        .fields = f->fields,
        .field_count = f->field_count,
        .host_id = c->host_id,
    };
}

static void
add_query_error(struct call *c)
{
    // Lets SDKs of a service that once had the query protocol keep its error codes:
    // awsQueryCompatible, https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
    struct str value = arena_print(c->arena, STR_FMT ";%s", STR_ARG(c->fault.query_code),
                                   c->fault.is_sender ? "Sender" : "Receiver");
    http_response_add(c->response, STR("x-amzn-query-error"), value);
}

static void
encode_json(struct call *c, struct buf *out)
{
    const struct wire_service *s = service_of(c);
    http_response_add(c->response, STR("Content-Type"),
                      c->protocol == WIRE_JSON_1_0 ? STR("application/x-amz-json-1.0")
                                                   : STR("application/x-amz-json-1.1"));
    if (c->fault.is_set) {
        struct wire_error_text e = error_text(c);
        wire_json_encode_error(&e, out);
        if (s->is_query_compatible)
            add_query_error(c);
    } else if (c->operation->output == WIRE_NO_SHAPE) {
        buf_put(out, STR("{}"));
    } else {
        wire_json_encode(s->model, c->operation->output, c->out, out);
    }
}

// The output's events, where it has some.
static struct event_source *
events_of(const struct call *c, const struct wire_member **row)
{
    if (c->fault.is_set || c->service == NULL || c->operation->output == WIRE_NO_SHAPE)
        return NULL;
    const struct wire_model *m = c->service->wire->model;
    if (m->shapes[c->operation->output].payload_row == 0)
        return NULL;
    const struct wire_shape *shape = &m->shapes[c->operation->output];
    *row = &m->members[shape->member_first + shape->payload_row - 1];
    return *(struct event_source **)((char *)c->out + (*row)->offset);
}

// All else of the output is the first event.
static void
encode_events(struct call *c, struct event_source *events, const struct wire_member *row)
{
    const struct wire_service *s = c->service->wire;
    struct buf initial;
    buf_init(&initial, c->arena, BODY_SIZE_HINT);
    if (c->protocol == WIRE_RPC_V2_CBOR) {
        http_response_add(c->response, STR("smithy-protocol"), STR("rpc-v2-cbor"));
        wire_rpc_cbor_encode(s->model, c->operation->output, c->out, &initial);
    } else {
        wire_json_encode(s->model, c->operation->output, c->out, &initial);
    }
    http_response_add(c->response, STR("Content-Type"), EVENT_STREAM_TYPE);
    c->response->status = 200;
    c->response->stream =
        wire_event_stream(s, c->protocol, row->shape, events, buf_str(&initial), c->arena);
}

// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#responses
static void
encode_cbor(struct call *c, struct buf *out)
{
    const struct wire_service *s = service_of(c);
    http_response_add(c->response, STR("smithy-protocol"), STR("rpc-v2-cbor"));
    if (!c->fault.is_set && c->operation->output == WIRE_NO_SHAPE)
        return;
    http_response_add(c->response, STR("Content-Type"), STR("application/cbor"));
    if (c->fault.is_set) {
        struct wire_error_text e = error_text(c);
        wire_rpc_cbor_encode_error(&e, out);
        if (s->is_query_compatible)
            add_query_error(c);
    } else {
        wire_rpc_cbor_encode(s->model, c->operation->output, c->out, out);
    }
}

static void
encode_query(struct call *c, struct buf *out)
{
    const struct wire_service *s = service_of(c);
    struct str id = str_of(c->request_id);
    http_response_add(c->response, STR("Content-Type"), STR("text/xml"));
    if (c->fault.is_set) {
        struct wire_error_text e = error_text(c);
        wire_query_encode_error(s, &e, id, out);
    } else {
        wire_query_encode(s, c->operation, c->out, id, out);
    }
}

static void
encode_ec2(struct call *c, struct buf *out)
{
    struct str id = str_of(c->request_id);
    http_response_add(c->response, STR("Content-Type"), STR("text/xml;charset=UTF-8"));
    if (c->fault.is_set) {
        struct wire_error_text e = error_text(c);
        wire_ec2_encode_error(&e, id, out);
    } else {
        wire_ec2_encode(service_of(c), c->operation, c->out, id, out);
    }
}

// The length is the server's to say, by the body that is there. Only HEAD's output says that of a
// body that is not sent.
static void
take_content_length(struct call *c, struct wire_response *r)
{
    int64_t length;
    size_t kept = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        if (!str_eq_nocase(r->headers[i].name, STR("Content-Length")))
            r->headers[kept++] = r->headers[i];
        else if (r->is_head && str_to_int64(r->headers[i].value, &length) == OK && length >= 0)
            c->response->body = (struct str){"", (size_t)length};
    }
    r->header_count = kept;
}

// Any number of headers, so they stay where the interpreter puts them.
static void
encode_rest(struct call *c)
{
    struct wire_response r;
    wire_response_init(&r, c->arena, str_eq(c->http->method, STR("HEAD")));
    if (c->fault.is_set) {
        struct wire_error_text e = error_text(c);
        r.status = c->fault.status;
        wire_rest_encode_error(service_of(c), c->protocol, &e, str_of(c->request_id), &r);
    } else {
        wire_rest_encode(service_of(c), c->operation, c->protocol, c->out, &r);
    }
    c->response->status = r.status;
    c->response->body = buf_str(&r.body);
    c->response->stream = r.stream;
    take_content_length(c, &r);
    http_response_extend(c->response, r.headers, r.header_count);
}

static void
add_request_id(struct call *c)
{
    struct str id = arena_copy(c->arena, str_of(c->request_id));
    if (str_is_present(c->host_id)) {
        http_response_add(c->response, STR("x-amz-request-id"), id);
        http_response_add(c->response, STR("x-amz-id-2"), c->host_id);
    } else {
        http_response_add(c->response, STR("x-amzn-RequestId"), id);
    }
}

static void
encode_body(struct call *c, struct buf *out)
{
    if (c->protocol == WIRE_QUERY)
        encode_query(c, out);
    else if (c->protocol == WIRE_EC2)
        encode_ec2(c, out);
    else if (c->protocol == WIRE_RPC_V2_CBOR)
        encode_cbor(c, out);
    else
        encode_json(c, out);
}

void
call_encode(struct call *c)
{
    struct buf out;
    add_request_id(c);
    if (c->protocol == WIRE_REST_JSON || c->protocol == WIRE_REST_XML) {
        encode_rest(c);
        return;
    }
    const struct wire_member *row;
    struct event_source *events = events_of(c, &row);
    if (events != NULL) {
        encode_events(c, events, row);
        return;
    }
    c->response->status = c->fault.is_set ? c->fault.status : 200;
    buf_init(&out, c->arena, BODY_SIZE_HINT);
    encode_body(c, &out);
    c->response->body = buf_str(&out);
}
