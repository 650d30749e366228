// The interpreters behind one face.
// SPDX-License-Identifier: Apache-2.0
#include "tests/proto/codec.h"

#include "src/wire/ec2.h"
#include "src/wire/rpc_cbor.h"

static const struct wire_operation *
route_target(const struct codec_call *c, const struct wire_request *request)
{
    struct str prefix = str_of(c->service->target_prefix);
    struct str target = wire_request_header(request, STR("X-Amz-Target"));
    if (target.len <= prefix.len || memcmp(target.ptr, prefix.ptr, prefix.len) != 0 ||
        target.ptr[prefix.len] != '.')
        return NULL;
    target = (struct str){target.ptr + prefix.len + 1, target.len - prefix.len - 1};
    return wire_operation_find(c->service, target);
}

static int
decode_json(const struct codec_call *c, const struct wire_request *request, void *out,
            struct wire_problem *problem)
{
    return wire_json_decode(c->service->model, c->operation->input, request->body, c->arena, out,
                            problem);
}

static void
encode_json(const struct codec_call *c, const void *in, struct wire_response *response)
{
    if (in == NULL)
        buf_put(&response->body, STR("{}"));
    else
        wire_json_encode(c->service->model, c->operation->output, in, &response->body);
}

static void
encode_json_error(const struct codec_call *c, const struct wire_error_text *e,
                  struct wire_response *response)
{
    wire_json_encode_error(e, &response->body);
}

static const struct wire_operation *
route_action(const struct codec_call *c, const struct wire_request *request)
{
    struct str version = wire_form_get(request->body, STR("Version"), c->arena);
    struct str action = wire_form_get(request->body, STR("Action"), c->arena);
    return str_eq(version, str_of(c->service->api_version)) && str_is_present(action)
               ? wire_operation_find(c->service, action)
               : NULL;
}

static int
decode_query(const struct codec_call *c, const struct wire_request *request, void *out,
             struct wire_problem *problem)
{
    return wire_query_decode(c->service->model, c->operation->input, request->body, c->arena, out,
                             problem);
}

static void
encode_query(const struct codec_call *c, const void *in, struct wire_response *response)
{
    wire_query_encode(c->service, c->operation, in, c->request_id, &response->body);
}

static void
encode_query_error(const struct codec_call *c, const struct wire_error_text *e,
                   struct wire_response *response)
{
    wire_query_encode_error(c->service, e, c->request_id, &response->body);
}

static int
decode_ec2(const struct codec_call *c, const struct wire_request *request, void *out,
           struct wire_problem *problem)
{
    return wire_ec2_decode(c->service->model, c->operation->input, request->body, c->arena, out,
                           problem);
}

static void
encode_ec2(const struct codec_call *c, const void *in, struct wire_response *response)
{
    wire_ec2_encode(c->service, c->operation, in, c->request_id, &response->body);
}

static void
encode_ec2_error(const struct codec_call *c, const struct wire_error_text *e,
                 struct wire_response *response)
{
    wire_ec2_encode_error(e, c->request_id, &response->body);
}

// The path alone says it: /service/NAME/operation/OPERATION.
static const struct wire_operation *
route_rpc(const struct codec_call *c, const struct wire_request *request)
{
    struct str service, operation;
    if (!wire_rpc_cbor_parse_path(request->path, &service, &operation) ||
        !wire_rpc_cbor_is_named(c->service, service))
        return NULL;
    return wire_operation_find(c->service, operation);
}

static int
decode_cbor(const struct codec_call *c, const struct wire_request *request, void *out,
            struct wire_problem *problem)
{
    return wire_rpc_cbor_decode(c->service->model, c->operation->input, request->body, c->arena,
                                out, problem);
}

static void
encode_cbor(const struct codec_call *c, const void *in, struct wire_response *response)
{
    if (in != NULL)
        wire_rpc_cbor_encode(c->service->model, c->operation->output, in, &response->body);
}

static void
encode_cbor_error(const struct codec_call *c, const struct wire_error_text *e,
                  struct wire_response *response)
{
    wire_rpc_cbor_encode_error(e, &response->body);
}

static const struct wire_operation *
route_rest(const struct codec_call *c, const struct wire_request *request)
{
    return wire_rest_match(c->service, request);
}

static int
decode_rest(const struct codec_call *c, const struct wire_request *request, void *out,
            struct wire_problem *problem)
{
    return wire_rest_decode(c->service, c->operation, c->protocol, request, c->arena, out, problem);
}

static void
encode_rest(const struct codec_call *c, const void *in, struct wire_response *response)
{
    wire_rest_encode(c->service, c->operation, c->protocol, in, response);
}

static void
encode_rest_error(const struct codec_call *c, const struct wire_error_text *e,
                  struct wire_response *response)
{
    wire_rest_encode_error(c->service, c->protocol, e, c->request_id, response);
}

#define JSON(name) {name, route_target, decode_json, encode_json, encode_json_error}
#define REST(name) {name, route_rest, decode_rest, encode_rest, encode_rest_error}

const struct codec codecs[CODEC_COUNT] = {
    [WIRE_JSON_1_0] = JSON("json-1.0"),
    [WIRE_JSON_1_1] = JSON("json-1.1"),
    [WIRE_QUERY] = {"query", route_action, decode_query, encode_query, encode_query_error},
    [WIRE_EC2] = {"ec2", route_action, decode_ec2, encode_ec2, encode_ec2_error},
    [WIRE_REST_JSON] = REST("rest-json"),
    [WIRE_REST_XML] = REST("rest-xml"),
    [WIRE_RPC_V2_CBOR] = {"smithy-rpc-v2-cbor", route_rpc, decode_cbor, encode_cbor,
                          encode_cbor_error},
};
