// Ranges of RocksDB: step by step while the answers are in memory, else in chunks from the pool.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/rocks.h"

enum { CHUNK_ENTRIES = 128, CHUNK_BYTES = 256 * 1024 };

struct entry {
    struct str key, value;
};

struct backend_iter {
    struct rocks *rocks;
    struct backend_snapshot *snapshot;
    struct arena *arena;
    struct str from, to;
    bool is_reverse;
    // Behind what was returned or sought last; where reading starts when `cached` is not placed.
    struct str at;
    bool is_at_included;
    rocksdb_readoptions_t *cached_options;
    rocksdb_iterator_t *cached;
    bool is_placed;
    // What the pool has read ahead.
    struct entry *chunk;
    size_t chunk_count, chunk_next;
    int chunk_code;
};

static void
set_bounds(rocksdb_readoptions_t *options, const struct backend_iter *it)
{
    rocksdb_readoptions_set_iterate_lower_bound(options, it->from.ptr, it->from.len);
    rocksdb_readoptions_set_iterate_upper_bound(options, it->to.ptr, it->to.len);
}

static void
step(const struct backend_iter *it, rocksdb_iterator_t *rocks_it)
{
    if (it->is_reverse)
        rocksdb_iter_prev(rocks_it);
    else
        rocksdb_iter_next(rocks_it);
}

static struct str
key_of(const rocksdb_iterator_t *rocks_it)
{
    struct str key;
    key.ptr = rocksdb_iter_key(rocks_it, &key.len);
    return key;
}

static void
place(const struct backend_iter *it, rocksdb_iterator_t *rocks_it)
{
    if (it->is_reverse)
        rocksdb_iter_seek_for_prev(rocks_it, it->at.ptr, it->at.len);
    else
        rocksdb_iter_seek(rocks_it, it->at.ptr, it->at.len);
    if (!it->is_at_included && rocksdb_iter_valid(rocks_it) && str_eq(key_of(rocks_it), it->at))
        step(it, rocks_it);
}

// The entry that rocks_it stands on: OK, E_NOT_FOUND at the end, E_AGAIN when it is not in memory.
static int
take_entry(const struct backend_iter *it, const rocksdb_iterator_t *rocks_it, struct entry *out)
{
    if (!rocksdb_iter_valid(rocks_it)) {
        char *error = NULL;
        rocksdb_iter_get_error(rocks_it, &error);
        TRY(rocks_code(it->rocks, error));
        return E_NOT_FOUND;
    }
    struct str value;
    value.ptr = rocksdb_iter_value(rocks_it, &value.len);
    out->key = arena_copy(it->arena, key_of(rocks_it));
    out->value = arena_copy(it->arena, value);
    return OK;
}

static int
next_cached(struct backend_iter *it, struct entry *out)
{
    if (it->is_placed)
        step(it, it->cached);
    else
        place(it, it->cached);
    int code = take_entry(it, it->cached, out);
    it->is_placed = code == OK; // else it is placed again, such as behind a chunk
    return code;
}

static int
fill_chunk(struct backend_iter *it, rocksdb_iterator_t *rocks_it)
{
    size_t bytes = 0;
    place(it, rocks_it);
    while (it->chunk_count < CHUNK_ENTRIES && bytes < CHUNK_BYTES) {
        struct entry *e = &it->chunk[it->chunk_count];
        TRY(take_entry(it, rocks_it, e));
        it->chunk_count++;
        bytes += e->key.len + e->value.len;
        step(it, rocks_it);
    }
    return OK;
}

// Runs in the pool.
static void
read_chunk(void *arg)
{
    struct backend_iter *it = arg;
    rocksdb_readoptions_t *options = rocks_read_options(it->snapshot, false);
    set_bounds(options, it);
    rocksdb_iterator_t *rocks_it = rocksdb_create_iterator(it->rocks->db, options);
    it->chunk_count = it->chunk_next = 0;
    it->chunk_code = fill_chunk(it, rocks_it);
    rocksdb_iter_destroy(rocks_it);
    rocksdb_readoptions_destroy(options);
}

static int
next_cold(struct backend_iter *it, struct entry *out)
{
    if (it->chunk == NULL)
        it->chunk = ARENA_ARRAY(it->arena, CHUNK_ENTRIES, struct entry);
    rocks_read_cold(it->rocks, read_chunk, it);
    if (it->chunk_count == 0)
        return it->chunk_code;
    *out = it->chunk[it->chunk_next++];
    return OK;
}

static int
next(struct backend_iter *it, struct entry *out)
{
    if (it->chunk_next < it->chunk_count) {
        *out = it->chunk[it->chunk_next++];
        return OK;
    }
    if (it->chunk_count > 0 && it->chunk_code != OK)
        return it->chunk_code; // the chunk reached the end
    int code = next_cached(it, out);
    return code == E_AGAIN ? next_cold(it, out) : code;
}

struct backend_iter *
rocks_iter_open(struct backend *b, struct backend_snapshot *s, struct str from, struct str to,
                bool is_reverse, struct arena *arena)
{
    struct backend_iter *it = ARENA_NEW(arena, struct backend_iter);
    *it = (struct backend_iter){.rocks = (struct rocks *)b,
                                .snapshot = s,
                                .arena = arena,
                                .from = from,
                                .to = to,
                                .is_reverse = is_reverse,
                                .at = is_reverse ? to : from,
                                .is_at_included = !is_reverse};
    it->cached_options = rocks_read_options(s, true);
    set_bounds(it->cached_options, it);
    it->cached = rocksdb_create_iterator(it->rocks->db, it->cached_options);
    return it;
}

void
rocks_iter_seek(struct backend_iter *it, struct str key, bool is_included)
{
    it->at = key;
    it->is_at_included = is_included;
    it->is_placed = false;
    it->chunk_count = it->chunk_next = 0;
}

int
rocks_iter_next(struct backend_iter *it, struct str *key, struct str *value)
{
    struct entry e;
    TRY(next(it, &e));
    it->at = e.key;
    it->is_at_included = false;
    *key = e.key;
    *value = e.value;
    return OK;
}

void
rocks_iter_close(struct backend_iter *it)
{
    rocksdb_iter_destroy(it->cached);
    rocksdb_readoptions_destroy(it->cached_options);
}
