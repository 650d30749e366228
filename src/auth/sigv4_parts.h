// Private to the parsers of signatures; src/auth/sigv4.h has the rest.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/sigv4.h"

// Each fills a part of `out`, or says in `reason` what is wrong.
enum sigv4_result sigv4_read_scope(const struct http_request *r, struct str credential,
                                   struct sigv4 *out, struct str *reason);
enum sigv4_result sigv4_check_names(struct str names, struct str *reason);
// 20151229T175900Z, or an HTTP date.
enum sigv4_result sigv4_read_timestamp(const struct http_request *r, struct str date,
                                       struct sigv4 *out, struct str *reason);

enum sigv4_result sigv4_parse_header(const struct http_request *request, struct str authorization,
                                     struct sigv4 *out, struct str *reason);

// Whether the query string has any part of a signature.
bool sigv4_is_in_query(const struct http_request *request);
enum sigv4_result sigv4_parse_query(const struct http_request *request, struct sigv4 *out,
                                    struct str *reason);
