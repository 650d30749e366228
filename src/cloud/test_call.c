// Makes calls that no request stands behind.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/test_call.h"

void
fixture_begin(struct fixture *f, const char *method, const char *body)
{
    *f = (struct fixture){0};
    arena_init(&f->arena);
    f->request = (struct http_request){
        .method = str_of(method), .headers = f->headers, .body = str_of(body), .arena = &f->arena};
    f->call = (struct call){.cloud = &f->cloud,
                            .arena = &f->arena,
                            .http = &f->request,
                            .response = &f->response,
                            .request_id = "b25f48e8-84fd-11e6-80d9-574e0c4664cb"};
}

void
fixture_fini(struct fixture *f)
{
    wire_patterns_fini(&f->cloud.patterns[0]);
    arena_fini(&f->arena);
}

void
add_header(struct fixture *f, const char *name, const char *value)
{
    if (value != NULL)
        f->headers[f->request.header_count++] = (struct header){str_of(name), str_of(value)};
}
