// Readers for the connections of one loop that are not idle.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/reader.h"

// Keeps a few that are not in use: their memory is warm.
struct http_reader_pool {
    struct http_pooled_reader *spare;
    size_t spare_count;
};

void http_reader_pool_init(struct http_reader_pool *p);
// All readers were put back.
void http_reader_pool_fini(struct http_reader_pool *p);
struct http_reader *http_reader_pool_take(struct http_reader_pool *p);
void http_reader_pool_put(struct http_reader_pool *p, struct http_reader *r);
