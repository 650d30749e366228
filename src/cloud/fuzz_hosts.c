// Fuzzes Host and Origin: the two, with a line feed between them.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/hosts.h"
#include "src/cloud/origin.h"
#include "src/cloud/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// None, so that no name stands for one.
const struct service *const service_registry[] = {NULL};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text_list none = {0}, listed = {{"cloud.example", "*.apps.example"}, 2};
    struct socket_address address;
    struct host meaning;
    struct str host, origin, text = {(const char *)data, size};
    str_cut(text, '\n', &host, &origin);
    struct header headers[] = {{STR("Host"), host}, {STR("Origin"), origin}};
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
    return 0;
}
