// What handlers ask of their call.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/call.h"

#include "src/cloud/hosts.h"

struct str
call_host(const struct call *c)
{
    return http_request_header(c->http, STR("Host"));
}

struct str
call_endpoint(const struct call *c)
{
    struct str host = call_host(c);
    return arena_print(c->arena, "%s://" STR_FMT, c->http->is_encrypted ? "https" : "http",
                       STR_ARG(host));
}

struct str
call_arn(const struct call *c, struct str resource)
{
    return arena_print(c->arena, "arn:aws:%s:" STR_FMT ":" STR_FMT ":" STR_FMT,
                       c->service->wire->name, STR_ARG(c->region), STR_ARG(c->principal.account),
                       STR_ARG(resource));
}

int64_t
call_now_ms(const struct call *c)
{
    return clock_service_ms(c->cloud->runtime);
}

struct str
call_source_ip(const struct call *c)
{
    struct str peer = str_of(c->http->peer);
    return str_find_char(peer, ':') >= 0 ? host_name(peer) : peer;
}

void
call_begin_wait(struct call *c)
{
    c->asked_wait_ns -= clock_mono_ns(c->cloud->runtime);
    if (c->is_admitted)
        budget_begin_wait(&c->cloud->budget);
}

void
call_end_wait(struct call *c)
{
    c->asked_wait_ns += clock_mono_ns(c->cloud->runtime);
    if (c->is_admitted)
        budget_end_wait(&c->cloud->budget);
}

const struct action *
call_actions(const struct call *c, size_t *count)
{
    *count = 0;
    if (c->operation == NULL)
        return NULL;
    size_t row = wire_operation_index(c->service->wire, c->operation);
    struct action_span span = c->service->operation_actions[row];
    *count = span.count;
    return span.count > 0 ? c->service->actions + span.first : NULL;
}
