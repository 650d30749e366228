// Fuzzes Host and Origin, with a line feed between them; the first one also as the names of headers
// that a page asks for.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/cors.h"
#include "src/cloud/hosts.h"
#include "src/cloud/origin.h"
#include "src/cloud/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// None, so that no name stands for one.
const struct service *const service_registry[] = {NULL};

// Whatever passes a rule for what is below .app.example ends like that; the header's names begin
// so.
static void
try_rules(struct http_request *r, struct str origin, struct str headers)
{
    static const struct str origins[] = {{"http://*.app.example", 20}}, methods[] = {{"GET", 3}},
                            names[] = {{"x-*", 3}};
    static const struct cors_rule rule = {
        .origins = {origins, 1}, .methods = {methods, 1}, .headers = {names, 1}};
    const struct cors_rules rules = {&rule, 1};
    struct cors_request asked;
    r->method = STR("OPTIONS");
    bool has_origin = cors_request_read(r, &asked);
    CHECK(has_origin == str_is_present(origin) && (!has_origin || asked.is_preflight));
    if (!has_origin || cors_rule_find(&rules, &asked) == NULL)
        return;
    CHECK(str_starts(origin, STR("http://")) && str_ends(origin, STR(".app.example")));
    struct str first = str_trim(headers);
    CHECK(first.len == 0 || first.ptr[0] == ',' || (first.ptr[0] | 0x20) == 'x');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text_list none = {0}, listed = {{"cloud.example", "*.apps.example"}, 2};
    struct socket_address address;
    struct host meaning;
    struct str host, origin, text = {(const char *)data, size};
    str_cut(text, '\n', &host, &origin);
    struct header headers[] = {{STR("Host"), host},
                               {STR("Origin"), origin},
                               {STR("Access-Control-Request-Headers"), host},
                               {STR("Access-Control-Request-Method"), STR("GET")}};
    struct http_request r = {.headers = headers, .header_count = COUNT_OF(headers)};
    CHECK(socket_address_parse(STR("127.0.0.1:4566"), &address) == OK);
    bool is_allowed = host_is_allowed(host, &address, &none);
    CHECK(!is_allowed || host_is_allowed(host, &address, &listed));
    host_read(host, &meaning);
    CHECK(!str_is_present(meaning.service) && !str_is_present(meaning.region));
    CHECK(meaning.labels.len <= host.len);
    CHECK(host_name(host).len <= host.len);
    // A page of elsewhere must not pass, whatever the host looks like.
    if (str_is_present(origin) && origin_is_allowed(&r, &none))
        CHECK(origin.len >= host.len + strlen("http://"));
    try_rules(&r, origin, host);
    return 0;
}
