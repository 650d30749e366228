// What a service gives to the cloud: its model, handlers and lifetime.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/action.h"
#include "src/wire/model.h"

struct access;
struct call;
struct check;
struct cloud;
struct cors_rules;
struct http_request;

// Checks what the model cannot say, runs one transaction, acts after the commit, fills out. in and
// out live in the call's arena, out is zeroed. Returns OK, or what fault() returned.
typedef int service_handler_fn(struct call *c, const void *in, void *out);

// Says of each action of a decoded call which resources it is about, with access_add_resource, and
// what the service knows of its conditions (src/auth/authorise.h). Called once an action, which
// `access` names. May read the store, open the access to callers whom the resource admits, and
// fault. An action that needs a resource and gets none ends the call.
typedef int service_authorise_fn(struct call *c, struct access *access);

// Whose a decoded call is, among the services of one endpoint that share the operation: its own
// name or that of a guest, in *owner, which lasts as long as the call. Nothing of the input was
// checked yet. May read the store (the engine of the resource that the input names), and fault.
typedef int service_split_fn(struct call *c, struct str *owner);

// The CORS rules (src/cloud/cors.h) of the resource that a page's request acts on, in their order;
// none where it is no request to this service, as far as host and path tell: of a preflight there
// is no signature and no target. Runs in the request's fiber, in whose arena the rules live; may
// read the store. After an error there are none.
typedef int service_cors_fn(struct cloud *cloud, void *state, const struct http_request *request,
                            struct cors_rules *out);

// After a call that went well, before its answer leaves: counts it in the service's metrics
// (src/cloud/statistics.h). It does not wait.
typedef void service_measure_fn(struct call *c);

// Generated from services/<name>/service.json as `const struct service <name>_service`.
struct service {
    const struct wire_service *wire;
    service_handler_fn *const *handlers; // by operation; NULL: modelled, not built
    // What x-amz-content-sha256 may say beside a hash of the body: bits 1u << enum sigv4_payload.
    unsigned payloads;
    // What IAM asks for: rows by operation, which point at rows of actions, and those at resources.
    const struct action_span *operation_actions;
    const struct action *actions;
    const struct action_resource *action_resources;
    // Members that records do not show, beside those that the model calls sensitive: their names, a
    // space between two. NULL: none.
    const char *hidden;
    int throttled;         // the error of too many calls, counted from 1; 0: FAULT_THROTTLED
    bool checks_digests;   // S3's: Content-MD5 and x-amz-checksum-* are compared with the body
    bool admits_anonymous; // callers without a signature come as far as authorise
    // S3: a name in front of the service's host is a bucket, the first part of the path.
    bool has_buckets;
    // A guest: the name of the service that shares its endpoint, version and operations. Requests
    // reach it by the host's split only. NULL: it has an endpoint of its own.
    const char *host;
    // In the service's folder, all of them optional.
    service_split_fn *split;
    service_authorise_fn *authorise;
    service_measure_fn *measure;
    service_cors_fn *cors;
    // Of what must hold between its keys, for c10m fsck (src/store/check.h).
    int (*check)(struct check *c);
    // `state` holds hints only: what must last is in the store.
    int (*init)(struct cloud *cloud, void **state);
    void (*fini)(void *state);
};

// Generated: one per folder in services/, ends with NULL.
extern const struct service *const service_registry[];
