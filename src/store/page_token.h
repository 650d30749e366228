// Pagination tokens: where a listing goes on, sealed, so that a client can only give it back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/seal.h"

// What a token is good for: the same operation of the same account with the same parameters. It
// stays good over restarts, as long as the root key is the same.
struct page_scope {
    struct str account;
    struct str region;
    struct str operation;         // "sqs:ListQueues"
    const struct str *parameters; // those that choose what is listed, and their order
    size_t parameter_count;
};

enum { PAGE_POSITION_BYTES_MAX = 16 * 1024 };

// base64url without padding, in the arena. The position is the caller's: the last key, say.
struct str page_token_encode(const struct seal *seal, const struct page_scope *scope,
                             struct str position, int64_t now_ms, struct arena *arena);
// E_INVALID: no token of this scope; E_TIMEOUT: made more than age_ms_max before now_ms (wall
// clock; 0: any age).
MUST_USE int page_token_decode(const struct seal *seal, const struct page_scope *scope,
                               struct str token, int64_t now_ms, int64_t age_ms_max,
                               struct arena *arena, struct str *out);
