// The blobs of one store: opening, and the links that keep a blob.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/encoding.h"
#include "src/store/blob_head.h"

struct opening {
    const struct blobs_options *options;
    struct blob_backend *backend;
    int code;
    int error; // errno
};

static void
open_backend(void *arg)
{
    struct opening *o = arg;
    uint64_t reserve = o->options->disk_reserve_bytes;
    o->code = blob_file_open(o->options->dir, reserve ? reserve : KV_DISK_RESERVE_BYTES_DEFAULT,
                             o->options->hook, &o->backend);
    o->error = errno;
}

int
blobs_open(const struct blobs_options *options, struct blobs **out, char *problem,
           size_t problem_size)
{
    struct opening o = {.options = options};
    if (options->dir != NULL)
        pool_run(options->runtime, open_backend, &o);
    else
        o.backend = blob_mem_open();
    if (o.code != OK) {
        snprintf(problem, problem_size, "cannot open the blobs in %s: %s", options->dir,
                 strerror(o.error));
        return o.code;
    }
    struct blobs *b = calloc(1, sizeof *b);
    CHECK(b != NULL);
    b->runtime = options->runtime;
    b->log = options->log;
    b->kv = options->kv;
    b->seal = options->seal;
    b->backend = o.backend;
    b->crypto = aes_new();
    b->hook = options->hook;
    b->streams_max = options->streams_max ? options->streams_max : BLOB_STREAMS_MAX_DEFAULT;
    *out = b;
    return OK;
}

void
blobs_close(struct blobs *b)
{
    if (b == NULL)
        return;
    CHECK(atomic_load(&b->streams) == 0);
    b->backend->ops->close(b->backend);
    aes_free(b->crypto);
    free(b);
}

static int
add_link(struct blobs *b, struct kv_txn *txn, const struct blob_id *id, struct blob_head *head)
{
    if (head->links == 0)
        TRY(kv_del(txn, blob_garbage_key(head->due_ms, id, kv_txn_arena(txn))));
    if (head->links == UINT32_MAX)
        return E_LIMIT;
    head->links++;
    head->due_ms = 0;
    return blob_head_set(b, txn, id, head);
}

// The first link to contents that stay in the kv brings them there.
static int
link_inline(struct blobs *b, struct kv_txn *txn, const struct blob_new *blob)
{
    struct arena *arena = kv_txn_arena(txn);
    struct blob_head head;
    TRY(blob_head_decode(b, &blob->id, blob->head, arena, &head));
    TRY(kv_set(txn, blob_contents_key(&blob->id, arena), blob->contents));
    head.links = 1;
    return blob_head_set(b, txn, &blob->id, &head);
}

int
blob_link(struct blobs *b, struct kv_txn *txn, const struct blob_new *blob)
{
    struct blob_head head;
    int code = blob_head_get(b, txn, &blob->id, KV_SERIALIZABLE, &head);
    if (code == E_NOT_FOUND && str_is_present(blob->contents))
        return link_inline(b, txn, blob);
    TRY(code);
    return add_link(b, txn, &blob->id, &head);
}

int
blob_link_again(struct blobs *b, struct kv_txn *txn, const struct blob_id *id)
{
    struct blob_head head;
    TRY(blob_head_get(b, txn, id, KV_SERIALIZABLE, &head));
    return head.links > 0 ? add_link(b, txn, id, &head) : E_NOT_FOUND;
}

int
blob_unlink(struct blobs *b, struct kv_txn *txn, const struct blob_id *id)
{
    struct blob_head head;
    TRY(blob_head_get(b, txn, id, KV_SERIALIZABLE, &head));
    if (head.links == 0)
        return E_NOT_FOUND;
    head.links--;
    kv_makes_room(txn);
    head.due_ms = head.links == 0 ? clock_wall_ms(b->runtime) : 0;
    return blob_head_set(b, txn, id, &head);
}

int
blob_stream_take(struct blobs *b)
{
    if (atomic_fetch_add(&b->streams, 1) < b->streams_max)
        return OK;
    atomic_fetch_sub(&b->streams, 1);
    return E_LIMIT;
}

void
blob_stream_put(struct blobs *b)
{
    atomic_fetch_sub(&b->streams, 1);
}

void
blob_log_broken(const struct blobs *b, const struct blob_id *id, const char *what, uint64_t chunk)
{
    char text[2 * BLOB_ID_BYTES];
    hex_encode(id->bytes, BLOB_ID_BYTES, text);
    log_event(b->log, LOG_ERROR, "blob_broken", "id=%.*s what=%s chunk=%llu", (int)sizeof text,
              text, what, (unsigned long long)chunk);
}
