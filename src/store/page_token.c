// Pagination tokens: where a listing goes on, sealed, so that a client can only give it back.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/page_token.h"

#include "src/base/encoding.h"
#include "src/store/tuple.h"

#define PURPOSE STR("page token")

// As a tuple, so that no two scopes have the same bytes.
static struct str
scope_bytes(const struct page_scope *s, struct arena *arena)
{
    struct tuple t;
    tuple_init(&t, arena);
    tuple_add_str(&t, s->account);
    tuple_add_str(&t, s->region);
    tuple_add_str(&t, s->operation);
    for (size_t i = 0; i < s->parameter_count; i++) {
        // A parameter that is absent is another than an empty one.
        tuple_add_int(&t, str_is_present(s->parameters[i]));
        tuple_add_str(&t, s->parameters[i]);
    }
    return tuple_key(&t);
}

struct str
page_token_encode(const struct seal *seal, const struct page_scope *scope, struct str position,
                  int64_t now_ms, struct arena *arena)
{
    struct tuple t;
    struct buf out;
    CHECK(position.len <= PAGE_POSITION_BYTES_MAX);
    tuple_init(&t, arena);
    tuple_add_int(&t, now_ms);
    tuple_add_fixed(&t, position);
    struct str sealed = seal_encode(seal, PURPOSE, scope_bytes(scope, arena), tuple_key(&t), arena);
    buf_init(&out, arena, 2 * sealed.len);
    base64url_encode(sealed, &out);
    return buf_str(&out);
}

int
page_token_decode(const struct seal *seal, const struct page_scope *scope, struct str token,
                  int64_t now_ms, int64_t age_ms_max, struct arena *arena, struct str *out)
{
    struct tuple_reader r;
    struct str sealed, plain;
    int64_t made_ms;
    TRY(base64url_decode(arena, token, &sealed));
    if (seal_decode(seal, PURPOSE, scope_bytes(scope, arena), sealed, arena, &plain) != OK)
        return E_INVALID;
    tuple_reader_init(&r, arena, plain);
    if (tuple_read_int(&r, &made_ms) != OK || r.rest.len == 0)
        return E_INVALID;
    if (age_ms_max > 0 && now_ms - made_ms > age_ms_max)
        return E_TIMEOUT;
    return tuple_read_fixed(&r, r.rest.len - 1, out); // behind the type byte
}
