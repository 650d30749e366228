// REST requests: which of the services that may be meant has an operation of the method and URI.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/route.h"

#include "src/wire/protocol.h"

struct match {
    size_t service;
    const struct wire_operation *operation;
    struct str path;
    int rank; // 0: none
};

// The more of a URI's segments are literal, the more sure it is that it is meant: S3's
// /{Bucket}/{Key+} is everything.
static int
literal_segments(const char *uri)
{
    int n = 1;
    for (const char *at = uri; *at != 0 && *at != '?'; at++)
        n += *at == '/' && at[1] != '{' && at[1] != '?' && at[1] != 0;
    return n;
}

// Services that share a scope are told apart by the headers that one of them always needs: S3
// Control's x-amz-account-id.
static bool
has_required_headers(const struct wire_model *m, uint16_t shape, const struct wire_request *r)
{
    if (shape == WIRE_NO_SHAPE)
        return true;
    const struct wire_member *rows = m->members + m->shapes[shape].member_first;
    for (size_t i = 0; i < m->shapes[shape].member_count; i++)
        if (rows[i].location == WIRE_IN_HEADER && (rows[i].flags & WIRE_REQUIRED) != 0 &&
            !str_is_present(wire_request_header(r, str_of(wire_text(m, rows[i].xml_name)))))
            return false;
    return true;
}

static struct match
match_at(const struct service *s, size_t index, struct wire_request r, struct str path)
{
    r.path = path;
    struct match match = {.service = index, .path = path};
    match.operation = wire_rest_match(s->wire, &r);
    if (match.operation != NULL)
        match.rank = literal_segments(wire_text(s->wire->model, match.operation->uri)) * 2 +
                     has_required_headers(s->wire->model, match.operation->input, &r);
    return match;
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html. What stands in front
// of the host is a bucket, unless the operation has a prefix of its own for hosts.
static struct match
match_service(const struct call *c, size_t index, struct wire_request r)
{
    const struct service *s = service_registry[index];
    bool has_bucket = s->has_buckets && str_is_present(c->host.labels) && c->host.labels.len > 0;
    if (!has_bucket)
        return match_at(s, index, r, c->http->path);
    struct match plain = match_at(s, index, r, c->http->path);
    if (plain.operation != NULL && plain.operation->host_prefix != 0)
        return plain;
    return match_at(s, index, r,
                    arena_print(c->arena, "/" STR_FMT STR_FMT, STR_ARG(c->host.labels),
                                STR_ARG(c->http->path)));
}

// Whoever does not say whom they mean can only mean a service that is there for everybody.
static bool
may_be_meant(const struct call *c, const struct service *s)
{
    return route_is_candidate(c, s, ROUTE_REST) &&
           (s->admits_anonymous || str_is_present(c->host.service) ||
            str_is_present(c->signature.service));
}

static struct match
best_match(struct call *c, const struct wire_request *r)
{
    struct match best = {0};
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        if (!may_be_meant(c, service_registry[i]))
            continue;
        if (c->service == NULL)
            route_set_service(c, i); // answers, if there is no operation
        struct match match = match_service(c, i, *r);
        if (match.rank > best.rank)
            best = match;
    }
    return best;
}

static void
set_protocol(struct call *c)
{
    if (c->service != NULL)
        c->protocol = (c->service->wire->protocols & 1u << WIRE_REST_XML) != 0 ? WIRE_REST_XML
                                                                               : WIRE_REST_JSON;
}

int
route_rest(struct call *c)
{
    const struct http_request *http = c->http;
    struct wire_request r = {
        .method = http->method,
        .query = http->query,
        .headers = http->headers,
        .header_count = http->header_count,
    };
    struct match match = best_match(c, &r);
    if (match.rank > 0)
        route_set_service(c, match.service);
    set_protocol(c);
    if (match.rank == 0) {
        c->operation_name = http->method;
        return route_fault_unknown(c, arena_print(c->arena, STR_FMT " " STR_FMT,
                                                  STR_ARG(http->method), STR_ARG(http->path)));
    }
    c->operation = match.operation;
    c->operation_name = str_of(wire_text(c->service->wire->model, match.operation->name));
    c->path = match.path;
    return OK;
}
