// The inside of the blobs of one store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "src/store/blob_backend.h"
#include "src/store/blob_crypt.h"

struct blobs {
    struct runtime *runtime;
    const struct log *log;
    struct kv *kv;
    const struct seal *seal;
    struct blob_backend *backend;
    struct aes *crypto;
    struct blob_hook hook;
    size_t streams_max;
    atomic_int holds;       // while there are any, no collection begins
    atomic_int collections; // under way
    atomic_size_t streams;
};

// E_LIMIT.
MUST_USE int blob_stream_take(struct blobs *b);
void blob_stream_put(struct blobs *b);
// Contents that are not what was written.
void blob_log_broken(const struct blobs *b, const struct blob_id *id, const char *what,
                     uint64_t chunk);
