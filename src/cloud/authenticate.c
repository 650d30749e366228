// Who signed the request.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/aws_chunked.h"
#include "src/auth/key_cache.h"
#include "src/cloud/regions.h"
#include "src/cloud/stages.h"

// 0.6 ms of SHA-256: above, other fibers should not wait.
enum { HASH_IN_POOL_BYTES_MIN = 1024 * 1024 };

// After a DONE bytes were left over.
static const char *const chunk_reasons[] = {
    [AWS_CHUNKED_MORE] = "The chunked body ended too early.",
    [AWS_CHUNKED_DONE] = "The chunked body goes on after its end.",
    [AWS_CHUNKED_MALFORMED] = "The body is not correctly aws-chunked.",
    [AWS_CHUNKED_LENGTH] = "The body is not as long as x-amz-decoded-content-length says.",
    [AWS_CHUNKED_SIGNATURE] = "The signature of a chunk of the body is wrong.",
    [AWS_CHUNKED_CHECKSUM] = "The checksum in the trailer is not that of the body.",
};

static int
fault_of_signature(struct call *c, enum sigv4_result result, struct str reason)
{
    static const int faults[] = {
        [SIGV4_MISSING] = FAULT_MISSING_AUTHENTICATION,
        [SIGV4_INCOMPLETE] = FAULT_INCOMPLETE_SIGNATURE,
        [SIGV4_SKEWED] = FAULT_REQUEST_EXPIRED,
        [SIGV4_EXPIRED] = FAULT_ACCESS_DENIED,
        [SIGV4_SCOPE] = FAULT_SIGNATURE_MISMATCH,
        [SIGV4_MISMATCH] = FAULT_SIGNATURE_MISMATCH,
    };
    if (result == SIGV4_MISSING)
        reason = STR("Request is missing Authentication Token");
    return fault(c, faults[result], STR_FMT, STR_ARG(reason));
}

static int
check_scope(struct call *c)
{
    const char *service = c->service->wire->signing_name;
    if (!str_eq(c->signature.service, str_of(service)))
        return fault(c, FAULT_SIGNATURE_MISMATCH,
                     "Credential should be scoped to correct service: '%s'. ", service);
    if (!region_exists(c->signature.region) ||
        (str_is_present(c->host_region) && !str_eq_nocase(c->host_region, c->signature.region)))
        return fault(c, FAULT_SIGNATURE_MISMATCH,
                     "Credential should be scoped to a valid region, not '" STR_FMT "'. ",
                     STR_ARG(c->signature.region));
    return OK;
}

struct verification {
    struct call *c;
    struct sha256 key;
    int64_t now_ms;
    enum sigv4_result result;
    struct str reason;
};

static bool
is_chunked(const struct call *c)
{
    enum sigv4_payload payload = sigv4_payload_of(c->http);
    return payload >= SIGV4_PAYLOAD_CHUNKS && payload <= SIGV4_PAYLOAD_UNSIGNED_TRAILER;
}

// The body that the chunks carry becomes the call's.
static void
verify_chunks(struct verification *v)
{
    struct call *c = v->c;
    struct aws_chunked chunks;
    char *bytes = arena_alloc_bytes(c->arena, c->body.len);
    size_t consumed = 0, produced = 0;
    enum aws_chunked_result result = AWS_CHUNKED_MALFORMED;
    if (c->body.len > 0)
        memcpy(bytes, c->body.ptr, c->body.len);
    if (aws_chunked_init(&chunks, c->http, &c->signature, &v->key) == OK)
        result = aws_chunked_decode(&chunks, bytes, c->body.len, &consumed, &produced);
    if (result == AWS_CHUNKED_DONE && consumed == c->body.len) {
        c->body = (struct str){bytes, produced};
        return;
    }
    v->result = result == AWS_CHUNKED_SIGNATURE ? SIGV4_MISMATCH : SIGV4_INCOMPLETE;
    v->reason = str_of(chunk_reasons[result]);
}

static void
verify(void *arg)
{
    struct verification *v = arg;
    v->result = sigv4_verify(v->c->http, &v->c->signature, &v->key, v->c->service->payloads,
                             v->now_ms, &v->reason);
}

static void
verify_all(void *arg)
{
    struct verification *v = arg;
    verify(v);
    if (v->result == SIGV4_OK && is_chunked(v->c))
        verify_chunks(v);
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
        pool_run(rt, verify_all, &v);
    else
        verify_all(&v);
    return v.result == SIGV4_OK ? OK : fault_of_signature(c, v.result, v.reason);
}

// Of operations that are modelled without authentication. They belong to no region but the host's.
static int
stay_anonymous(struct call *c)
{
    c->region = region_exists(c->host_region) ? c->host_region : STR("us-east-1");
    return OK;
}

int
call_authenticate(struct call *c)
{
    struct credential credential;
    if (c->signature_result == SIGV4_MISSING && c->operation->is_unsigned)
        return stay_anonymous(c);
    if (c->signature_result != SIGV4_OK)
        return fault_of_signature(c, c->signature_result, c->signature_reason);
    // A session token belongs to temporary credentials, and there are none yet.
    if (credential_find(c->cloud->keys, c->arena, c->signature.access_key, &credential) != OK ||
        str_is_present(c->signature.security_token))
        return fault(c, FAULT_UNKNOWN_KEY,
                     "The security token included in the request is invalid.");
    TRY(check_scope(c));
    TRY(check_signature(c, credential.secret));
    c->principal = credential.principal;
    c->region = c->signature.region;
    return OK;
}
