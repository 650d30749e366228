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

bool
origin_is_allowed(const struct http_request *request)
{
    struct str origin = http_request_header(request, STR("Origin"));
    struct str site = http_request_header(request, STR("Sec-Fetch-Site"));
    if (str_eq_nocase(site, STR("cross-site")))
        return false;
    return !str_is_present(origin) ||
           is_same_host(origin, http_request_header(request, STR("Host")));
}
