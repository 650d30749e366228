// Contents in memory, for "mem:".
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdlib.h>

#include "src/base/omap.h"
#include "src/store/blob_backend.h"

enum { GROWTH_BYTES_MIN = 64 * 1024 };

// Held by the map, by its draft and by who reads it. The bytes change in the draft only. It is in
// the map from the first: nobody opens it before there is a head, and `remove` finds it.
struct blob_contents {
    struct memory *memory;
    size_t ref_count; // under the mutex
    char *bytes;
    size_t len, size;
};

struct memory {
    struct blob_backend backend;
    pthread_mutex_t mutex;
    struct omap *contents; // by id, to struct blob_contents
    size_t bytes;          // of all
};

struct blob_draft {
    struct blob_id id;
    struct blob_contents *contents;
    bool is_published;
};

static struct str
str_of_id(const struct blob_id *id)
{
    return (struct str){(const char *)id->bytes, BLOB_ID_BYTES};
}

static void
unref(struct blob_contents *c)
{
    CHECK(c->ref_count > 0);
    if (--c->ref_count > 0)
        return;
    c->memory->bytes -= c->size;
    free(c->bytes);
    free(c);
}

static void
contents_close(struct blob_contents *c)
{
    struct memory *m = c->memory;
    pthread_mutex_lock(&m->mutex);
    unref(c);
    pthread_mutex_unlock(&m->mutex);
}

static int
mem_draft_new(struct blob_backend *b, const struct blob_id *id, struct blob_draft **out)
{
    struct memory *m = (struct memory *)b;
    struct blob_draft *d = calloc(1, sizeof *d);
    CHECK(d != NULL);
    d->contents = calloc(1, sizeof *d->contents);
    CHECK(d->contents != NULL);
    *d->contents = (struct blob_contents){.memory = m, .ref_count = 2};
    d->id = *id;
    pthread_mutex_lock(&m->mutex);
    omap_put(m->contents, str_of_id(id))->value = d->contents;
    pthread_mutex_unlock(&m->mutex);
    *out = d;
    return OK;
}

static int
grow(struct blob_contents *c, size_t len)
{
    struct memory *m = c->memory;
    size_t size = 2 * c->size > GROWTH_BYTES_MIN ? 2 * c->size : GROWTH_BYTES_MIN;
    size = size > len ? size : len;
    pthread_mutex_lock(&m->mutex);
    bool has_room = m->bytes + (size - c->size) <= BLOB_MEMORY_BYTES_MAX;
    m->bytes += has_room ? size - c->size : 0;
    pthread_mutex_unlock(&m->mutex);
    if (!has_room)
        return E_FULL;
    c->bytes = realloc(c->bytes, size);
    CHECK(c->bytes != NULL);
    c->size = size;
    return OK;
}

static int
mem_draft_append(struct blob_draft *d, struct str bytes)
{
    struct blob_contents *c = d->contents;
    if (c->len + bytes.len > c->size)
        TRY(grow(c, c->len + bytes.len));
    memcpy(c->bytes + c->len, bytes.ptr, bytes.len);
    c->len += bytes.len;
    return OK;
}

static int
mem_draft_sync(struct blob_draft *d)
{
    return OK;
}

static int
mem_draft_publish(struct blob_draft *d)
{
    struct memory *m = d->contents->memory;
    pthread_mutex_lock(&m->mutex);
    d->is_published = omap_find(m->contents, str_of_id(&d->id)) != NULL;
    pthread_mutex_unlock(&m->mutex);
    return d->is_published ? OK : E_NOT_FOUND;
}

static int
mem_remove(struct blob_backend *b, const struct blob_id *id)
{
    struct memory *m = (struct memory *)b;
    pthread_mutex_lock(&m->mutex);
    struct blob_contents *c = omap_take(m->contents, str_of_id(id));
    if (c != NULL)
        unref(c);
    pthread_mutex_unlock(&m->mutex);
    return OK;
}

static void
mem_draft_free(struct blob_draft *d)
{
    if (!d->is_published)
        (void)mem_remove(&d->contents->memory->backend, &d->id);
    contents_close(d->contents);
    free(d);
}

static int
mem_contents_open(struct blob_backend *b, const struct blob_id *id, struct blob_contents **out)
{
    struct memory *m = (struct memory *)b;
    pthread_mutex_lock(&m->mutex);
    struct omap_entry *e = omap_find(m->contents, str_of_id(id));
    if (e != NULL) {
        *out = e->value;
        (*out)->ref_count++;
    }
    pthread_mutex_unlock(&m->mutex);
    return e != NULL ? OK : E_NOT_FOUND;
}

static int
mem_contents_read(struct blob_contents *c, uint64_t offset, char *out, size_t len, size_t *got)
{
    size_t left = offset < c->len ? c->len - (size_t)offset : 0;
    *got = len < left ? len : left;
    if (*got > 0)
        memcpy(out, c->bytes + offset, *got);
    return OK;
}

static void
free_contents(void *value)
{
    unref(value);
}

static int
mem_list(struct blob_backend *b, blob_id_fn *fn, void *arg)
{
    struct memory *m = (struct memory *)b;
    struct blob_id id;
    int code = OK;
    pthread_mutex_lock(&m->mutex);
    for (struct omap_entry *e = omap_first(m->contents); e != NULL && code == OK;
         e = omap_next(e)) {
        memcpy(id.bytes, e->key.ptr, BLOB_ID_BYTES);
        code = fn(arg, &id);
    }
    pthread_mutex_unlock(&m->mutex);
    return code;
}

static void
mem_close(struct blob_backend *b)
{
    struct memory *m = (struct memory *)b;
    omap_free(m->contents, free_contents);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

static const struct blob_backend_ops mem_ops = {
    .close = mem_close,
    .draft_new = mem_draft_new,
    .draft_append = mem_draft_append,
    .draft_sync = mem_draft_sync,
    .draft_publish = mem_draft_publish,
    .draft_free = mem_draft_free,
    .contents_open = mem_contents_open,
    .contents_read = mem_contents_read,
    .contents_close = contents_close,
    .remove = mem_remove,
    .list = mem_list,
};

struct blob_backend *
blob_mem_open(void)
{
    struct memory *m = calloc(1, sizeof *m);
    CHECK(m != NULL);
    m->backend.ops = &mem_ops;
    m->contents = omap_new(1);
    pthread_mutex_init(&m->mutex, NULL);
    return &m->backend;
}
