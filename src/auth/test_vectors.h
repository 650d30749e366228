// AWS's signing vectors, for the tests of this folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/sigv4.h"

#define VECTOR_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define VECTOR_TIME_MS 1440938160000 // 2015-08-30T12:36:00Z
#define assert_str(actual, expected) assert_str_at((actual), (expected), __LINE__)
enum { VECTOR_COUNT = 37 };

void assert_str_at(struct str actual, struct str expected, int line);
// Calls check with every vector of a file, and counts them.
void vectors_run(struct arena *arena, const char *path, int count_expected,
                 void (*check)(struct arena *arena, struct str vector));
// What stands between two markers.
struct str vector_part(struct str text, const char *from, const char *to);
// Not src/http's parser: some vectors have bytes in their target that it must refuse.
struct http_request *vector_request(struct arena *arena, struct str text);
struct str vector_canonical(struct http_request *r, const struct sigv4 *sig);
