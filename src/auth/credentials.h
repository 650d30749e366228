// Who owns an access key, and its secret.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

enum principal_kind { PRINCIPAL_ANONYMOUS, PRINCIPAL_ROOT };

// Who calls. Texts live in the call's arena or are static.
struct principal {
    enum principal_kind kind;
    struct str account; // 12 digits
    struct str arn;     // arn:aws:iam::000000000000:root
    struct str user_id; // of a root: its account
    struct str access_key;
};

struct credential {
    struct str secret;
    struct principal principal;
};

// The development keys: `test`/`test` is root of 000000000000, and twelve digits with the secret
// `test` are root of that account. E_NOT_FOUND: unknown key. Keys that users make will come from
// the store.
MUST_USE int credential_find(struct arena *arena, struct str access_key, struct credential *out);
