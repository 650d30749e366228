// Finds the protocol, the service and the operation of a request.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/route.h"

#include "src/base/encoding.h"
#include "src/wire/protocol.h"
#include "src/wire/rpc_cbor.h"

enum { SHORT_ID_CHARS = 16 };

// Services of AWS's that do not speak JSON, by the scope of their signatures: what a client of one
// that c10m does not have can read. All others read JSON.
static const struct {
    const char *scope;
    enum wire_protocol protocol;
} foreign_protocols[] = {
    {"ec2", WIRE_EC2},
    {"s3", WIRE_REST_XML},
    {"cloudfront", WIRE_REST_XML},
    {"route53", WIRE_REST_XML},
};

bool
route_has_host_id(const struct wire_service *s)
{
    return strcmp(s->signing_name, "s3") == 0;
}

// S3's request ids are 16 characters, its second ones about 76.
static void
shorten_request_id(struct call *c)
{
    struct buf id;
    buf_init(&id, c->arena, sizeof(c->request_id) * 2);
    base64_encode(str_of(c->request_id), &id);
    c->host_id = buf_str(&id);
    size_t n = 0;
    for (size_t i = 0; n < SHORT_ID_CHARS && c->request_id[i] != 0; i++) {
        char digit = c->request_id[i];
        if (digit != '-')
            c->request_id[n++] = digit >= 'a' ? (char)(digit - 'a' + 'A') : digit;
    }
    c->request_id[n] = 0;
}

void
route_set_service(struct call *c, size_t index)
{
    c->service = service_registry[index];
    c->service_index = index;
    c->state = c->cloud->service_states[index];
}

bool
route_is_candidate(const struct call *c, const struct service *s, unsigned protocols)
{
    struct str scope = c->signature.service;
    return s->host == NULL && (s->wire->protocols & protocols) != 0 &&
           (!str_is_present(c->host.service) || host_means(c->host.service, s)) &&
           (!str_is_present(scope) || str_eq(scope, str_of(s->wire->signing_name)));
}

static bool
has_candidate(const struct call *c, unsigned protocols)
{
    for (size_t i = 0; service_registry[i] != NULL; i++)
        if (route_is_candidate(c, service_registry[i], protocols))
            return true;
    return false;
}

static bool
is_foreign(struct str scope)
{
    for (size_t i = 0; service_registry[i] != NULL; i++)
        if (str_eq(scope, str_of(service_registry[i]->wire->signing_name)))
            return false;
    return str_is_present(scope);
}

int
route_fault_unknown(struct call *c, struct str operation)
{
    struct str scope = c->signature.service;
    if (!is_foreign(scope))
        return fault(c, FAULT_UNKNOWN_OPERATION, "c10m knows no operation " STR_FMT ".",
                     STR_ARG(operation));
    for (size_t i = 0; i < COUNT_OF(foreign_protocols); i++)
        if (str_eq(scope, str_of(foreign_protocols[i].scope)))
            c->protocol = foreign_protocols[i].protocol;
    return fault(c, FAULT_NOT_IMPLEMENTED, "c10m does not implement the service " STR_FMT " yet.",
                 STR_ARG(scope));
}

// At the last dot: CloudTrail's prefix has some of its own.
static bool
cut_target(struct str target, struct str *prefix, struct str *operation)
{
    size_t at = target.len;
    while (at > 0 && target.ptr[at - 1] != '.')
        at--;
    *prefix = str_slice(target, 0, at > 0 ? at - 1 : 0);
    *operation = str_slice(target, at, target.len);
    return at > 0;
}

static int
route_json(struct call *c)
{
    struct str prefix, target = http_request_header(c->http, STR("X-Amz-Target"));
    if (!cut_target(target, &prefix, &c->operation_name))
        return fault(c, FAULT_MISSING_ACTION,
                     "X-Amz-Target must name a service and an operation, such as "
                     "AmazonSQS.SendMessage.");
    for (size_t i = 0; service_registry[i] != NULL && c->service == NULL; i++) {
        const struct wire_service *s = service_registry[i]->wire;
        if ((s->protocols & ROUTE_JSON) != 0 && str_eq(prefix, str_of(s->target_prefix)))
            route_set_service(c, i);
    }
    if (c->service != NULL)
        c->operation = wire_operation_find(c->service->wire, c->operation_name);
    return c->operation != NULL ? OK : route_fault_unknown(c, target);
}

