// Who signed the request.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/key_cache.h"
#include "src/cloud/stages.h"

enum {
    REGION_BYTES_MAX = 32,
    HASH_IN_POOL_BYTES_MIN = 1024 * 1024, // 0.6 ms of SHA-256: above, other fibers should not wait
};

static int
fault_of_signature(struct call *c, enum sigv4_result result, struct str reason)
{
    static const int faults[] = {
        [SIGV4_MISSING] = FAULT_MISSING_AUTHENTICATION,
        [SIGV4_INCOMPLETE] = FAULT_INCOMPLETE_SIGNATURE,
        [SIGV4_SKEWED] = FAULT_REQUEST_EXPIRED,
        [SIGV4_SCOPE] = FAULT_SIGNATURE_MISMATCH,
        [SIGV4_MISMATCH] = FAULT_SIGNATURE_MISMATCH,
    };
    if (result == SIGV4_MISSING)
        reason = STR("Request is missing Authentication Token");
    return fault(c, faults[result], STR_FMT, STR_ARG(reason));
}

// It becomes part of keys and names, so it looks like one; which ones exist is not ours to say.
static bool
is_region(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
              s.ptr[i] == '-'))
            return false;
    return s.len > 0 && s.len <= REGION_BYTES_MAX;
}

static int
check_scope(struct call *c)
{
    const char *service = c->service->wire->signing_name;
    if (!str_eq(c->signature.service, str_of(service)))
        return fault(c, FAULT_SIGNATURE_MISMATCH,
                     "Credential should be scoped to correct service: '%s'. ", service);
    if (!is_region(c->signature.region))
        return fault(c, FAULT_SIGNATURE_MISMATCH,
                     "Credential should be scoped to a valid region, not '" STR_FMT "'. ",
                     STR_ARG(c->signature.region));
    return OK;
}

struct verification {
    const struct call *c;
    struct sha256 key;
    int64_t now_ms;
    enum sigv4_result result;
    struct str reason;
};

static void
verify(void *arg)
{
    struct verification *v = arg;
    v->result = sigv4_verify(v->c->http, &v->c->signature, &v->key, v->now_ms, &v->reason);
}

static int
check_signature(struct call *c, struct str secret)
{
    struct runtime *rt = c->cloud->runtime;
    struct key_cache *keys = c->cloud->key_caches[loop_index(loop_current())];
    struct verification v = {
        .c = c,
        .key = key_cache_get(keys, &c->signature, secret),
        .now_ms = clock_wall_ms(rt),
    };
    if (c->http->body.len >= HASH_IN_POOL_BYTES_MIN)
        pool_run(rt, verify, &v);
    else
        verify(&v);
    return v.result == SIGV4_OK ? OK : fault_of_signature(c, v.result, v.reason);
}

int
authenticate(struct call *c)
{
    struct credential credential;
    if (c->signature_result != SIGV4_OK)
        return fault_of_signature(c, c->signature_result, c->signature_reason);
    // A session token belongs to temporary credentials, and there are none yet.
    if (credential_find(c->arena, c->signature.access_key, &credential) != OK ||
        str_is_present(http_request_header(c->http, STR("X-Amz-Security-Token"))))
        return fault(c, FAULT_UNKNOWN_KEY,
                     "The security token included in the request is invalid.");
    TRY(check_scope(c));
    TRY(check_signature(c, credential.secret));
    c->principal = credential.principal;
    c->region = c->signature.region;
    return OK;
}
