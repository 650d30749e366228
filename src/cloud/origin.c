// Compares what browsers say of the page behind a request with the host that was asked.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/origin.h"

static bool
is_same_host(struct str origin, struct str host)
{
    return (str_starts(origin, STR("http://")) &&
            str_eq_nocase(str_slice(origin, 7, origin.len), host)) ||
           (str_starts(origin, STR("https://")) &&
            str_eq_nocase(str_slice(origin, 8, origin.len), host));
}

static bool
is_listed(struct str origin, const struct text_list *allowed)
{
    for (size_t i = 0; i < allowed->count; i++)
        if (str_eq_nocase(origin, str_of(allowed->items[i])))
            return true;
    return false;
}

bool
origin_is_allowed(const struct http_request *request, const struct text_list *allowed)
{
    struct str origin = http_request_header(request, STR("Origin"));
    struct str site = http_request_header(request, STR("Sec-Fetch-Site"));
    if (origin_is_listed(request, allowed))
        return true;
    if (str_eq_nocase(site, STR("cross-site")))
        return false;
    return !str_is_present(origin) ||
           is_same_host(origin, http_request_header(request, STR("Host")));
}

bool
origin_is_listed(const struct http_request *request, const struct text_list *allowed)
{
    struct str origin = http_request_header(request, STR("Origin"));
    return str_is_present(origin) && is_listed(origin, allowed);
}

void
origin_add_headers(const struct http_request *request, struct http_response *response)
{
    struct str headers = http_request_header(request, STR("Access-Control-Request-Headers"));
    http_response_add(response, STR("Access-Control-Allow-Origin"),
                      http_request_header(request, STR("Origin")));
    http_response_add(response, STR("Vary"), STR("Origin"));
    if (!str_eq(request->method, STR("OPTIONS"))) {
        http_response_add(response, STR("Access-Control-Expose-Headers"),
                          STR("x-amzn-requestid, x-amzn-query-error"));
        return;
    }
    http_response_add(response, STR("Access-Control-Allow-Methods"),
                      STR("GET, HEAD, POST, PUT, PATCH, DELETE"));
    http_response_add(response, STR("Access-Control-Max-Age"), STR("600"));
    if (str_is_present(headers))
        http_response_add(response, STR("Access-Control-Allow-Headers"), headers);
}