// /service/NAME/operation/OPERATION
static int
route_cbor(struct call *c)
{
    struct str name = {0};
    bool is_named = wire_rpc_cbor_parse_path(c->http->path, &name, &c->operation_name) &&
                    !str_is_present(http_request_header(c->http, STR("X-Amz-Target")));
    for (size_t i = 0; is_named && service_registry[i] != NULL && c->service == NULL; i++)
        if (wire_rpc_cbor_is_named(service_registry[i]->wire, name))
            route_set_service(c, i);
    if (c->service != NULL)
        c->operation = wire_operation_find(c->service->wire, c->operation_name);
    return c->operation != NULL ? OK : route_fault_unknown(c, c->http->path);
}

// A host that names a service answers for no other, and one of a region only for that region
// (authenticate compares it).
static int
check_host(struct call *c)
{
    if (!str_is_present(c->host.service) || host_means(c->host.service, c->service))
        return OK;
    return fault(c, FAULT_UNKNOWN_OPERATION,
                 "The host " STR_FMT " is that of " STR_FMT ", which has no operation " STR_FMT ".",
                 STR_ARG(call_host(c)), STR_ARG(c->host.service), STR_ARG(c->operation_name));
}

static struct str
media_type(const struct http_request *r)
{
    struct str type, parameters;
    str_cut(http_request_header(r, STR("Content-Type")), ';', &type, &parameters);
    return str_trim(type);
}

static bool
is_signed(const struct http_request *r)
{
    return str_starts(http_request_header(r, STR("Authorization")), STR("AWS")) ||
           str_find(r->query, STR("X-Amz-Signature=")) >= 0 ||
           str_find(r->query, STR("X-Amz-Credential=")) >= 0;
}

// Signed, or sent to the host of a service that is asked by method and URI, or for what one of them
// may have for everybody.
static bool
is_rest(const struct http_request *r)
{
    struct call c = {.http = r};
    bool is_any = is_signed(r);
    host_read(http_request_header(r, STR("Host")), &c.host);
    for (size_t i = 0; service_registry[i] != NULL && !is_any; i++) {
        const struct service *s = service_registry[i];
        is_any = route_is_candidate(&c, s, ROUTE_REST) &&
                 (str_is_present(c.host.service) || (s->admits_anonymous && r->path.len > 1));
    }
    return is_any;
}

bool
route_protocol(const struct http_request *request, enum wire_protocol *out)
{
    struct str type = media_type(request);
    bool is_post = str_eq(request->method, STR("POST"));
    if (is_post && str_eq_nocase(type, STR("application/x-amz-json-1.0")))
        *out = WIRE_JSON_1_0;
    else if (is_post && str_eq_nocase(type, STR("application/x-amz-json-1.1")))
        *out = WIRE_JSON_1_1;
    else if (is_post &&
             str_eq(http_request_header(request, STR("smithy-protocol")), STR("rpc-v2-cbor")))
        *out = WIRE_RPC_V2_CBOR;
    else if (route_is_form(request))
        *out = WIRE_QUERY;
    else if (is_rest(request))
        *out = WIRE_REST_JSON;
    else
        return false;
    return true;
}

static int
find_operation(struct call *c)
{
    switch (c->protocol) {
    case WIRE_RPC_V2_CBOR:
        return route_cbor(c);
    case WIRE_QUERY:
    case WIRE_EC2:
        // What is sent to a REST service may look like a form: curl makes every POST one.
        if (has_candidate(c, ROUTE_FORM) || !has_candidate(c, ROUTE_REST))
            return route_form(c);
        return route_rest(c);
    case WIRE_REST_JSON:
    case WIRE_REST_XML:
        return route_rest(c);
    default:
        return route_json(c);
    }
}

int
call_route(struct call *c)
{
    c->body = c->http->body;
    c->path = c->http->path;
    host_read(call_host(c), &c->host);
    c->signature_result = sigv4_parse(c->http, &c->signature, &c->signature_reason);
    int code = find_operation(c);
    if (c->service != NULL && route_has_host_id(c->service->wire))
        shorten_request_id(c);
    TRY(code);
    return check_host(c);
}

int
call_route_names(struct call *c, struct str service, struct str operation)
{
    c->operation_name = operation;
    for (size_t i = 0; service_registry[i] != NULL && c->service == NULL; i++)
        if (str_eq(service, str_of(service_registry[i]->wire->name)))
            route_set_service(c, i);
    if (c->service != NULL)
        c->operation = wire_operation_find(c->service->wire, operation);
    if (c->operation == NULL)
        return fault(c, FAULT_UNKNOWN_OPERATION, "c10m knows no operation " STR_FMT ":" STR_FMT ".",
                     STR_ARG(service), STR_ARG(operation));
    return OK;
}
