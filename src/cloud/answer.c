// Who may ask is found out here; who answers is another folder's or file's.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/answer.h"

#include "src/cloud/admin.h"
#include "src/cloud/cors.h"
#include "src/cloud/guests.h"
#include "src/cloud/hosts.h"
#include "src/cloud/origin.h"
#include "src/cloud/pipeline.h"
#include "src/cloud/stages.h"

// How a page of another origin came in.
struct admission {
    bool is_preflight;
    const struct service *service; // whose rule it was; NULL: none was needed
};

// The operator's pages are no service's, whatever their path looks like to it.
static bool
is_admitted_by_rule(struct cloud *cloud, const struct http_request *request, struct admission *a,
                    struct http_response *response)
{
    struct cors_request r;
    if (admin_is_path(request->path) || !cors_request_read(request, &r))
        return false;
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        const struct service *s = service_registry[i];
        struct cors_rules rules = {0};
        if (s->cors == NULL || s->cors(cloud, cloud->service_states[i], request, &rules) != OK)
            continue;
        const struct cors_rule *rule = cors_rule_find(&rules, &r);
        if (rule == NULL)
            continue;
        cors_add_headers(rule, &r, request->arena, response);
        *a = (struct admission){r.is_preflight, s};
        return true;
    }
    return false;
}

static bool
is_admitted(struct cloud *cloud, const struct http_request *request, struct admission *a,
            struct http_response *response)
{
    *a = (struct admission){0};
    if (origin_is_listed(request, &cloud->allow_origins)) {
        a->is_preflight = str_eq(request->method, STR("OPTIONS"));
        origin_add_headers(request, response);
        return true;
    }
    return origin_is_allowed(request, &cloud->allow_origins) ||
           is_admitted_by_rule(cloud, request, a, response);
}

static void
answer_known(struct cloud *cloud, const struct http_request *request, const struct admission *a,
             struct http_response *response)
{
    enum wire_protocol protocol;
    if (a->is_preflight)
        response->status = a->service != NULL ? 200 : 204; // as S3 does
    else if (admin_is_path(request->path))
        admin_answer(cloud, request, response);
    else if (route_protocol(request, &protocol))
        pipeline_run(cloud, request, protocol, a->service, response);
    else
        admin_answer_text(request, response, str_eq(request->path, STR("/")) ? 400 : 404,
                          "This is c10m, which answers AWS API requests. Point an AWS client's "
                          "endpoint URL here, or see /_c10m/health.");
}

// Guests may also say the address that they know us by.
static bool
host_is_ours(const struct cloud *cloud, const struct http_request *request, struct str host)
{
    return host_is_allowed(host, &cloud->address, &cloud->allow_hosts) ||
           (request->origin != NULL && str_eq(host_name(host), STR(GUESTS_ADDRESS)));
}

static void
answer_api(struct cloud *cloud, const struct http_request *request, struct http_response *response)
{
    struct admission admission;
    struct str host = http_request_header(request, STR("Host"));
    // Without a Host it was no browser.
    if (str_is_present(host) && !host_is_ours(cloud, request, host))
        admin_answer_text(request, response, 403,
                          "c10m does not answer under this Host: use localhost, or start it with "
                          "--allow-host NAME.");
    else if (!is_admitted(cloud, request, &admission, response))
        admin_answer_text(request, response, 403,
                          "c10m does not answer web pages from elsewhere: the Origin of this "
                          "request is not this server. See --allow-origin.");
    else
        answer_known(cloud, request, &admission, response);
}

void
cloud_answer(void *arg, const struct http_request *request, struct http_response *response)
{
    struct cloud *cloud = arg;
    if (guests_answer(cloud, request, response))
        return;
    const struct raw_route *route = raw_route_find(cloud, request);
    if (route != NULL)
        route->fn(route->arg, request, response);
    else
        answer_api(cloud, request, response);
}

bool
cloud_wants_stream(void *arg, const struct http_request *request)
{
    const struct raw_route *route = raw_route_find(arg, request);
    return route != NULL ? route->is_streamed : call_wants_stream(arg, request);
}
