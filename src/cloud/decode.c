// The typed input of a call.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/base/encoding.h"
#include "src/wire/ec2.h"
#include "src/wire/rpc_cbor.h"

static bool
has_query_name(const struct wire_model *m, uint16_t shape, const char *name)
{
    const struct wire_member *rows = m->members + m->shapes[shape].member_first;
    for (size_t i = 0; i < m->shapes[shape].member_count; i++)
        if (strcmp(wire_text(m, rows[i].query_name), name) == 0)
            return true;
    return false;
}

// In the query protocol a queue's URL is an endpoint of its own, and the parameter can be left out.
// Where both are there the parameter counts, since it comes first.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
static struct str
whole_form(const struct call *c, uint16_t shape)
{
    struct buf out;
    if (c->http->path.len <= 1 || !has_query_name(c->service->wire->model, shape, "QueueUrl"))
        return c->form;
    struct str endpoint = call_endpoint(c);
    struct str url =
        arena_print(c->arena, STR_FMT STR_FMT, STR_ARG(endpoint), STR_ARG(c->http->path));
    buf_init(&out, c->arena, c->form.len + 2 * url.len);
    buf_put(&out, c->form);
    buf_put(&out, STR("&QueueUrl="));
    percent_encode(url, false, &out);
    return buf_str(&out);
}

static int
decode_rest(struct call *c, void *in, struct wire_problem *problem)
{
    const struct http_request *http = c->http;
    struct wire_request request = {
        .method = http->method,
        .path = c->path,
        .query = http->query,
        .headers = http->headers,
        .header_count = http->header_count,
        .body = c->body,
        .stream = c->stream,
    };
    return wire_rest_decode(c->service->wire, c->operation, c->protocol, &request, c->arena, in,
                            problem);
}

static int
decode(struct call *c, void *in, struct wire_problem *problem)
{
    const struct wire_model *m = c->service->wire->model;
    uint16_t shape = c->operation->input;
    switch (c->protocol) {
    case WIRE_JSON_1_0:
    case WIRE_JSON_1_1:
        return wire_json_decode(m, shape, c->body, c->arena, in, problem);
    case WIRE_QUERY:
        return wire_query_decode(m, shape, whole_form(c, shape), c->arena, in, problem);
    case WIRE_EC2:
        return wire_ec2_decode(m, shape, c->form, c->arena, in, problem);
    case WIRE_REST_JSON:
    case WIRE_REST_XML:
        return decode_rest(c, in, problem);
    case WIRE_RPC_V2_CBOR:
        return wire_rpc_cbor_decode(m, shape, c->body, c->arena, in, problem);
    }
    return E_INVALID;
}

int
call_decode_input(struct call *c)
{
    uint16_t shape = c->operation->input;
    struct wire_problem problem = {0};
    if (c->in != NULL)
        return OK;
    const struct wire_model *m = c->service->wire->model;
    void *in = arena_alloc(c->arena, shape == WIRE_NO_SHAPE ? 0 : m->shapes[shape].c_size);
    if (shape != WIRE_NO_SHAPE && decode(c, in, &problem) != OK)
        return fault_of_problem(c, &problem);
    c->in = in;
    return OK;
}

int
call_decode(struct call *c)
{
    TRY(call_decode_input(c));
    return c->operation->input == WIRE_NO_SHAPE ? OK : call_check(c);
}

int
call_decode_typed(struct call *c, const void *input)
{
    c->in = input != NULL ? input : arena_alloc(c->arena, 0);
    return c->operation->input == WIRE_NO_SHAPE ? OK : call_check(c);
}
