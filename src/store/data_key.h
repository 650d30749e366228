// Data keys: under which a service keeps many small contents sealed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/aes.h"
#include "src/store/seal.h"

// A data key is random, kept in a record of the service, sealed by the root key. Each content is
// encrypted by AES-256-GCM under a key of its own, which is derived from the data key and the
// content's id: so there is no nonce that could repeat, however many contents a data key has. The
// keys in use are remembered, unsealed, for each loop; so these are called from fibers.
struct data_keys;

enum {
    DATA_ID_BYTES = 16,
    DATA_EXTRA_BYTES = 17, // how much longer a sealed content is: version and tag
};

// Both must outlive it.
struct data_keys *data_keys_new(const struct seal *seal, struct aes *aes);
void data_keys_free(struct data_keys *ks); // accepts NULL

// A new data key, sealed and in the arena. `bound` says what it is the key of.
struct str data_key_new(struct data_keys *ks, struct str bound, struct arena *arena);

// `id` names the content among all of this data key, DATA_ID_BYTES of it, and must never be used
// for another one. E_INVALID, E_NEWER: `key` is none that was made for `bound`.
MUST_USE int data_encode(struct data_keys *ks, struct str key, struct str bound, const void *id,
                         struct str content, struct arena *arena, struct str *out);
// E_INVALID: not sealed under this key and id, or changed since. E_NEWER.
MUST_USE int data_decode(struct data_keys *ks, struct str key, struct str bound, const void *id,
                         struct str sealed, struct arena *arena, struct str *out);
