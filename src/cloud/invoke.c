// A call without a connection, through the same stages.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/invoke.h"

#include "src/cloud/stages.h"

struct inner_call {
    struct call call;
    struct http_request request;
    struct http_response response;
    struct header headers[2];
};

// Handlers make URLs from the host, and records tell the caller.
static void
begin(struct inner_call *ic, const struct invocation *i, struct str body)
{
    *ic = (struct inner_call){0};
    ic->headers[0] = (struct header){STR("Host"), str_of(i->cloud->address.text)};
    ic->headers[1] = (struct header){STR("User-Agent"), i->caller};
    ic->request = (struct http_request){
        .method = STR("POST"),
        .target = STR("/"),
        .path = STR("/"),
        .headers = ic->headers,
        .header_count = COUNT_OF(ic->headers),
        .body = body,
        .peer = arena_copy_z(i->arena, i->caller),
        .received_ns = clock_mono_ns(i->cloud->runtime),
        .arena = i->arena,
    };
    ic->call = (struct call){
        .cloud = i->cloud,
        .arena = i->arena,
        .kv = i->cloud->kv,
        .http = &ic->request,
        .response = &ic->response,
        .protocol = WIRE_JSON_1_1,
        .body = body,
        .principal = i->principal,
        .region = i->region,
        .is_inside = true,
    };
    random_uuid(i->cloud->runtime, ic->call.request_id);
}

static int
end(struct call *c, int code, bool wants_json, struct fault *fault)
{
    if (code == OK)
        c->fault = (struct fault){0};
    else
        CHECK(fault_of_code(c, code) == E_FAULT);
    if (wants_json)
        call_encode(c);
    else
        c->response->status = c->fault.is_set ? c->fault.status : 200;
    call_record(c);
    *fault = c->fault;
    return code == OK ? OK : E_FAULT;
}

static int
run_json(struct call *c, struct str service, struct str operation)
{
    TRY(call_route_names(c, service, operation));
    TRY(call_require_handler(c));
    TRY(call_decode(c));
    TRY(call_authorise(c));
    return call_run(c);
}

static int
run_typed(struct call *c, struct str service, struct str operation, const void *input)
{
    TRY(call_route_names(c, service, operation));
    TRY(call_require_handler(c));
    TRY(call_decode_typed(c, input));
    TRY(call_authorise(c));
    return call_run(c);
}

int
invoke_json(const struct invocation *i, struct str service, struct str operation, struct str input,
            struct str *output, struct fault *fault)
{
    struct inner_call ic;
    begin(&ic, i, input);
    int code = end(&ic.call, run_json(&ic.call, service, operation), true, fault);
    *output = ic.response.body;
    return code;
}

int
invoke_typed(const struct invocation *i, struct str service, struct str operation,
             const void *input, const void **output, struct fault *fault)
{
    struct inner_call ic;
    begin(&ic, i, STR(""));
    int code = end(&ic.call, run_typed(&ic.call, service, operation, input), false, fault);
    *output = ic.call.out;
    return code;
}
