// The response of a call in the protocol of its request: result or error.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/wire/protocol.h"

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
error_text(const struct fault *f)
{
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
        struct wire_error_text e = error_text(&c->fault);
        wire_json_encode_error(&e, out);
        if (s->is_query_compatible)
            add_query_error(c);
    } else if (c->operation->output == WIRE_NO_SHAPE) {
        buf_put(out, STR("{}"));
    } else {
        wire_json_encode(s->model, c->operation->output, c->out, out);
    }
}

static void
encode_query(struct call *c, struct buf *out)
{
    const struct wire_service *s = service_of(c);
    http_response_add(c->response, STR("Content-Type"), STR("text/xml"));
    if (c->fault.is_set) {
        struct wire_error_text e = error_text(&c->fault);
        wire_query_encode_error(s, &e, str_of(c->request_id), out);
    } else {
        wire_query_encode(s, c->operation, c->out, str_of(c->request_id), out);
    }
}

void
call_encode(struct call *c)
{
    struct buf out;
    buf_init(&out, c->arena, BODY_SIZE_HINT);
    c->response->status = c->fault.is_set ? c->fault.status : 200;
    http_response_add(c->response, STR("x-amzn-RequestId"),
                      arena_copy(c->arena, str_of(c->request_id)));
    if (c->protocol == WIRE_QUERY)
        encode_query(c, &out);
    else
        encode_json(c, &out);
    c->response->body = buf_str(&out);
}
