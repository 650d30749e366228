// Writing a blob: a buffer of chunks that the pool seals and writes when it is full.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "src/store/blob_head.h"

enum { BUFFER_BYTES = BLOB_STREAM_CHUNKS * BLOB_CHUNK_BYTES };

// The buffer has room for the tags: data of chunk n begins at n * BLOB_CHUNK_BYTES.
struct blob_put {
    struct blobs *blobs;
    struct blob_id id;
    struct blob_key key;
    struct blob_cipher *cipher;
    struct blob_draft *draft; // NULL: nothing was written yet
    uint64_t flushed_chunks;
    size_t buffered_bytes; // of data
    int code;              // the first failure
    char *buffer;
};

struct put_job {
    struct blob_put *put;
    int (*fn)(struct blob_put *p);
    int code;
};

// One commit.
struct put_commit {
    struct blob_put *put;
    struct blob_head head;
};

int
blob_put_begin(struct blobs *b, struct blob_put **out)
{
    TRY(blob_stream_take(b));
    struct blob_put *p = calloc(1, sizeof *p);
    CHECK(p != NULL);
    p->blobs = b;
    p->buffer = malloc(BUFFER_BYTES);
    CHECK(p->buffer != NULL);
    random_bytes(b->runtime, p->id.bytes, sizeof p->id.bytes);
    random_bytes(b->runtime, p->key.bytes, sizeof p->key.bytes);
    p->cipher = blob_cipher_new(b->crypto, BLOB_ENCRYPT, &p->id, &p->key);
    *out = p;
    return OK;
}

static void
run_put_job(void *arg)
{
    struct put_job *j = arg;
    j->code = j->fn(j->put);
}

static int
in_pool(struct blob_put *p, int (*fn)(struct blob_put *p))
{
    struct put_job job = {p, fn, OK};
    pool_run(p->blobs->runtime, run_put_job, &job);
    p->code = job.code;
    return job.code;
}

// Seals what is in the buffer; returns its bytes as stored.
static struct str
seal_buffer(struct blob_put *p, bool is_end)
{
    uint64_t count = blob_chunk_count(p->buffered_bytes);
    for (uint64_t i = 0; i < count; i++)
        blob_chunk_seal(p->cipher, p->flushed_chunks + i, is_end && i + 1 == count,
                        p->buffer + i * BLOB_CHUNK_BYTES,
                        blob_chunk_data_len(p->buffered_bytes, i));
    struct str stored = {p->buffer, blob_stored_bytes(p->buffered_bytes)};
    p->flushed_chunks += count;
    p->buffered_bytes = 0;
    return stored;
}

static int
append(struct blob_put *p, bool is_end)
{
    const struct blob_backend_ops *ops = p->blobs->backend->ops;
    if (p->draft == NULL)
        TRY(ops->draft_new(p->blobs->backend, &p->id, &p->draft));
    return ops->draft_append(p->draft, seal_buffer(p, is_end));
}

static int
flush(struct blob_put *p)
{
    return append(p, false);
}

static int
flush_end(struct blob_put *p)
{
    TRY(append(p, true));
    return p->blobs->backend->ops->draft_sync(p->draft);
}

static int
publish(struct blob_put *p)
{
    return p->blobs->backend->ops->draft_publish(p->draft);
}

static int
free_draft(struct blob_put *p)
{
    p->blobs->backend->ops->draft_free(p->draft);
    p->draft = NULL;
    return OK;
}

// Into the chunk that is being filled; returns how much fitted in.
static size_t
fill(struct blob_put *p, struct str data)
{
    size_t chunk = p->buffered_bytes / BLOB_CHUNK_DATA_BYTES;
    size_t at = p->buffered_bytes % BLOB_CHUNK_DATA_BYTES;
    size_t room = BLOB_CHUNK_DATA_BYTES - at;
    size_t len = data.len < room ? data.len : room;
    memcpy(p->buffer + chunk * BLOB_CHUNK_BYTES + at, data.ptr, len);
    p->buffered_bytes += len;
    return len;
}

int
blob_put_write(struct blob_put *p, struct str data)
{
    TRY(p->code);
    while (data.len > 0) {
        // Not before there is more: the last chunk is sealed as the last.
        if (p->buffered_bytes == BLOB_STREAM_DATA_BYTES)
            TRY(in_pool(p, flush));
        data = str_slice(data, fill(p, data), data.len);
    }
    return OK;
}

// The head, and its place in the list of garbage until something links to the blob.
static int
head_body(struct kv_txn *txn, void *arg)
{
    const struct put_commit *c = arg;
    return blob_head_set(c->put->blobs, txn, &c->put->id, &c->head);
}

// The head is there before the file has its name: no file is ever without a record of it.
static int
commit_outside(struct put_commit *c, struct arena *arena)
{
    struct blob_put *p = c->put;
    TRY(in_pool(p, flush_end));
    c->head.place = BLOB_OUTSIDE;
    c->head.due_ms = clock_wall_ms(p->blobs->runtime) + BLOB_LINK_MS_MAX;
    blob_step(&p->blobs->hook, "head");
    TRY(kv_run(p->blobs->kv, arena, head_body, c));
    blob_step(&p->blobs->hook, "publish");
    return in_pool(p, publish);
}

static int
commit(struct blob_put *p, struct arena *arena, struct blob_new *out)
{
    TRY(p->code);
    uint64_t size = p->flushed_chunks * BLOB_CHUNK_DATA_BYTES + p->buffered_bytes;
    struct put_commit c = {.put = p, .head = {.place = BLOB_INLINE, .size = size, .key = p->key}};
    struct blob_new made = {.id = p->id, .size = size};
    if (size > BLOB_INLINE_BYTES_MAX)
        TRY(commit_outside(&c, arena));
    else
        made.contents = arena_copy(arena, seal_buffer(p, true));
    made.head = blob_head_encode(p->blobs, &p->id, &c.head, arena);
    explicit_bzero(&c, sizeof c);
    *out = made;
    return OK;
}

int
blob_put_commit(struct blob_put *p, struct arena *arena, struct blob_new *out)
{
    int code = commit(p, arena, out);
    blob_put_cancel(p);
    return code;
}

void
blob_put_cancel(struct blob_put *p)
{
    if (p == NULL)
        return;
    if (p->draft != NULL)
        (void)in_pool(p, free_draft);
    blob_cipher_free(p->cipher);
    blob_stream_put(p->blobs);
    explicit_bzero(&p->key, sizeof p->key);
    free(p->buffer);
    free(p);
}
