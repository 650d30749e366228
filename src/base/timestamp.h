// Text forms of points in time. Times are milliseconds since 1970-01-01T00:00:00Z everywhere.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

enum {
    TIMESTAMP_BASIC_BYTES = 16, // 20151229T175900Z, X-Amz-Date
    TIMESTAMP_ISO_BYTES = 24,   // 2015-12-29T17:59:00.123Z
    TIMESTAMP_HTTP_BYTES = 29,  // Tue, 29 Dec 2015 17:59:00 GMT
};

// Each writes exactly the bytes above, no zero. The year must be 0..9999.
void timestamp_print_basic(int64_t ms, char *out);
void timestamp_print_iso(int64_t ms, char *out);
void timestamp_print_http(int64_t ms, char *out);
MUST_USE int timestamp_parse_basic(struct str text, int64_t *out);
// With or without fraction (cut to milliseconds), 'Z' or +hh:mm or -hh:mm.
MUST_USE int timestamp_parse_iso(struct str text, int64_t *out);
// RFC 7231 IMF-fixdate.
MUST_USE int timestamp_parse_http(struct str text, int64_t *out);
