// Ranges of PostgreSQL, in chunks that grow while rows are small.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/pg.h"

enum { ROWS_FIRST = 32, ROWS_MAX = 512, CHUNK_BYTES = 256 * 1024 };

struct backend_iter {
    struct pg *pg;
    struct pg_request chunk;
    struct str range_from, range_to;
    size_t next; // of the chunk's entries
    size_t limit;
    bool is_ended; // nothing lies behind the chunk
};

static size_t
bytes_of(const struct pg_request *r)
{
    size_t bytes = 0;
    for (size_t i = 0; i < r->entry_count; i++)
        bytes += r->entries[i].key.len + r->entries[i].value.len;
    return bytes;
}

// Behind everything that the chunk has seen.
static void
narrow(struct backend_iter *it)
{
    struct pg_request *r = &it->chunk;
    if (r->is_reverse)
        r->to = r->last_key;
    else
        r->from = key_after(r->arena, r->last_key);
}

static int
read_chunk(struct backend_iter *it)
{
    struct pg_request *r = &it->chunk;
    r->limit = it->limit;
    atomic_store(&r->is_done, false);
    it->next = 0;
    TRY(pg_read(it->pg, r));
    it->is_ended = r->row_count < r->limit;
    if (r->row_count > 0)
        narrow(it);
    if (bytes_of(r) < CHUNK_BYTES && it->limit < ROWS_MAX)
        it->limit *= 2;
    return OK;
}

struct backend_iter *
pg_iter_open(struct backend *b, struct backend_snapshot *s, struct str from, struct str to,
             bool is_reverse, struct arena *arena)
{
    struct backend_iter *it = ARENA_NEW(arena, struct backend_iter);
    it->pg = (struct pg *)b;
    it->range_from = from;
    it->range_to = to;
    it->limit = ROWS_FIRST;
    it->chunk.kind = PG_RANGE;
    it->chunk.version = s->version;
    it->chunk.arena = arena;
    it->chunk.from = from;
    it->chunk.to = to;
    it->chunk.is_reverse = is_reverse;
    return it;
}

void
pg_iter_seek(struct backend_iter *it, struct str key, bool is_included)
{
    struct pg_request *r = &it->chunk;
    r->from = it->range_from;
    r->to = it->range_to;
    if (r->is_reverse)
        r->to = is_included ? key_after(r->arena, key) : key;
    else
        r->from = is_included ? key : key_after(r->arena, key);
    if (str_cmp(r->to, it->range_to) > 0)
        r->to = it->range_to;
    it->next = r->entry_count = 0;
    it->is_ended = false;
}

int
pg_iter_next(struct backend_iter *it, struct str *key, struct str *value)
{
    while (it->next == it->chunk.entry_count) {
        if (it->is_ended)
            return E_NOT_FOUND;
        TRY(read_chunk(it));
    }
    const struct pg_entry *e = &it->chunk.entries[it->next++];
    *key = e->key;
    *value = e->value;
    return OK;
}

void
pg_iter_close(struct backend_iter *it)
{
}
