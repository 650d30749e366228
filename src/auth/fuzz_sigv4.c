// Fuzzes signatures in header and query string, and canonical requests: any HTTP request.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/key_cache.h"
#include "src/auth/signed_body.h"
#include "src/http/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The same while it is read.
static enum sigv4_result
verify_stream(const struct http_request *r, const struct sigv4 *sig, const struct sha256 *key)
{
    struct http_request streamed = *r;
    struct signed_body body;
    struct str_stream source;
    struct str reason;
    char piece[16];
    size_t n = 1;
    int code = OK;
    streamed.body = (struct str){0};
    str_stream_init(&source, r->body);
    enum sigv4_result result = signed_body_open(&body, &streamed, &source.stream, sig, key, ~0u,
                                                sig->timestamp_ms, &reason);
    while (result == SIGV4_OK && code == OK && n > 0)
        code = stream_read(&body.stream, piece, sizeof(piece), &n);
    CHECK(code == OK || body.result != SIGV4_OK);
    return code == OK ? result : body.result;
}

static void
verify(const struct http_request *r)
{
    struct sigv4 sig;
    struct str reason;
    if (sigv4_parse(r, &sig, &reason) != SIGV4_OK) {
        CHECK(str_is_present(reason) ||
              !str_is_present(http_request_header(r, STR("Authorization"))));
        return;
    }
    struct key_cache *cache = key_cache_new();
    struct sha256 key = key_cache_get(cache, &sig, STR("test"));
    key_cache_free(cache);
    enum sigv4_result result = sigv4_verify(r, &sig, &key, ~0u, sig.timestamp_ms, &reason);
    CHECK(result == SIGV4_OK || reason.len > 0);
    if (sigv4_payload_of(r) == SIGV4_PAYLOAD_HASHED)
        CHECK((verify_stream(r, &sig, &key) == SIGV4_OK) == (result == SIGV4_OK));
    sigv4_authorization(r, sig.access_key, STR("test"), sig.region, sig.service);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct http_head head = {0};
    struct str bytes = {(const char *)data, size};
    arena_init(&arena);
    if (http_head_parse(bytes, &arena, &head) == HTTP_PARSE_DONE) {
        head.request.arena = &arena;
        head.request.body = str_slice(bytes, head.head_bytes, size);
        verify(&head.request);
    }
    arena_fini(&arena);
    return 0;
}
