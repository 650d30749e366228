// Who owns an access key, and its secret.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/principal.h"
#include "src/base/arena.h"

struct credential {
    struct str secret;
    struct principal principal;
};

enum {
    ACCOUNT_DIGITS = 12,
    ACCESS_KEY_BYTES_MAX = 128,
    SECRET_BYTES_MAX = 256,
    ROOT_KEYS_MAX = 1000,
};

bool account_is_valid(struct str s);
// The root of an account, as it is without a key.
struct principal principal_root(struct arena *arena, struct str account);

// The keys that are not in the store: those of the operator, and the development keys. Filled
// before it is used; then any thread may read it.
struct key_ring;
// With the development keys: `test`/`test` is root of 000000000000, and twelve digits with the
// secret `test` are root of that account. Everybody knows them.
struct key_ring *key_ring_new(bool has_development_keys);
// Wipes the secrets. NULL is accepted.
void key_ring_free(struct key_ring *ring);
// ACCOUNT:KEY:SECRET. E_INVALID or E_EXISTS, with a sentence in `problem` that does not hold the
// secret; E_LIMIT: more than ROOT_KEYS_MAX.
MUST_USE int key_ring_add(struct key_ring *ring, struct str text, char *problem,
                          size_t problem_size);
// Such lines; empty ones and those that begin with '#' are left out.
MUST_USE int key_ring_add_lines(struct key_ring *ring, struct str text, char *problem,
                                size_t problem_size);
// No key at all opens it.
bool key_ring_is_empty(const struct key_ring *ring);

// E_NOT_FOUND: unknown key. Keys that users make will come from the store. The secret is the
// ring's.
MUST_USE int credential_find(const struct key_ring *ring, struct arena *arena,
                             struct str access_key, struct credential *out);
