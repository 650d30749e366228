// A call without a network, for the tests of its stages.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

struct fixture {
    struct arena arena;
    struct cloud cloud; // empty, but for what the test sets
    struct header headers[8];
    struct http_request request;
    struct http_response response;
    struct call call;
};

// The test fills in path, query and headers.
void fixture_begin(struct fixture *f, const char *method, const char *body);
void fixture_fini(struct fixture *f);
// value NULL: none.
void add_header(struct fixture *f, const char *name, const char *value);
