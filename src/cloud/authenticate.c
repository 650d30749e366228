// Who signed the request.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/key_cache.h"
#include "src/cloud/regions.h"
#include "src/cloud/signature_fault.h"
#include "src/cloud/stages.h"

// 0.6 ms of SHA-256: above, other fibers should not wait.
enum { HASH_IN_POOL_BYTES_MIN = 1024 * 1024 };

static int
check_scope(struct call *c)
{
    const char *service = c->service->wire->signing_name;
    if (!str_eq(c->signature.service, str_of(service)))
        return fault(c, FAULT_SIGNATURE_MISMATCH,
                     "Credential should be scoped to correct service: '%s'. ", service);
    if (!region_exists(c->signature.region) ||
        (str_is_present(c->host.region) && !str_eq_nocase(c->host.region, c->signature.region)))
        return wrong_region_fault(c);
    return OK;
}

struct verification {
    struct call *c;
    bool is_anonymous; // then without key and time
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

// The call reads its body through what checks it.
static void
open_body(struct verification *v, struct stream *source)
{
    struct call *c = v->c;
    unsigned payloads = c->service->payloads;
    c->signed_body = ARENA_NEW(c->arena, struct signed_body);
    v->result = v->is_anonymous ? signed_body_open_anonymous(c->signed_body, c->http, source,
                                                             payloads, &v->reason)
                                : signed_body_open(c->signed_body, c->http, source, &c->signature,
                                                   &v->key, payloads, v->now_ms, &v->reason);
}

// The body that the chunks carry becomes the call's.
static void
read_chunks(struct verification *v)
{
    struct call *c = v->c;
    struct str_stream source;
    size_t size = c->body.len, len = 0;
    str_stream_init(&source, c->body);
    open_body(v, &source.stream);
    char *bytes = arena_alloc_bytes(c->arena, size + 1); // so that the end is seen
    if (v->result == SIGV4_OK &&
        stream_read_full(&c->signed_body->stream, bytes, size + 1, &len) != OK) {
        v->result = c->signed_body->result;
        v->reason = c->signed_body->reason;
    }
    c->body = (struct str){bytes, len};
    c->signed_body = NULL;
}

static void
verify(void *arg)
{
    struct verification *v = arg;
    struct call *c = v->c;
    if (is_chunked(c))
        read_chunks(v);
    else if (!v->is_anonymous)
        v->result = sigv4_verify(c->http, &c->signature, &v->key, c->service->payloads, v->now_ms,
                                 &v->reason);
}

static int
check(struct verification *v)
{
    struct call *c = v->c;
    if (c->http->stream != NULL)
        open_body(v, c->http->stream);
    else if (c->http->body.len >= HASH_IN_POOL_BYTES_MIN)
        pool_run(c->cloud->runtime, verify, v);
    else
        verify(v);
    if (v->result != SIGV4_OK)
        return signature_fault(c, v->result, &c->signature, v->reason);
    if (c->signed_body != NULL)
        c->stream = &c->signed_body->stream;
    return OK;
}

static int
check_signature(struct call *c, struct str secret)
{
    struct key_cache *keys = c->cloud->key_caches[loop_index(loop_current())];
    struct verification v = {
        .c = c,
        .key = key_cache_get(keys, &c->signature, secret),
        .now_ms = clock_wall_ms(c->cloud->runtime),
    };
    return check(&v);
}

int
call_judge_body(struct call *c, int code)
{
    const struct signed_body *b = c->signed_body;
    if (code == OK || b == NULL || b->code == OK)
        return code;
    if (b->result != SIGV4_OK)
        return signature_fault(c, b->result, &b->sig, b->reason);
    // The words are those of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    if (b->code == E_TIMEOUT)
        return fault(c, FAULT_BODY_TIMEOUT,
                     "Your socket connection to the server was not read from or written to within "
                     "the timeout period.");
    if (b->code == E_CLOSED || b->code == E_INVALID)
        return fault(c, FAULT_BODY_INCOMPLETE,
                     "You did not provide the number of bytes specified by the Content-Length HTTP "
                     "header.");
    return code;
}

// Of operations that are modelled without authentication, and of services that admit some callers
// without: which ones, their hook says (call_authorise). Such a call belongs to no region but the
// host's.
static int
stay_anonymous(struct call *c)
{
    c->region = region_exists(c->host.region) ? c->host.region : STR("us-east-1");
    return check(&(struct verification){.c = c, .is_anonymous = true});
}

int
call_authenticate(struct call *c)
{
    struct credential credential;
    if (c->signature_result == SIGV4_MISSING &&
        (c->operation->is_unsigned || c->service->admits_anonymous))
        return stay_anonymous(c);
    if (c->signature_result != SIGV4_OK)
        return signature_fault(c, c->signature_result, &c->signature, c->signature_reason);
    // A session token belongs to temporary credentials, and there are none yet.
    if (credential_find(c->cloud->keys, c->arena, c->signature.access_key, &credential) != OK ||
        str_is_present(c->signature.security_token))
        return unknown_key_fault(c);
    TRY(check_scope(c));
    TRY(check_signature(c, credential.secret));
    c->principal = credential.principal;
    c->region = c->signature.region;
    return OK;
}
