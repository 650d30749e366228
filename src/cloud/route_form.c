// The query protocol's requests and EC2's: forms that name an Action and a Version.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/route.h"

#include "src/wire/protocol.h"

static bool
has_form(const struct http_request *r)
{
    struct str type, parameters;
    str_cut(http_request_header(r, STR("Content-Type")), ';', &type, &parameters);
    return str_eq_nocase(str_trim(type), STR("application/x-www-form-urlencoded"));
}

static bool
has_action(const struct http_request *r, struct str form)
{
    return str_is_present(wire_form_get(form, STR("Action"), r->arena));
}

bool
route_is_form(const struct http_request *r)
{
    bool is_post = str_eq(r->method, STR("POST"));
    return (is_post && has_form(r)) ||
           ((is_post || str_eq(r->method, STR("GET"))) && has_action(r, r->query));
}

// How well a service fits a form. Those that share all but the operation are told apart by that,
// and by the name of the host.
enum { FITS = 1, IS_NAMED = 2, HAS_OPERATION = 4, HAS_VERSION = 8 };

static int
rank_of(const struct call *c, const struct service *s, struct str version)
{
    if (!route_is_candidate(c, s, ROUTE_FORM))
        return 0;
    bool has_operation = wire_operation_find(s->wire, c->operation_name) != NULL;
    if (!str_is_present(c->signature.service) && !has_operation)
        return 0;
    return FITS | (has_operation ? HAS_OPERATION : 0) |
           (str_eq_nocase(c->host.service, str_of(s->wire->name)) ? IS_NAMED : 0) |
           (str_eq(version, str_of(s->wire->api_version)) ? HAS_VERSION : 0);
}

static int
find_service(struct call *c, struct str version)
{
    int best = 0;
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        int rank = rank_of(c, service_registry[i], version);
        if (rank <= best)
            continue;
        best = rank;
        route_set_service(c, i);
    }
    return best;
}

static int
find_operation(struct call *c, struct str version)
{
    int rank = find_service(c, version);
    if (c->service != NULL && (c->service->wire->protocols & 1u << WIRE_QUERY) == 0)
        c->protocol = WIRE_EC2;
    if (c->operation_name.len == 0)
        return fault(c, FAULT_MISSING_ACTION, "The request must contain the parameter Action.");
    if (rank > 0 && (rank & HAS_VERSION) == 0)
        return fault(c, FAULT_UNKNOWN_OPERATION,
                     "Could not find operation " STR_FMT " for version " STR_FMT,
                     STR_ARG(c->operation_name), STR_ARG(version));
    if (rank > 0 && c->service != NULL)
        c->operation = wire_operation_find(c->service->wire, c->operation_name);
    else
        return route_fault_unknown(c, c->operation_name);
    if (c->operation == NULL)
        return fault(c, FAULT_UNKNOWN_OPERATION,
                     "The action " STR_FMT " is not valid for this endpoint.",
                     STR_ARG(c->operation_name));
    return OK;
}

int
route_form(struct call *c)
{
    const struct http_request *r = c->http;
    bool is_in_body = has_form(r) && (has_action(r, r->body) || !has_action(r, r->query));
    c->form = is_in_body ? r->body : r->query;
    c->operation_name = wire_form_get(c->form, STR("Action"), c->arena);
    struct str version = wire_form_get(c->form, STR("Version"), c->arena);
    if (!str_is_present(version))
        version = STR("NO_VERSION_SPECIFIED");
    return find_operation(c, version);
}
