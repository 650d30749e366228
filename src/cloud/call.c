// What handlers ask of their call.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/call.h"

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
