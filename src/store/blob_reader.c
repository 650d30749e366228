// Reading a blob: a window of decrypted chunks that moves to where one reads.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "src/store/blob_head.h"

struct blob_reader {
    struct blobs *blobs;
    struct blob_id id;
    uint64_t size;
    enum blob_place place;
    struct blob_cipher *cipher;
    struct blob_contents *contents; // outside
    struct str stored;              // inline: as it is in the kv; owned
    // Chunk n of the window is at n * BLOB_CHUNK_BYTES.
    char *window;
    uint64_t window_first;
    size_t window_count;
};

// One blob_open.
struct open_job {
    struct blobs *blobs;
    const struct blob_id *id;
    struct blob_head head;
    struct str stored; // in the arena
    struct blob_contents *contents;
    int code;
};

struct load_job {
    struct blob_reader *reader;
    uint64_t first;
    size_t count;
    int code;
};

static int
open_body(struct kv_txn *txn, void *arg)
{
    struct open_job *o = arg;
    struct arena *arena = kv_txn_arena(txn);
    TRY(blob_head_get(o->blobs, txn, o->id, KV_SNAPSHOT, &o->head));
    if (o->head.place != BLOB_INLINE)
        return OK;
    TRY(kv_get(txn, blob_contents_key(o->id, arena), KV_SNAPSHOT, &o->stored));
    return str_is_present(o->stored) ? OK : E_INVALID;
}

static void
open_contents(void *arg)
{
    struct open_job *o = arg;
    struct blob_backend *backend = o->blobs->backend;
    o->code = backend->ops->contents_open(backend, o->id, &o->contents);
}

// A file that is not there: collected since the head was read, or lost.
static int
find_out(struct open_job *o, struct arena *arena)
{
    TRY(kv_run(o->blobs->kv, arena, open_body, o));
    blob_log_broken(o->blobs, o->id, "missing", 0);
    return E_INVALID;
}

static int
find_contents(struct open_job *o, struct arena *arena)
{
    TRY(kv_run(o->blobs->kv, arena, open_body, o));
    if (o->head.place == BLOB_INLINE)
        return OK;
    pool_run(o->blobs->runtime, open_contents, o);
    return o->code == E_NOT_FOUND ? find_out(o, arena) : o->code;
}

static struct str
copy(struct str s)
{
    char *bytes = malloc(s.len);
    CHECK(bytes != NULL);
    memcpy(bytes, s.ptr, s.len);
    return (struct str){bytes, s.len};
}

static struct blob_reader *
reader_new(const struct open_job *o)
{
    struct blob_reader *r = calloc(1, sizeof *r);
    CHECK(r != NULL);
    uint64_t chunks = blob_chunk_count(o->head.size);
    r->blobs = o->blobs;
    r->id = *o->id;
    r->size = o->head.size;
    r->place = o->head.place;
    r->contents = o->contents;
    r->stored = str_is_present(o->stored) ? copy(o->stored) : o->stored;
    r->cipher = blob_cipher_new(o->blobs->crypto, BLOB_DECRYPT, o->id, &o->head.key);
    r->window =
        malloc((chunks < BLOB_STREAM_CHUNKS ? chunks : BLOB_STREAM_CHUNKS) * BLOB_CHUNK_BYTES);
    CHECK(r->window != NULL);
    return r;
}

int
blob_open(struct blobs *b, const struct blob_id *id, struct blob_reader **out)
{
    TRY(blob_stream_take(b));
    struct open_job o = {.blobs = b, .id = id};
    struct arena arena;
    arena_init(&arena);
    int code = find_contents(&o, &arena);
    if (code == OK)
        *out = reader_new(&o);
    else
        blob_stream_put(b);
    arena_fini(&arena);
    explicit_bzero(&o, sizeof o);
    return code;
}

uint64_t
blob_size(const struct blob_reader *r)
{
    return r->size;
}

// Stored bytes into the window.
static int
fetch(struct blob_reader *r, uint64_t offset, size_t len, size_t *got)
{
    if (r->place == BLOB_OUTSIDE)
        return r->blobs->backend->ops->contents_read(r->contents, offset, r->window, len, got);
    struct str part = str_slice(r->stored, offset, offset + len);
    memcpy(r->window, part.ptr, part.len);
    *got = part.len;
    return OK;
}

