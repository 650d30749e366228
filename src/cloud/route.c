// Finds the protocol, the service and the operation of a request.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/cloud/hosts.h"
#include "src/wire/protocol.h"

static struct str
media_type(const struct http_request *r)
{
    struct str type, parameters;
    str_cut(http_request_header(r, STR("Content-Type")), ';', &type, &parameters);
    return str_trim(type);
}

static bool
is_form(const struct http_request *r)
{
    return str_eq_nocase(media_type(r), STR("application/x-www-form-urlencoded"));
}

static bool
has_action(const struct http_request *r, struct str form)
{
    return str_is_present(wire_form_get(form, STR("Action"), r->arena));
}

static bool
speaks(const struct wire_service *s, enum wire_protocol protocol)
{
    unsigned json = 1u << WIRE_JSON_1_0 | 1u << WIRE_JSON_1_1;
    // Either version's clients are understood: they differ in how errors are named, which we do
    // alike.
    return s->protocols & (protocol == WIRE_QUERY ? 1u << WIRE_QUERY : json);
}

static void
set_service(struct call *c, size_t index)
{
    c->service = service_registry[index];
    c->service_index = index;
    c->state = c->cloud->service_states[index];
}

static int
route_json(struct call *c)
{
    struct str prefix, target = http_request_header(c->http, STR("X-Amz-Target"));
    if (!str_cut(target, '.', &prefix, &c->operation_name))
        return fault(c, FAULT_MISSING_ACTION,
                     "X-Amz-Target must name a service and an operation, such as "
                     "AmazonSQS.SendMessage.");
    for (size_t i = 0; service_registry[i] != NULL && c->service == NULL; i++) {
        const struct wire_service *s = service_registry[i]->wire;
        if (speaks(s, c->protocol) && str_eq(prefix, str_of(s->target_prefix)))
            set_service(c, i);
    }
    if (c->service != NULL)
        c->operation = wire_operation_find(c->service->wire, c->operation_name);
    if (c->operation == NULL)
        return fault(c, FAULT_UNKNOWN_OPERATION, "c10m knows no operation " STR_FMT ".",
                     STR_ARG(target));
    return OK;
}

// How well a service fits a form: by the scope of the signature, else, for requests without one, by
// having that operation; and by its version.
static int
query_rank(const struct call *c, const struct wire_service *s, struct str version)
{
    struct str scope = c->signature.service;
    if (!speaks(s, WIRE_QUERY))
        return 0;
    if (str_is_present(scope) ? !str_eq(scope, str_of(s->signing_name))
                              : wire_operation_find(s, c->operation_name) == NULL)
        return 0;
    return str_eq(version, str_of(s->api_version)) ? 2 : 1;
}

static int
find_query_service(struct call *c, struct str version)
{
    int best = 0;
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        int rank = query_rank(c, service_registry[i]->wire, version);
        if (rank <= best)
            continue;
        best = rank;
        set_service(c, i);
    }
    return best;
}

static int
route_query(struct call *c)
{
    const struct http_request *r = c->http;
    bool is_in_body = is_form(r) && (has_action(r, r->body) || !has_action(r, r->query));
    c->form = is_in_body ? r->body : r->query;
    c->operation_name = wire_form_get(c->form, STR("Action"), c->arena);
    struct str version = wire_form_get(c->form, STR("Version"), c->arena);
    if (!str_is_present(version))
        version = STR("NO_VERSION_SPECIFIED");
    int rank = find_query_service(c, version);
    if (c->operation_name.len == 0)
        return fault(c, FAULT_MISSING_ACTION, "The request must contain the parameter Action.");
    if (rank == 1)
        return fault(c, FAULT_UNKNOWN_OPERATION,
                     "Could not find operation " STR_FMT " for version " STR_FMT,
                     STR_ARG(c->operation_name), STR_ARG(version));
    if (rank == 2)
        c->operation = wire_operation_find(c->service->wire, c->operation_name);
    if (c->operation == NULL)
        return fault(c, FAULT_UNKNOWN_OPERATION,
                     "The action " STR_FMT " is not valid for this endpoint.",
                     STR_ARG(c->operation_name));
    return OK;
}

// A host that names a service answers for no other, and one of a region only for that region
// (authenticate compares it).
static int
check_host(struct call *c)
{
    const struct service *s = host_service(call_host(c), &c->host_region);
    if (s == NULL || s == c->service)
        return OK;
    return fault(c, FAULT_UNKNOWN_OPERATION,
                 "The host " STR_FMT " is that of %s, which has no operation " STR_FMT ".",
                 STR_ARG(call_host(c)), s->wire->name, STR_ARG(c->operation_name));
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
    else if ((is_post && is_form(request)) || ((is_post || str_eq(request->method, STR("GET"))) &&
                                               has_action(request, request->query)))
        *out = WIRE_QUERY;
    else
        return false;
    return true;
}

int
call_route(struct call *c)
{
    c->body = c->http->body;
    c->signature_result = sigv4_parse(c->http, &c->signature, &c->signature_reason);
    TRY(c->protocol == WIRE_QUERY ? route_query(c) : route_json(c));
    return check_host(c);
}

int
call_route_names(struct call *c, struct str service, struct str operation)
{
    c->operation_name = operation;
    for (size_t i = 0; service_registry[i] != NULL && c->service == NULL; i++)
        if (str_eq(service, str_of(service_registry[i]->wire->name)))
            set_service(c, i);
    if (c->service != NULL)
        c->operation = wire_operation_find(c->service->wire, operation);
    if (c->operation == NULL)
        return fault(c, FAULT_UNKNOWN_OPERATION, "c10m knows no operation " STR_FMT ":" STR_FMT ".",
                     STR_ARG(service), STR_ARG(operation));
    return OK;
}
