// The root key, and short secrets sealed under keys that are derived from it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"

// Secrets that must be read back (access keys, tokens, the keys of blobs) are kept sealed:
// AES-256-GCM under a key of their purpose, HKDF-SHA256(root key, purpose), so that no two purposes
// share one. May be used by any thread.
struct seal;

enum {
    ROOT_KEY_BYTES = 32,
    SEAL_KEY_BYTES = 32,
    SEAL_EXTRA_BYTES = 41,              // how much longer a sealed secret is: version, nonce, tag
    SEAL_SECRET_BYTES_MAX = 256 * 1024, // a CHECK
};

struct seal_options {
    struct runtime *runtime;
    struct kv *kv;
    // Of the key: ROOT_KEY_BYTES random bytes in a file that only its owner can read. Beside the
    // data it is DIR/root.key, which may only be made when kv_open has taken the directory.
    const char *path;
    bool is_made; // when missing, and the store was never used with another; else E_NOT_FOUND
};

// From a fiber. The store remembers which key it was used with: E_INVALID when the file is another
// key, has a wrong length or may be read by others; E_NOT_FOUND; E_IO; E_FULL. `problem` gets a
// sentence for a person. The kv is not used afterwards.
MUST_USE int seal_open(const struct seal_options *options, struct seal **out, char *problem,
                       size_t problem_size);
// Makes the file of a root key where there is none: on a first start, before seal_open finds it.
// From any thread, which waits for the disk. E_FULL, E_IO.
MUST_USE int seal_prepare(struct runtime *rt, const char *path);
// A random key that is kept nowhere: for "mem:".
struct seal *seal_new(struct runtime *rt);
void seal_free(struct seal *s); // accepts NULL

// `bound` is authenticated, not kept: the same must be given to seal_decode, so that a sealed
// secret cannot be moved to another place (an account, a name). The result is in the arena.
struct str seal_encode(const struct seal *s, struct str purpose, struct str bound,
                       struct str secret, struct arena *arena);
// E_INVALID: not sealed by this root key for this purpose and `bound`, or changed since. E_NEWER.
MUST_USE int seal_decode(const struct seal *s, struct str purpose, struct str bound,
                         struct str sealed, struct arena *arena, struct str *out);

// RFC 5869, for one block of output. An absent salt is that of zeroes.
void hkdf_sha256(struct str salt, struct str secret, struct str info, uint8_t out[SEAL_KEY_BYTES]);
