// A whole c10m: everything that one process holds hangs on this struct.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/log.h"
#include "src/cloud/metrics.h"
#include "src/cloud/service.h"
#include "src/http/server.h"
#include "src/store/kv.h"

struct key_cache;

enum { SERVICES_MAX = 256 };

struct cloud {
    struct runtime *runtime;
    struct log log;
    struct kv *kv;
    struct http_server *http;
    void *service_states[SERVICES_MAX]; // by index in service_registry
    struct metrics *metrics;
    struct key_cache *key_caches[RUNTIME_LOOPS_MAX]; // one per loop
    int64_t started_ns;                              // monotonic
};

struct cloud_options {
    struct socket_address address; // loopback only; port 0 is filled in
    const char *store_url;         // "rocks:DIR" or "mem:"
    int loops;                     // 0: one per core
    enum log_level log_level;
    int log_fd;
    bool run_twice; // see struct kv_options
};

// Opens the store, starts services, listens. On failure `problem` says in one line what to do.
// E_INVALID: the address is open to the network; else what the store or the server returned.
MUST_USE int cloud_new(struct cloud_options *options, struct cloud **out, char *problem,
                       size_t problem_size);
// Drains within KV_TXN_MS_MAX and a little, then frees everything. NULL is accepted.
void cloud_free(struct cloud *cloud);
