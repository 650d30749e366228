// What a service gives to the cloud: its model, handlers and lifetime.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

struct access;
struct call;
struct cloud;

// Checks what the model cannot say, runs one transaction, acts after the commit, fills out. in and
// out live in the call's arena, out is zeroed. Returns OK, or what fault() returned.
typedef int service_handler_fn(struct call *c, const void *in, void *out);

// Says what a decoded call is about to do (src/auth/authorise.h): the resource, its owner, and the
// action where it is not named like the operation. May read the store, and fault.
typedef int service_authorise_fn(struct call *c, struct access *access);

// Generated from services/<name>/service.json as `const struct service <name>_service`.
struct service {
    const struct wire_service *wire;
    service_handler_fn *const *handlers; // by operation; NULL: modelled, not built
    // What x-amz-content-sha256 may say beside a hash of the body: bits 1u << enum sigv4_payload.
    unsigned payloads;
    // In the service's folder, all of them optional. Without authorise: the resource is "*" and the
    // caller's own.
    service_authorise_fn *authorise;
    // `state` holds hints only: what must last is in the store.
    int (*init)(struct cloud *cloud, void **state);
    void (*fini)(void *state);
};

// Generated: one per folder in services/, ends with NULL.
extern const struct service *const service_registry[];
