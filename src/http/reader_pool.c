// Readers for the connections of one loop that are not idle.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/reader_pool.h"

#include <stdlib.h>

enum { SPARE_MAX = 32 }; // 32 KiB each, with the chunk that its arena keeps

struct http_pooled_reader {
    struct http_reader reader;
    struct http_pooled_reader *next; // while it is spare
};

static void
pooled_reader_free(struct http_pooled_reader *r)
{
    http_reader_fini(&r->reader);
    free(r);
}

void
http_reader_pool_init(struct http_reader_pool *p)
{
    *p = (struct http_reader_pool){0};
}

void
http_reader_pool_fini(struct http_reader_pool *p)
{
    for (struct http_pooled_reader *r = p->spare, *next; r; r = next) {
        next = r->next;
        pooled_reader_free(r);
    }
}

struct http_reader *
http_reader_pool_take(struct http_reader_pool *p)
{
    struct http_pooled_reader *r = p->spare;
    if (r) {
        p->spare = r->next;
        p->spare_count--;
        return &r->reader;
    }
    r = malloc(sizeof(*r));
    CHECK(r != NULL);
    http_reader_init(&r->reader);
    return &r->reader;
}

void
http_reader_pool_put(struct http_reader_pool *p, struct http_reader *reader)
{
    struct http_pooled_reader *r = (struct http_pooled_reader *)reader; // its first member
    if (p->spare_count == SPARE_MAX) {
        pooled_reader_free(r);
        return;
    }
    http_reader_reset(reader);
    r->next = p->spare;
    p->spare = r;
    p->spare_count++;
}