// How many chunks from the first one are whole.
static size_t
open_chunks(struct blob_reader *r, uint64_t first, size_t count, size_t got)
{
    uint64_t chunks = blob_chunk_count(r->size);
    for (size_t i = 0; i < count; i++) {
        size_t data_len = blob_chunk_data_len(r->size, first + i);
        size_t stored_len = data_len + BLOB_TAG_BYTES;
        if (got < stored_len || blob_chunk_open(r->cipher, first + i, first + i + 1 == chunks,
                                                r->window + i * BLOB_CHUNK_BYTES, data_len) != OK)
            return i;
        got -= stored_len;
    }
    return count;
}

static void
load(void *arg)
{
    struct load_job *j = arg;
    struct blob_reader *r = j->reader;
    size_t len = j->count * BLOB_CHUNK_BYTES, got; // more than there is, when it ends there
    r->window_count = 0;
    j->code = fetch(r, j->first * BLOB_CHUNK_BYTES, len, &got);
    if (j->code != OK)
        return;
    r->window_first = j->first;
    r->window_count = open_chunks(r, j->first, j->count, got);
    j->code = r->window_count > 0 ? OK : E_INVALID;
}

// The window to the chunk of `offset`, and on to that of `end`; further when somebody reads on
// where the window ended.
static int
move_window(struct blob_reader *r, uint64_t offset, uint64_t end)
{
    uint64_t first = offset / BLOB_CHUNK_DATA_BYTES;
    bool reads_on = r->window_count > 0 && first == r->window_first + r->window_count;
    uint64_t behind = reads_on ? blob_chunk_count(r->size) : blob_chunk_count(end);
    uint64_t count = behind - first < BLOB_STREAM_CHUNKS ? behind - first : BLOB_STREAM_CHUNKS;
    struct load_job job = {r, first, count, OK};
    if (r->place == BLOB_OUTSIDE)
        pool_run(r->blobs->runtime, load, &job);
    else
        load(&job);
    if (job.code == E_INVALID)
        blob_log_broken(r->blobs, &r->id, "chunk", first);
    return job.code;
}

static bool
is_in_window(const struct blob_reader *r, uint64_t offset)
{
    uint64_t chunk = offset / BLOB_CHUNK_DATA_BYTES;
    return chunk >= r->window_first && chunk - r->window_first < r->window_count;
}

// From the chunk of `offset`; returns how much.
static size_t
copy_out(const struct blob_reader *r, uint64_t offset, uint64_t end, char *out)
{
    uint64_t chunk = offset / BLOB_CHUNK_DATA_BYTES;
    size_t at = offset % BLOB_CHUNK_DATA_BYTES;
    size_t len = BLOB_CHUNK_DATA_BYTES - at;
    len = len < end - offset ? len : end - offset;
    memcpy(out, r->window + (chunk - r->window_first) * BLOB_CHUNK_BYTES + at, len);
    return len;
}

int
blob_read_at(struct blob_reader *r, uint64_t offset, void *out, size_t len, size_t *got)
{
    char *to = out;
    uint64_t end = offset < r->size ? offset : r->size;
    end = len < r->size - end ? end + len : r->size;
    for (uint64_t at = offset; at < end;) {
        if (!is_in_window(r, at))
            TRY(move_window(r, at, end));
        at += copy_out(r, at, end, to + (at - offset));
    }
    *got = offset < end ? end - offset : 0;
    return OK;
}

static void
close_contents(void *arg)
{
    struct blob_reader *r = arg;
    r->blobs->backend->ops->contents_close(r->contents);
}

void
blob_close(struct blob_reader *r)
{
    if (r == NULL)
        return;
    if (r->place == BLOB_OUTSIDE)
        pool_run(r->blobs->runtime, close_contents, r);
    blob_stream_put(r->blobs);
    blob_cipher_free(r->cipher);
    free((char *)r->stored.ptr);
    free(r->window);
    free(r);
}
