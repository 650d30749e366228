// Whole clouds of this process and their clients, for the tests of this folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/sigv4.h"
#include "src/cloud/cloud.h"

#define ECHO "{\"Text\":\"hi\",\"Count\":1}"

struct fixture {
    struct arena arena;
    struct cloud *cloud;
    struct cloud_options options;
};

struct request {
    struct http_request http;
    struct header headers[8];
};

// Zeroed before, but for options.
int fixture_start(struct fixture *f, const char *listen, char *problem, size_t problem_size);
void fixture_init(struct fixture *f);
void fixture_fini(struct fixture *f);
// The whole response, head and body; the connection is closed after it.
struct str exchange(struct fixture *f, struct str request);

void request_add_header(struct request *r, struct str name, struct str value);
struct str request_text(const struct request *r);
void request_init(struct fixture *f, struct request *r, const char *type, const char *body,
                  int64_t late_ms);
void request_sign(struct request *r, const char *key, const char *secret, const char *service);
struct str call_json(struct fixture *f, const char *operation, const char *body);
struct str call_query(struct fixture *f, const char *body);
struct str get(struct fixture *f, const char *path, const char *header);

#define assert_status(response, status) assert_true(str_starts(response, STR("HTTP/1.1 " status)))
#define assert_has(response, text) assert_has_at((response), STR(text), __LINE__)
void assert_has_at(struct str response, struct str text, int line);
