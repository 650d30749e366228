// What keeps the contents that do not stay in the kv.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/blob.h"

// Private to the blobs. Everything may block and so runs in the blocking pool, on many threads at
// once. Bytes come sealed.
struct blob_backend {
    const struct blob_backend_ops *ops;
};
struct blob_draft;    // contents that are being written
struct blob_contents; // contents that are being read

typedef int blob_id_fn(void *arg, const struct blob_id *id);

struct blob_backend_ops {
    void (*close)(struct blob_backend *b);

    // E_FULL, E_IO.
    int (*draft_new)(struct blob_backend *b, const struct blob_id *id, struct blob_draft **out);
    int (*draft_append)(struct blob_draft *d, struct str bytes); // E_FULL, E_IO
    int (*draft_sync)(struct blob_draft *d);                     // E_FULL, E_IO
    // Durably under its id. E_NOT_FOUND: `remove` took it in the meantime. E_IO.
    int (*draft_publish)(struct blob_draft *d);
    // Removes what was not published.
    void (*draft_free)(struct blob_draft *d);

    // E_NOT_FOUND, E_IO. They can be read until they are closed, also when they are removed.
    int (*contents_open)(struct blob_backend *b, const struct blob_id *id,
                         struct blob_contents **out);
    // *got is less than len only at the end. E_IO.
    int (*contents_read)(struct blob_contents *c, uint64_t offset, char *out, size_t len,
                         size_t *got);
    void (*contents_close)(struct blob_contents *c);

    // Durably, published or still a draft; what is not there counts as removed. E_IO.
    int (*remove)(struct blob_backend *b, const struct blob_id *id);
    // Gives the id of everything that is published. OK, what fn returned, or E_IO.
    int (*list)(struct blob_backend *b, blob_id_fn *fn, void *arg);
};

struct blob_backend *blob_mem_open(void);
// Blocks. E_IO. The directory is made with the first draft.
MUST_USE int blob_file_open(const char *dir, uint64_t reserve_bytes, struct blob_hook hook,
                            struct blob_backend **out);

static inline void
blob_step(const struct blob_hook *hook, const char *step)
{
    if (hook->fn != NULL)
        hook->fn(hook->arg, step);
}
