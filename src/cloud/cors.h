// Cross-origin resource sharing: what the rules of a service's resource let pages of other origins
// do. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html,
// https://fetch.spec.whatwg.org/#http-cors-protocol
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"

struct cloud;

struct cors_words {
    const struct str *items;
    size_t count;
};

// As S3 keeps them. Origins and headers may hold one '*', for any characters.
struct cors_rule {
    struct cors_words origins; // "https://*.example.com"
    struct cors_words methods;
    struct cors_words headers; // that the page may send; in any case
    struct cors_words exposed; // headers of answers that the page may read
    int64_t max_age_s;         // how long the browser may remember; below 0: it is not told
    bool allows_credentials;   // is said where the rule names the origin; "*" is everybody
};

struct cors_rules {
    const struct cors_rule *items;
    size_t count;
};

// What a page asks for: the request itself, or in a preflight the one that is to follow.
struct cors_request {
    struct str origin, method;
    struct str headers; // Access-Control-Request-Headers; else absent
    bool is_preflight;
};

// False: it has no Origin, so no rule can let it in.
bool cors_request_read(const struct http_request *request, struct cors_request *out);
// The first rule that admits origin, method and headers; NULL: none does.
const struct cors_rule *cors_rule_find(const struct cors_rules *rules,
                                       const struct cors_request *r);
// What the browser must be told then.
void cors_add_headers(const struct cors_rule *rule, const struct cors_request *r,
                      struct arena *arena, struct http_response *response);
