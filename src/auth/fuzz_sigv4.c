// Fuzzes signatures in header and query string, and canonical requests: any HTTP request.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/key_cache.h"
#include "src/http/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    if (sigv4_verify(r, &sig, &key, ~0u, sig.timestamp_ms, &reason) != SIGV4_OK)
        CHECK(reason.len > 0);
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
