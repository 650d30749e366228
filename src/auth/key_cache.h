// Signing keys of the day, so that a busy client costs one HMAC a request and not five.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/sigv4.h"

// A hint of fixed size: a key that was pushed out is computed again. Not thread-safe: one per loop.
// The secret is part of what is looked up, so a replaced secret never meets the old one's key.
struct key_cache;
enum { KEY_CACHE_SLOTS = 256 };

struct key_cache *key_cache_new(void);
// Wipes the keys. NULL is accepted.
void key_cache_free(struct key_cache *cache);
// The signing key for the header's date, region and service.
struct sha256 key_cache_get(struct key_cache *cache, const struct sigv4 *sig, struct str secret);
